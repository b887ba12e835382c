//! What a worker does: the real call. It touches its mailbox and its IPC buffer, and nothing else: it may be stopped between any
//! two instructions.

use core::sync::atomic::{AtomicU32, Ordering};

use isthmus_abi::limits::THREADS;
use isthmus_abi::{Label, Slot};
use isthmus_runtime::sel4::{MessageInfoBuilder, cap_type, with_ipc_buffer, with_ipc_buffer_mut};
use isthmus_runtime::{slots, thread};
use netipc_protocol::{WORDS_MAX, Way};
use netipc_proxy_logic::Mailbox;
use netipc_proxy_logic::mailbox::{Head, Job};

/// Workers at most: every thread of a component but its main thread and the one that lingers.
pub const WORKERS: usize = THREADS - 2;

/// What main and each worker hand to each other.
pub static MAILBOXES: [Mailbox; WORKERS] = [const { Mailbox::new() }; WORKERS];

/// Through what a worker shows a capability to the main thread.
static INGRESS: AtomicU32 = AtomicU32::new(0);

/// Before the first worker starts: where the capability lies through which workers reach the main thread.
pub fn open(ingress: Slot) {
    INGRESS.store(ingress.0, Ordering::Relaxed);
}

/// The body of worker `number`.
pub fn run(number: usize) -> ! {
    let mailbox = &MAILBOXES[number];
    mailbox.open(slots::receive_slot());
    loop {
        thread::wait();
        let job = with_ipc_buffer_mut(|buffer| {
            let registers = buffer.msg_regs_mut();
            mailbox.take(|index, word| registers[index].set(word))
        });
        // A signal may be older than the worker's last start.
        if let Some(job) = job {
            match perform(&job, mailbox) {
                None => thread::signal_main(),
                Some(capability) => show(number, capability),
            }
        }
    }
}

/// Makes the call and hands the answer in. Gives back a capability that came with it.
fn perform(job: &Job, mailbox: &Mailbox) -> Option<Slot> {
    if let Some(capability) = job.head.capability {
        with_ipc_buffer_mut(|buffer| buffer.caps_or_badges_mut()[0].set(capability.bits()));
    }
    let info = MessageInfoBuilder::default()
        .label(job.head.label)
        .extra_caps(usize::from(job.head.capability.is_some()))
        .length(job.head.length)
        .build();
    let target = slots::cap::<cap_type::Endpoint>(job.target);
    let answer = match job.way {
        Way::Call => target.call(info),
        Way::OneWay => {
            target.send(info);
            MessageInfoBuilder::default().build()
        }
    };
    let head = Head {
        label: answer.label(),
        length: answer.length().min(WORDS_MAX),
        capability: (answer.extra_caps() > 0).then(slots::receive_slot),
    };
    with_ipc_buffer(|buffer| {
        mailbox.answer(
            &head,
            buffer.msg_regs().iter().map(|register| register.get()),
        );
    });
    head.capability
}

/// Sends a capability once through the proxy's endpoint: if it is an import, it unwraps there, and nowhere else.
fn show(number: usize, capability: Slot) {
    let info = MessageInfoBuilder::default()
        .label(Label::SIGNAL.bits())
        .extra_caps(1)
        .length(1)
        .build();
    with_ipc_buffer_mut(|buffer| {
        buffer.caps_or_badges_mut()[0].set(capability.bits());
        buffer.msg_regs_mut()[0].set(number as u64);
    });
    slots::cap::<cap_type::Endpoint>(Slot(INGRESS.load(Ordering::Relaxed))).send(info);
}
