//! What a worker does: the call to another machine's naming. It touches its mailbox and its IPC buffer, and nothing else.

use isthmus_runtime::abi::Label;
use isthmus_runtime::interface::{Capability, Outgoing, Transport};
use isthmus_runtime::{Kernel, thread};
use naming_logic::limits::WORKERS;
use netipc_protocol::WORDS_MAX;
use netipc_proxy_logic::Mailbox;
use netipc_proxy_logic::mailbox::Head;

/// What main and each worker hand to each other.
pub static MAILBOXES: [Mailbox; WORKERS] = [const { Mailbox::new() }; WORKERS];

/// The body of worker `number`.
pub fn run(number: usize) -> ! {
    let mailbox = &MAILBOXES[number];
    loop {
        thread::wait();
        let mut words = [0; WORDS_MAX];
        let Some(job) = mailbox.take(|index, word| words[index] = word) else {
            continue;
        };
        let message = Outgoing {
            label: Label::from_bits(job.head.label),
            words: &words[..job.head.length],
            capability: job.head.capability,
        };
        let mut buffer = [0; WORDS_MAX];
        let answer = Kernel.call(job.target, message, &mut buffer);
        let head = Head {
            label: answer.label.bits(),
            length: answer.words.len(),
            capability: answer.capability.map(Capability::into_slot),
        };
        mailbox.answer(&head, answer.words.iter().copied());
        thread::signal_main();
    }
}
