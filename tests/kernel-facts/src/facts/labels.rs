//! What labels do.

use alloc::format;

use sel4::init_thread::slot;
use sel4::{CapRights, Error, MessageInfo, Word, cap_type, sys};

use crate::tester::{Outcome, Tester, ensure};

/// The lowest label that users may send, from which on the kernel knows none.
const FIRST_USER_LABEL: Word = 256;

pub fn empty_slot_answers_label_2(tester: &mut Tester) -> Outcome {
    let empty = tester.empty_slot().cast::<cap_type::Endpoint>();
    let answer = empty.call_with_mrs(MessageInfo::new(FIRST_USER_LABEL, 0, 0, 4), [1, 2, 3, 4]);
    ensure!(answer.info.label(), 2, "the answer's label");
    ensure!(
        Error::from_sys(2),
        Some(Error::InvalidCapability),
        "the error of that number"
    );
    Ok(())
}

pub fn kernel_labels_are_below_256(_: &mut Tester) -> Outcome {
    if sys::invocation_label::COUNT > FIRST_USER_LABEL {
        return Err(format!(
            "the kernel has {} labels",
            sys::invocation_label::COUNT
        ));
    }
    if sys::seL4_NumErrors > 16 {
        return Err(format!("the kernel has {} errors", sys::seL4_NumErrors));
    }
    Ok(())
}

pub fn user_labels_do_nothing_to_kernel_objects(tester: &mut Tester) -> Outcome {
    let tcb = tester.make::<cap_type::Tcb>()?;
    let frame = tester.make::<cap_type::Granule>()?;
    let vspace = tester.make::<cap_type::VSpace>()?;
    let objects = [
        ("CNode", slot::CNODE.cap().upcast()),
        ("TCB", slot::TCB.cap().upcast()),
        ("new TCB", tcb.upcast()),
        ("frame", frame.upcast()),
        ("untyped", tester.arena().upcast()),
        ("IRQ control", slot::IRQ_CONTROL.cap().upcast()),
        ("ASID pool", slot::ASID_POOL.cap().upcast()),
        ("ASID control", slot::ASID_CONTROL.cap().upcast()),
        ("address space", slot::VSPACE.cap().upcast()),
        ("new address space", vspace.upcast()),
    ];
    for (name, object) in objects {
        for label in [FIRST_USER_LABEL, 0x1234, 0xf_ffff] {
            let answer = object.call_with_mrs(MessageInfo::new(label, 0, 0, 4), [0, 0, 0, 0]);
            if !(1..sys::seL4_NumErrors).contains(&answer.info.label()) {
                return Err(format!(
                    "{name} answers label {label:#x} with {:?}",
                    answer.info
                ));
            }
        }
    }
    Ok(())
}

pub fn call_on_a_notification_signals(tester: &mut Tester) -> Outcome {
    let notification = tester.make::<cap_type::Notification>()?;
    let badged = tester.mint(notification, CapRights::write_only(), 4)?;
    let answer = badged.call_with_mrs(MessageInfo::new(FIRST_USER_LABEL, 0, 0, 0), []);
    ensure!(
        (answer.info.label(), answer.info.length()),
        (0, 0),
        "the answer"
    );
    ensure!(notification.poll().1, 4, "the notification's word");
    Ok(())
}
