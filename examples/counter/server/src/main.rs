//! A counter whose count outlives it: the count is one word of a channel, written whole, so a death at any moment leaves the old count or the new one.
//!
//! A call that it was answering when it died has an outcome that says so (`Unknown`): whether that one was counted the next start knows, and its client can ask.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering};

use counter_interface::{Counter, CounterError, counter};
use isthmus_runtime::abi::startup::Missing;
use isthmus_runtime::{ExitCode, Never, Service, Startup, calls, exit, grants, say};

isthmus_runtime::entry!(main);

/// The channel that the count lies in.
const CHANNEL: &str = "count";

struct Kept {
    count: &'static AtomicU64,
}

impl Counter for Kept {
    fn increment(&mut self) -> Result<u64, CounterError> {
        let count = self.value()?.checked_add(1).ok_or(CounterError::Overflow)?;
        self.count.store(count, Ordering::Release);
        Ok(count)
    }

    fn value(&mut self) -> Result<u64, CounterError> {
        Ok(self.count.load(Ordering::Acquire))
    }

    fn fail(&mut self) -> Result<(), CounterError> {
        panic!("as it was asked to")
    }
}

fn main(_startup: &'static Startup) -> Result<Never, Missing<'static>> {
    let memory = grants::shared_memory(CHANNEL)?;
    let (Some(service), [count, ..]) = (Service::get(), memory.words()) else {
        say!("nothing to serve, or an empty channel");
        exit(ExitCode::FAILURE)
    };
    say!("counting from {}", count.load(Ordering::Acquire));
    calls::run(service, &mut Kept { count }, counter::dispatch)
}
