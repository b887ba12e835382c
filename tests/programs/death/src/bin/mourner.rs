//! Clients of a server that dies: each says what became of its call.
#![no_std]
#![no_main]

use death_programs::{DIE, GREET, SAVE, tell};
use isthmus_runtime::abi::Label;
use isthmus_runtime::sel4;
use isthmus_runtime::{Events, Startup, Thread, say, service, thread};

isthmus_runtime::entry!(main);

/// The calls before the death, in this order, by a thread each.
const CALLS: [(&str, Label); 3] = [("saved", SAVE), ("owed", DIE), ("queued", GREET)];

/// Turns given to others between one call and the next: fewer than the server waits before it dies.
const TURNS: u32 = 20;

fn main(_startup: &'static Startup) -> ! {
    tell("alive", GREET);
    let mut waiting = Events::NONE;
    for index in 0..CALLS.len() {
        match Thread::spawn(index + 1, one_call, index) {
            Ok(thread) => waiting = waiting.union(Events::from_badge(thread.event().badge())),
            Err(error) => say!("cannot start thread {}: {error:?}", index + 1),
        }
        // One call after the other: all threads here have one priority.
        for _ in 0..TURNS {
            sel4::r#yield();
        }
    }
    let mut done = Events::NONE;
    while done != waiting {
        done = done.union(service::wait());
    }
    tell("later", GREET);
    tell("later still", GREET);
    say!("done");
    loop {
        let _ = service::wait();
    }
}

fn one_call(index: usize) -> ! {
    let (name, label) = CALLS[index];
    tell(name, label);
    thread::signal_main();
    loop {
        thread::wait();
    }
}
