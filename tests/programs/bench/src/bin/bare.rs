//! The floor under a local call: a server that answers every message with an empty reply, and looks at none.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::abi::Label;
use isthmus_runtime::sel4::MessageInfoBuilder;
use isthmus_runtime::{Service, Startup};

isthmus_runtime::entry!(main);

fn main(_startup: &'static Startup) -> ! {
    let endpoint = Service::get()
        .expect("the description says `serves`")
        .endpoint();
    let reply = MessageInfoBuilder::default()
        .label(Label::REPLY.bits())
        .build();
    endpoint.recv_with_mrs(());
    loop {
        endpoint.reply_recv_with_mrs(reply, [], ());
    }
}
