//! Clients of a server that dies: each says what became of its call.
#![no_std]
#![no_main]

use death_programs::{DIE, GREET, MORTAL, SAVE};
use isthmus_runtime::abi::{Label, Outcome};
use isthmus_runtime::sel4::{self, MessageInfoBuilder};
use isthmus_runtime::{Events, Startup, Thread, grants, say, service, thread};

isthmus_runtime::entry!(main);

/// The calls before the death, in this order, by a thread each.
const CALLS: [(&str, Label); 3] = [("saved", SAVE), ("owed", DIE), ("queued", GREET)];

/// Turns given to others between one call and the next: fewer than the server waits before it dies.
const TURNS: u32 = 20;

fn main(_startup: &'static Startup) -> ! {
    call("alive", GREET);
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
    call("later", GREET);
    call("later still", GREET);
    say!("done");
    loop {
        let _ = service::wait();
    }
}

fn one_call(index: usize) -> ! {
    let (name, label) = CALLS[index];
    call(name, label);
    thread::signal_main();
    loop {
        thread::wait();
    }
}

fn call(name: &str, label: Label) {
    let server = match grants::endpoint(MORTAL) {
        Ok(server) => server,
        Err(error) => return say!("{error}"),
    };
    let answer = server.call_with_mrs(
        MessageInfoBuilder::default().label(label.bits()).build(),
        [],
    );
    match Outcome::of_answer(Label::from_bits(answer.info.label()), answer.msg[0]) {
        Ok(()) => say!("{name}: answered"),
        Err(outcome) => say!("{name}: {outcome}"),
    }
}
