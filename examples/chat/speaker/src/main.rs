//! Says a few lines in a chat room, wherever it is.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use core::error::Error;

use chat_interface::{Chat, ChatClient, Line};
use isthmus_runtime::{Duration, Kernel, Startup, names, say, service};

isthmus_runtime::entry!(main);

/// The room's machine may still be starting.
const PATIENCE: Duration = Duration::from_secs(60);

const LINES: [&str; 3] = ["Mr. Watson", "come here", "I want to see you"];

fn main(_startup: &'static Startup) -> ! {
    match speak() {
        Ok(()) => say!("said {} lines", LINES.len()),
        Err(error) => say!("failed: {error}"),
    }
    loop {
        let _ = service::wait();
    }
}

fn speak() -> Result<(), Box<dyn Error>> {
    let room = ChatClient::new(Kernel, names::find::<dyn Chat>("chat", PATIENCE)?);
    for line in LINES {
        room.say(Line::try_from(line)?)?;
    }
    Ok(())
}
