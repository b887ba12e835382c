//! The target side of `isthmus bench`: measures what the machine's argument `bench=NAME,NAME` asks for, and tells a line for each.
//!
//! It never tells a figure of calls whose answers it has not checked, and allocates nothing while it measures. What the figures
//! are: `docs/benchmarks.md`. Whom it calls: `src/bin`. Next: `bench-logic`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod local;
mod report;

use isthmus_runtime::{Startup, say, service};

use crate::report::Failure;

isthmus_runtime::entry!(main);

/// The machine's argument that says what to measure.
const ARGUMENT: &str = "bench";

fn main(startup: &'static Startup) -> ! {
    let asked = startup.machine.argument(ARGUMENT).unwrap_or_default();
    let names = asked.split(',').filter(|name| !name.is_empty());
    match names
        .map(|name| (name, measure(startup, name)))
        .find(|(_, result)| result.is_err())
    {
        Some((name, Err(failure))) => say!("bench: failed: {name}: {failure}"),
        _ => say!("bench: done"),
    }
    loop {
        let _ = service::wait();
    }
}

fn measure(startup: &Startup, name: &str) -> Result<(), Failure> {
    match local::NAMES.into_iter().find(|known| *known == name) {
        Some(name) => local::measure(startup, name),
        None => Err(Failure::Unknown),
    }
}
