//! Suspending and resuming.

use alloc::format;

use sel4::{CapRights, MessageInfo, Word, cap_type, reply_with_mrs};

use crate::tester::{HIGH, LOW, Outcome, Tester, ensure, failure};
use crate::threads::{Shared, Start};

/// The badge of the calls, so that a receive of nothing is told from a call.
const BADGE: Word = 3;
/// Bytes of the system call instruction.
const SYSTEM_CALL_BYTES: Word = if cfg!(target_arch = "x86_64") { 2 } else { 4 };

fn info() -> MessageInfo {
    MessageInfo::new(0x1000, 0, 0, 0)
}

/// What a call is answered with.
const ANSWER: Word = 88;

/// Counts result 0, calls argument 0, leaves the answer's word in result 3, counts result 1.
fn call(shared: &'static Shared) {
    shared.count(0);
    let answer = shared
        .cap::<cap_type::Endpoint>(0)
        .call_with_mrs(info(), []);
    shared.set(3, answer.msg[0]);
    shared.count(1);
}

pub fn resume_issues_a_blocked_call_again(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let badged = tester.mint(endpoint, CapRights::all(), BADGE)?;
    let client = tester.spawn(HIGH, call, &[badged.bits()])?;
    ensure!(endpoint.recv_with_mrs(()).badge, BADGE, "the call");
    client.tcb.tcb_suspend().map_err(failure("suspend"))?;
    client.tcb.tcb_resume().map_err(failure("resume"))?;
    ensure!(
        endpoint.nb_recv_with_mrs(()).badge,
        BADGE,
        "the call, again"
    );
    ensure!(
        (client.shared.result(0), client.shared.result(1)),
        (1, 0),
        "how often the caller came to it, and past it"
    );
    Ok(())
}

pub fn a_finished_call_is_not_repeated(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let badged = tester.mint(endpoint, CapRights::all(), BADGE)?;
    // Lower than this thread: answered, it does not run at once.
    let client = tester.spawn(LOW, call, &[badged.bits()])?;
    ensure!(endpoint.recv_with_mrs(()).badge, BADGE, "the call");
    let blocked = client
        .tcb
        .tcb_read_all_registers(false)
        .map_err(failure("read registers"))?;
    reply_with_mrs(MessageInfo::new(0, 0, 0, 1), [ANSWER]);
    client.tcb.tcb_suspend().map_err(failure("suspend"))?;
    let answered = client
        .tcb
        .tcb_read_all_registers(false)
        .map_err(failure("read registers"))?;
    client.tcb.tcb_resume().map_err(failure("resume"))?;
    tester.let_others_run()?;
    ensure!(endpoint.nb_recv_with_mrs(()).badge, 0, "a second call");
    ensure!(
        client.shared.result(1),
        1,
        "how often the caller got past it"
    );
    ensure!(client.shared.result(3), ANSWER, "the answer that it got");
    ensure!(
        *answered.pc() - *blocked.pc(),
        SYSTEM_CALL_BYTES,
        "how far the program counter went on"
    );
    Ok(())
}

/// Where an aborted caller goes on: result 2 of the shared block, whose address is the first parameter.
extern "C" fn landing(shared: &'static Shared) -> ! {
    shared.count(2);
    loop {
        // Nobody sends there: it blocks for good.
        shared.cap::<cap_type::Endpoint>(1).recv_with_mrs(());
    }
}

pub fn a_new_program_counter_aborts_a_call(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let nowhere = tester.make::<cap_type::Endpoint>()?;
    let badged = tester.mint(endpoint, CapRights::all(), BADGE)?;
    let client = tester.spawn(HIGH, call, &[badged.bits(), nowhere.bits()])?;
    ensure!(endpoint.recv_with_mrs(()).badge, BADGE, "the call");
    client.tcb.tcb_suspend().map_err(failure("suspend"))?;
    let mut registers = client
        .tcb
        .tcb_read_all_registers(false)
        .map_err(failure("read registers"))?;
    *registers.pc_mut() = landing as *const () as Word;
    *registers.sp_mut() =
        (*registers.sp() & !0xf) - if cfg!(target_arch = "x86_64") { 8 } else { 0 };
    *registers.c_param_mut(0) = (&raw const *client.shared).addr() as Word;
    client
        .tcb
        .tcb_write_all_registers(true, &mut registers)
        .map_err(failure("write registers"))?;
    ensure!(client.shared.result(2), 1, "how often it landed");
    ensure!(endpoint.nb_recv_with_mrs(()).badge, 0, "a second call");
    ensure!(client.shared.result(1), 0, "how often it got past the call");
    Ok(())
}

/// Reads the thread pointer, lets others run, and reads it again.
fn read_thread_pointer(shared: &'static Shared) {
    shared.set(0, thread_pointer());
    shared.cap::<cap_type::Notification>(0).wait();
    shared.set(1, thread_pointer());
}

#[cfg(target_arch = "aarch64")]
fn thread_pointer() -> Word {
    let pointer;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nomem, nostack)) };
    pointer
}

#[cfg(target_arch = "x86_64")]
fn thread_pointer() -> Word {
    let pointer;
    // SAFETY: FS is at a block whose first word is its address: the fact's own.
    unsafe { core::arch::asm!("mov {}, fs:[0]", out(reg) pointer, options(nostack, readonly)) };
    pointer
}

pub fn each_thread_has_its_thread_pointer(tester: &mut Tester) -> Outcome {
    static BLOCKS: [core::sync::atomic::AtomicU64; 2] =
        [const { core::sync::atomic::AtomicU64::new(0) }; 2];
    let notification = tester.make::<cap_type::Notification>()?;
    let mut threads = [None, None];
    for (thread, block) in threads.iter_mut().zip(&BLOCKS) {
        let address = (&raw const *block).addr() as Word;
        block.store(address, core::sync::atomic::Ordering::SeqCst);
        let start = Start {
            priority: HIGH,
            fault_endpoint: sel4::CPtr::from_bits(0),
            tls_base: address,
        };
        *thread = Some((
            tester.spawn_with(&start, read_thread_pointer, &[notification.bits()])?,
            address,
        ));
    }
    for _ in 0..threads.len() {
        notification.signal();
    }
    for (index, thread) in threads.iter().enumerate() {
        let (thread, block) = thread
            .as_ref()
            .ok_or_else(|| format!("thread {index} is not there"))?;
        let expected = if cfg!(target_arch = "aarch64") {
            thread.ipc_buffer as Word
        } else {
            *block
        };
        ensure!(
            (thread.shared.result(0), thread.shared.result(1)),
            (expected, expected),
            "thread {index}'s, before and after a switch"
        );
    }
    Ok(())
}
