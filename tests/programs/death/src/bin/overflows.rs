//! A component whose extra thread needs more stack than it has.
#![no_std]
#![no_main]

use core::hint::black_box;

use isthmus_runtime::{Startup, Thread, say, service};

isthmus_runtime::entry!(main);

fn main(_startup: &'static Startup) -> ! {
    if let Err(error) = Thread::spawn(1, fall, 0) {
        say!("cannot start the thread: {error:?}");
    }
    loop {
        let _ = service::wait();
    }
}

fn fall(depth: usize) -> ! {
    say!("deep: {}", deeper(depth));
    unreachable!("there is no bottom")
}

/// Adds up until the stack ends: far below 2^40.
#[inline(never)]
fn deeper(depth: usize) -> usize {
    if black_box(depth) > 1 << 40 {
        return 0;
    }
    let room = black_box([depth; 16]);
    deeper(depth + 1) + room[depth % room.len()]
}
