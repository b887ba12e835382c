//! Hears a chat room and repeats what it hears, each line once, in order.
//!
//! With the argument `by=events` it gives the room a bell: for one on the room's own machine, where no signal is ever lost. Otherwise it has a call wait for the next
//! line, which works from everywhere. Either way it asks for the line after the last that it has: what wakes it carries nothing that could be lost.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use core::error::Error;

use chat_interface::{Chat, ChatClient, ChatError, Number};
use isthmus_runtime::abi::{Outcome, Unknown};
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{Duration, Kernel, Never, Startup, capabilities, names, say, service};

isthmus_runtime::entry!(main);

/// The room's machine may still be starting.
const PATIENCE: Duration = Duration::from_secs(60);

fn main(startup: &'static Startup) -> Result<Never, Box<dyn Error>> {
    let room = ChatClient::new(Kernel, names::find::<dyn Chat>("chat", PATIENCE)?);
    match startup.argument("by") {
        Some("events") => by_events(&room),
        _ => by_waiting(&room),
    }
}

/// Hears whatever there is, then sleeps until the bell rings.
fn by_events(room: &ChatClient<Kernel>) -> Result<Never, Box<dyn Error>> {
    room.ring(capabilities::bell()?)?;
    say!("listening, by events");
    let mut last: Number = 0;
    loop {
        match room.hear(last) {
            Ok((number, line)) => {
                say!("heard {number}: {line}");
                last = number;
            }
            Err(CallError::Interface(ChatError::Silence)) => drop(service::wait()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Has a call wait for the next line. That nobody said anything for so long is no reason to stop: asking again changes nothing in the room.
fn by_waiting(room: &ChatClient<Kernel>) -> Result<Never, Box<dyn Error>> {
    say!("listening, by waiting");
    let mut last: Number = 0;
    loop {
        match room.wait(last) {
            Ok((number, line)) => {
                say!("heard {number}: {line}");
                last = number;
            }
            Err(CallError::Outcome(Outcome::Unknown(Unknown::DeadlinePassed))) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
