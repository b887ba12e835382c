//! Notifications.

use sel4::init_thread::slot;
use sel4::{CapRights, MessageInfo, Word, cap_type};

use crate::tester::{HIGH, LOW, Outcome, Tester, ensure, failure};
use crate::threads::Shared;

pub fn signals_merge(tester: &mut Tester) -> Outcome {
    let notification = tester.make::<cap_type::Notification>()?;
    for badge in [1, 4, 4] {
        tester
            .mint(notification, CapRights::write_only(), badge)?
            .signal();
    }
    ensure!(notification.poll().1, 5, "the word of three signals");
    ensure!(notification.poll().1, 0, "the word after it was taken");
    Ok(())
}

pub fn notification_badges_have_64_bits(tester: &mut Tester) -> Outcome {
    let notification = tester.make::<cap_type::Notification>()?;
    let badge = 0x8123_4567_89ab_cdef;
    tester
        .mint(notification, CapRights::write_only(), badge)?
        .signal();
    ensure!(notification.poll().1, badge, "the word");
    Ok(())
}

/// Receives from argument 0 into result 0 the badge, and counts result 1.
fn receive(shared: &'static Shared) {
    for _ in 0..2 {
        let received = shared.cap::<cap_type::Endpoint>(0).recv_with_mrs(());
        shared.set(0, received.badge);
        shared.set(2, received.info.label());
        shared.count(1);
    }
}

pub fn a_bound_notification_changes_only_the_badge(tester: &mut Tester) -> Outcome {
    const EVENT: Word = 1 << 63 | 2;
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let badged = tester.mint(endpoint, CapRights::all(), 7)?;
    let notification = tester.make::<cap_type::Notification>()?;
    let signal = tester.mint(notification, CapRights::write_only(), EVENT)?;
    let server = tester.spawn(HIGH, receive, &[endpoint.bits()])?;
    server
        .tcb
        .tcb_bind_notification(notification)
        .map_err(failure("bind"))?;
    signal.signal();
    ensure!(
        (server.shared.result(1), server.shared.result(0)),
        (1, EVENT),
        "receives that ended, and the badge"
    );
    badged.send_with_mrs(MessageInfo::new(0x1000, 0, 0, 0), []);
    ensure!(
        (server.shared.result(1), server.shared.result(0)),
        (2, 7),
        "receives that ended, and the badge"
    );
    ensure!(server.shared.result(2), 0x1000, "the label");

    // The own receive, with registers in view: what a signal leaves of header and words is what was there before.
    let own = tester.make::<cap_type::Notification>()?;
    let own_signal = tester.mint(own, CapRights::write_only(), EVENT)?;
    slot::TCB
        .cap()
        .tcb_bind_notification(own)
        .map_err(failure("bind the own"))?;
    own_signal.signal();
    let received = badged_receive(endpoint.bits());
    let unbound = slot::TCB
        .cap()
        .tcb_unbind_notification()
        .map_err(failure("unbind"));
    ensure!(received.0, EVENT, "the badge");
    ensure!(
        received.1,
        [0x11, 0x22, 0x33, 0x44, 0x55],
        "header and words"
    );
    unbound
}

/// Receives with known content in the registers of header and message words, and returns badge and those.
#[cfg(target_arch = "x86_64")]
fn badged_receive(endpoint: Word) -> (Word, [Word; 5]) {
    let (mut badge, mut words) = (endpoint, [0x11, 0x22, 0x33, 0x44, 0x55]);
    // SAFETY: a receive, with all registers named that it changes; the stack pointer is kept.
    unsafe {
        core::arch::asm!(
            "mov {stack}, rsp",
            "syscall",
            "mov rsp, {stack}",
            stack = out(reg) _,
            in("rdx") sel4::sys::seL4_SysRecv,
            inlateout("rdi") badge,
            inlateout("rsi") words[0],
            inlateout("r10") words[1],
            inlateout("r8") words[2],
            inlateout("r9") words[3],
            inlateout("r15") words[4],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    (badge, words)
}

/// Receives with known content in the registers of header and message words, and returns badge and those.
#[cfg(target_arch = "aarch64")]
fn badged_receive(endpoint: Word) -> (Word, [Word; 5]) {
    let (mut badge, mut words) = (endpoint, [0x11, 0x22, 0x33, 0x44, 0x55]);
    // SAFETY: a receive, with all registers named that it changes.
    unsafe {
        core::arch::asm!(
            "svc #0",
            in("x7") sel4::sys::seL4_SysRecv,
            inlateout("x0") badge,
            inlateout("x1") words[0],
            inlateout("x2") words[1],
            inlateout("x3") words[2],
            inlateout("x4") words[3],
            inlateout("x5") words[4],
            options(nostack),
        );
    }
    (badge, words)
}

/// Signals argument 0.
fn signal(shared: &'static Shared) {
    shared.cap::<cap_type::Notification>(0).signal();
    shared.set(0, 1);
}

pub fn a_signal_on_an_endpoint_blocks(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let sender = tester.spawn(LOW, signal, &[endpoint.bits()])?;
    tester.let_others_run()?;
    ensure!(
        sender.shared.result(0),
        0,
        "whether the signal is through before a receive"
    );
    let received = endpoint.recv_with_mrs(());
    ensure!(
        (received.info.label(), received.info.length()),
        (0, 0),
        "what it sends"
    );
    tester.let_others_run()?;
    ensure!(
        sender.shared.result(0),
        1,
        "whether the signal is through after a receive"
    );
    Ok(())
}
