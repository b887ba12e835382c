//! What a message carries.

use sel4::{
    CPtr, CapRights, Error, MessageInfo, MessageInfoBuilder, NUM_MESSAGE_REGISTERS, Word, cap_type,
    reply_with_mrs, sel4_cfg_bool, with_ipc_buffer, with_ipc_buffer_mut,
};

use crate::tester::{HIGH, LOW, Outcome, Tester, ensure};
use crate::threads::Shared;

/// A label that no kernel object knows.
const LABEL: Word = 0x1234;

fn with_caps(count: usize) -> MessageInfo {
    MessageInfoBuilder::default()
        .label(LABEL)
        .extra_caps(count)
        .length(1)
        .build()
}

pub fn a_message_carries_120_words(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let client = tester.spawn(HIGH, send_120_words, &[endpoint.bits()])?;
    let (info, _) = endpoint.recv(());
    ensure!(info.length(), 120, "words of the call");
    with_ipc_buffer_mut(|buffer| {
        for (index, register) in buffer.msg_regs().iter().enumerate() {
            ensure!(
                register.get(),
                index as Word * 3,
                "word {index} of the call"
            );
            register.set(index as Word * 5);
        }
        Ok(())
    })?;
    with_ipc_buffer_mut(|buffer| sel4::reply(buffer, info));
    ensure!(
        client.shared.result(0),
        120,
        "words of the answer that were right"
    );
    Ok(())
}

fn send_120_words(shared: &'static Shared) {
    with_ipc_buffer_mut(|buffer| {
        buffer
            .msg_regs_mut()
            .iter()
            .enumerate()
            .for_each(|(index, register)| register.set(index as Word * 3));
    });
    let answer = shared.cap::<cap_type::Endpoint>(0).call(MessageInfo::new(
        LABEL,
        0,
        0,
        NUM_MESSAGE_REGISTERS,
    ));
    with_ipc_buffer(|buffer| {
        let right = buffer
            .msg_regs()
            .iter()
            .enumerate()
            .filter(|(index, register)| register.get() == *index as Word * 5);
        shared.set(0, right.take(answer.length()).count() as Word);
    });
}

/// Calls argument 0 with the capabilities of arguments 1 to 3, as many as are not 0. Leaves the answer's label + 1.
fn call_with_caps(shared: &'static Shared) {
    let mut count = 0;
    with_ipc_buffer_mut(|buffer| {
        for index in 0..3 {
            let cap = shared.argument(index + 1);
            if cap != 0 {
                buffer.caps_or_badges_mut()[count].set(cap);
                count += 1;
            }
        }
    });
    let answer = shared.cap::<cap_type::Endpoint>(0).call(with_caps(count));
    shared.set(0, answer.label() + 1);
}

pub fn one_capability_a_message(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let (first, second) = (
        tester.make::<cap_type::Notification>()?,
        tester.make::<cap_type::Notification>()?,
    );
    let first_badged = tester.mint(first, CapRights::all(), 1)?;
    let second_badged = tester.mint(second, CapRights::all(), 1)?;
    let arrived = tester.empty_slot();
    let slot = tester.at(arrived);
    with_ipc_buffer_mut(|buffer| buffer.set_recv_slot(&slot));
    let arguments = [
        endpoint.bits(),
        first_badged.bits(),
        second_badged.bits(),
        0,
    ];
    let client = tester.spawn(HIGH, call_with_caps, &arguments)?;
    let (info, _) = endpoint.recv(());
    ensure!(
        (info.label(), info.length()),
        (LABEL, 1),
        "label and length, which say nothing of the cut"
    );
    ensure!(info.extra_caps(), 1, "capabilities of two that arrived");
    ensure!(info.caps_unwrapped(), 0, "unwrapped capabilities");
    arrived.cast::<cap_type::Notification>().signal();
    ensure!(
        first.poll().1,
        1,
        "the first one's word after a signal through what arrived"
    );
    ensure!(second.poll().1, 0, "the second one's word");
    reply_with_mrs(MessageInfo::new(0, 0, 0, 0), []);
    ensure!(
        client.shared.result(0),
        1,
        "the caller's answer, which tells of no error"
    );
    Ok(())
}

pub fn unwrapped_ones_do_not_count(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let badged = tester.mint(endpoint, CapRights::all(), 0x55)?;
    let notification = tester.make::<cap_type::Notification>()?;
    let arrived = tester.empty_slot();
    let slot = tester.at(arrived);
    with_ipc_buffer_mut(|buffer| buffer.set_recv_slot(&slot));
    tester.spawn(
        HIGH,
        call_with_caps,
        &[
            endpoint.bits(),
            badged.bits(),
            notification.bits(),
            badged.bits(),
        ],
    )?;
    let (info, _) = endpoint.recv(());
    ensure!(
        info.extra_caps(),
        3,
        "capabilities that arrived: badge, one fresh, badge"
    );
    ensure!(info.caps_unwrapped(), 0b101, "which of them unwrapped");
    let badges = with_ipc_buffer(|buffer| {
        [
            buffer.caps_or_badges()[0].get(),
            buffer.caps_or_badges()[2].get(),
        ]
    });
    ensure!(badges, [0x55, 0x55], "the badges");
    Ok(())
}

