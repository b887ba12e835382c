//! What the scheduler stands on: reservations that go as a whole, notifications that are bound, time that is charged.

use sel4::init_thread::slot;
use sel4::{CapRights, Error, Fault, MessageInfo, ObjectBlueprint, Word, cap_type};

use crate::tester::{LOW, Outcome, Tester, ensure, failure};
use crate::threads::{Shared, Start};

/// log2 of a reservation's bytes.
const RESERVATION_BITS: usize = 15;

pub fn a_copied_untyped_goes_with_its_original(tester: &mut Tester) -> Outcome {
    const CNODE_BITS: usize = 4;
    let whole = ObjectBlueprint::Untyped {
        size_bits: RESERVATION_BITS,
    };
    let original = tester.make_blueprint::<cap_type::Untyped>(&whole)?;
    let elsewhere = tester.make_blueprint::<cap_type::CNode>(&ObjectBlueprint::CNode {
        size_bits: CNODE_BITS,
    })?;
    for _ in 0..3 {
        let handed_over = tester.copy(original, CapRights::all())?;
        let root = elsewhere.absolute_cptr_for_self();
        handed_over
            .untyped_retype(&ObjectBlueprint::Endpoint, &root, 1, 4)
            .map_err(failure("make objects of the copy"))?;
        let again = tester.copy(handed_over, CapRights::all());
        ensure!(again.is_err(), true, "copying one that has children");
        tester
            .at(original.cptr())
            .revoke()
            .map_err(failure("revoke the original"))?;
        ensure!(
            tester.probe(handed_over.cptr()),
            Err(Error::FailedLookup),
            "the copy's slot"
        );
        for index in 1..5 {
            let made = elsewhere.absolute_cptr_from_bits_with_depth(index, CNODE_BITS);
            let scratch = tester.empty_slot();
            ensure!(
                tester.at(scratch).copy(&made, CapRights::all()),
                Err(Error::FailedLookup),
                "what was made of it"
            );
        }
    }
    let root = slot::CNODE.cap().absolute_cptr_for_self();
    let place = tester.empty_slot();
    original
        .untyped_retype(&whole, &root, place.bits() as usize, 1)
        .map_err(failure("take all of it"))
}

/// Polls the notification in argument 0.
fn poll(shared: &'static Shared) {
    let _ = shared.cap::<cap_type::Notification>(0).poll();
    shared.set(0, 1);
}

/// Does nothing.
fn nothing(_shared: &'static Shared) {}

pub fn a_bound_notification_is_nobody_elses(tester: &mut Tester) -> Outcome {
    let notification = tester.make::<cap_type::Notification>()?;
    let faults = tester.make::<cap_type::Endpoint>()?;
    let start = Start {
        priority: LOW,
        fault_endpoint: faults.cptr(),
        tls_base: 0,
    };
    let free = tester.spawn_with(&start, poll, &[notification.bits()])?;
    tester.let_others_run()?;
    ensure!(free.shared.result(0), 1, "polling one that is not bound");
    let owner = tester.spawn(LOW, nothing, &[])?;
    owner
        .tcb
        .tcb_bind_notification(notification)
        .map_err(failure("bind"))?;
    let other = tester.spawn_with(&start, poll, &[notification.bits()])?;
    let (info, _) = faults.recv(());
    match sel4::with_ipc_buffer(|buffer| Fault::new(buffer, &info)) {
        Fault::CapFault(fault) => ensure!(fault.in_recv_phase(), true, "while receiving"),
        fault => return Err(alloc::format!("another fault: {fault}")),
    }
    ensure!(other.shared.result(0), 0, "whether it came back");
    // Whoever it belongs to is not disturbed.
    owner
        .tcb
        .tcb_unbind_notification()
        .map_err(failure("unbind"))?;
    Ok(())
}

/// Turns of the thread whose time is counted.
const TURNS: Word = 200_000;

fn work(shared: &'static Shared) {
    for turn in 0..TURNS {
        core::hint::black_box(turn);
    }
    shared.set(0, 1);
}

/// Calls argument 0 as often as argument 1 says.
fn call_often(shared: &'static Shared) {
    for _ in 0..shared.argument(1) {
        shared
            .cap::<cap_type::Endpoint>(0)
            .call_with_mrs(MessageInfo::new(0x1000, 0, 0, 0), []);
    }
    shared.set(0, 1);
}

/// Answers whoever calls argument 0.
fn serve(shared: &'static Shared) {
    let endpoint = shared.cap::<cap_type::Endpoint>(0);
    endpoint.recv_with_mrs(());
    loop {
        endpoint.reply_recv_with_mrs(MessageInfo::new(0, 0, 0, 0), [], ());
    }
}

pub fn threads_are_charged_for_their_time(tester: &mut Tester) -> Outcome {
    let worker = tester.spawn(LOW, work, &[])?;
    let time = |tcb: sel4::cap::Tcb| tcb.tcb_cpu_time().map_err(failure("read the time"));
    ensure!(time(worker.tcb)?, 0, "the time of who never ran");
    tester.let_others_run()?;
    ensure!(worker.shared.result(0), 1, "the work");
    let worked = time(worker.tcb)?;
    ensure!(worked > 0, true, "the time of who worked is counted");
    ensure!(time(worker.tcb)?, worked, "the time of who does not run");
    // Over the kernel's fast path, too: each has its part.
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let server = tester.spawn(LOW, serve, &[endpoint.bits()])?;
    tester.let_others_run()?;
    let before = time(server.tcb)?;
    let client = tester.spawn(LOW, call_often, &[endpoint.bits(), TURNS / 100])?;
    tester.let_others_run()?;
    ensure!(client.shared.result(0), 1, "the calls");
    ensure!(time(server.tcb)? > before, true, "the server is charged");
    ensure!(time(client.tcb)? > 0, true, "the client is charged");
    Ok(())
}
