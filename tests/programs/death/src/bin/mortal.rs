//! A server that dies, or is killed, owing answers: one by its thread, one saved.
#![no_std]
#![no_main]

use death_programs::{DIE, HANG, SAVE};
use isthmus_runtime::abi::Label;
use isthmus_runtime::sel4::{self, MessageInfoBuilder};
use isthmus_runtime::{Arrival, Incoming, SavedReply, Service, Startup, say};

isthmus_runtime::entry!(main);

/// An address that nothing is mapped at.
const NOWHERE: usize = 0x10;
/// Turns given to others before dying, so that they queue up.
const PATIENCE: u32 = 100;

fn main(_startup: &'static Startup) -> ! {
    let service = Service::get().expect("the description says `serves`");
    let mut arrival = service.receive();
    loop {
        arrival = match arrival {
            Arrival::Events(_) => service.receive(),
            Arrival::Message(message) if label(&message) == SAVE => {
                match SavedReply::save() {
                    // Kept until death.
                    Ok(reply) => core::mem::forget(reply),
                    Err(error) => say!("no reply is saved: {error:?}"),
                }
                service.receive()
            }
            Arrival::Message(message) if label(&message) == HANG => hang(),
            Arrival::Message(message) if label(&message) == DIE => die(),
            Arrival::Message(_) => {
                let info = MessageInfoBuilder::default()
                    .label(Label::REPLY.bits())
                    .build();
                service.reply_receive(info, [0; 4])
            }
        }
    }
}

fn label(message: &Incoming) -> Label {
    Label::from_bits(message.info.label())
}

fn hang() -> ! {
    loop {
        sel4::r#yield();
    }
}

fn die() -> ! {
    for _ in 0..PATIENCE {
        sel4::r#yield();
    }
    say!("here I die");
    // SAFETY: not sound, and meant: nothing is mapped there, so the thread faults.
    unsafe { (NOWHERE as *mut u8).write_volatile(1) };
    unreachable!("the write faults")
}