pub fn capabilities_unwrap_in_calls(tester: &mut Tester) -> Outcome {
    // What it allows does not matter: one that allows nothing is good for being shown, and for nothing else.
    for rights in [CapRights::write_only(), CapRights::none()] {
        let endpoint = tester.make::<cap_type::Endpoint>()?;
        let badged = tester.mint(endpoint, rights, 0x77)?;
        let slot = tester.empty_slot();
        let place = tester.at(slot);
        with_ipc_buffer_mut(|buffer| buffer.set_recv_slot(&place));
        tester.spawn(
            HIGH,
            call_with_caps,
            &[endpoint.bits(), badged.bits(), 0, 0],
        )?;
        let (info, _) = endpoint.recv(());
        ensure!(
            (info.extra_caps(), info.caps_unwrapped()),
            (1, 1),
            "capabilities, and which unwrapped"
        );
        ensure!(
            with_ipc_buffer(|buffer| buffer.caps_or_badges()[0].get()),
            0x77,
            "its badge"
        );
        ensure!(
            tester.probe(slot),
            Err(Error::FailedLookup),
            "the receive slot, which must be empty"
        );
    }
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let shown = tester.mint(endpoint, CapRights::none(), 0x77)?;
    let answer = shown.call(MessageInfo::new(0x1000, 0, 0, 0));
    ensure!(answer.label(), 2, "a call through one that allows nothing");
    Ok(())
}

pub fn capabilities_do_not_unwrap_in_replies(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let badged = tester.mint(endpoint, CapRights::new(false, true, false, true), 0x77)?;
    let slot = tester.empty_slot();
    let client = tester.spawn(HIGH, call_and_take, &[endpoint.bits(), slot.bits()])?;
    endpoint.recv(());
    with_ipc_buffer_mut(|buffer| {
        buffer.caps_or_badges_mut()[0].set(badged.bits());
        sel4::reply(buffer, with_caps(1));
    });
    ensure!(
        (client.shared.result(0), client.shared.result(1)),
        (1, 0),
        "capabilities in the reply, and which unwrapped"
    );
    let next = endpoint.recv_with_mrs(());
    ensure!(
        next.badge,
        0x77,
        "the badge of a call through the one that arrived"
    );
    Ok(())
}

/// Calls, takes a capability from the reply, and calls that.
fn call_and_take(shared: &'static Shared) {
    let slot = sel4::init_thread::slot::CNODE
        .cap()
        .absolute_cptr(CPtr::from_bits(shared.argument(1)));
    with_ipc_buffer_mut(|buffer| buffer.set_recv_slot(&slot));
    let answer = shared
        .cap::<cap_type::Endpoint>(0)
        .call(MessageInfo::new(LABEL, 0, 0, 0));
    shared.set(0, answer.extra_caps() as Word);
    shared.set(1, answer.caps_unwrapped() as Word);
    shared
        .cap::<cap_type::Endpoint>(1)
        .call_with_mrs(MessageInfo::new(LABEL, 0, 0, 0), []);
}

pub fn send_and_call_look_alike(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    tester.spawn(HIGH, send_then_call, &[endpoint.bits()])?;
    let sent = endpoint.recv_with_mrs(());
    let called = endpoint.recv_with_mrs(());
    ensure!(
        sent,
        called,
        "what the receiver sees of a Send and of a Call"
    );
    Ok(())
}

fn send_then_call(shared: &'static Shared) {
    let endpoint = shared.cap::<cap_type::Endpoint>(0);
    let info = MessageInfo::new(LABEL, 0, 0, 4);
    endpoint.send_with_mrs(info, [1, 2, 3, 4]);
    endpoint.call_with_mrs(info, [1, 2, 3, 4]);
}

pub fn call_without_grant_never_returns(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let plain = tester.mint(endpoint, CapRights::write_only(), 9)?;
    let client = tester.spawn(HIGH, call_with_caps, &[plain.bits(), 0, 0, 0])?;
    let call = endpoint.recv_with_mrs(());
    ensure!(
        (call.badge, call.info.label()),
        (9, LABEL),
        "the call, which arrives all the same"
    );
    let saved = tester.empty_slot();
    ensure!(tester.at(saved).save_caller(), Ok(()), "saving the caller");
    ensure!(
        tester.probe(saved),
        Err(Error::FailedLookup),
        "the saved reply, which must not be there"
    );
    reply_with_mrs(MessageInfo::new(0, 0, 0, 0), []);
    tester.let_others_run()?;
    ensure!(client.shared.result(0), 0, "the caller's answer");
    Ok(())
}

pub fn endpoint_badges_have_28_bits(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let widest = (1 << sel4::ENDPOINT_BADGE_BITS) - 1;
    let badged = tester.mint(endpoint, CapRights::all(), widest)?;
    tester.spawn(LOW, call_with_caps, &[badged.bits(), 0, 0, 0])?;
    ensure!(endpoint.recv_with_mrs(()).badge, 0x0fff_ffff, "28 ones");
    // A debug kernel stops at an assertion here.
    if !sel4_cfg_bool!(DEBUG_BUILD) {
        let cut = tester.mint(endpoint, CapRights::all(), 0xabcd_f000_0005)?;
        tester.spawn(LOW, call_with_caps, &[cut.bits(), 0, 0, 0])?;
        ensure!(endpoint.recv_with_mrs(()).badge, 5, "a wider badge");
    }
    Ok(())
}
