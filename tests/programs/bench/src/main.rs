//! The target side of `isthmus bench`: measures what the machine's argument `bench=NAME,NAME` asks for, and tells a line for each.
//!
//! It never tells a figure of calls whose answers it has not checked, and allocates nothing while it measures, but for the row of `many`. What the figures
//! are: `docs/benchmarks.md`. Whom it calls: `src/bin`. Next: `bench-logic`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod asked;
mod flood;
mod given;
mod local;
mod lost;
mod many;
mod remote;
mod report;
mod traced;

use isthmus_runtime::{Startup, say, service};

use crate::asked::Asked;
use crate::report::Failure;

isthmus_runtime::entry!(main);

/// The machine's argument that says what to measure.
const ARGUMENT: &str = "bench";

fn main(startup: &'static Startup) -> ! {
    let asked = Asked(startup.machine.argument(ARGUMENT).unwrap_or_default());
    match measure(startup, asked) {
        Ok(()) => say!("bench: done"),
        Err((name, failure)) => say!("bench: failed: {name}: {failure}"),
    }
    loop {
        let _ = service::wait();
    }
}

/// Measures all that is asked for, or says what failed and why.
fn measure<'n>(startup: &'static Startup, asked: Asked<'n>) -> Result<(), (&'n str, Failure)> {
    let known = |name: &str| {
        local::NAMES.contains(&name)
            || [many::NAME, traced::NAME, lost::NAME].contains(&name)
            || given::NAMES.contains(&name)
            || flood::NAMES.contains(&name)
            || remote::PAIRS
                .iter()
                .any(|pair| pair.names().contains(&name))
    };
    if let Some(unknown) = asked.names().find(|name| !known(name)) {
        return Err((unknown, Failure::Unknown));
    }
    for name in local::NAMES {
        if asked.contains(name) {
            local::measure(startup, name).map_err(|failure| (name, failure))?;
        }
    }
    for pair in &remote::PAIRS {
        if asked.any_of(&pair.names()) {
            let [_, name, _] = pair.names();
            pair.measure(startup, asked)
                .map_err(|failure| (name, failure))?;
        }
    }
    if asked.contains(many::NAME) {
        remote::find(startup)
            .and_then(|server| many::measure(startup, server))
            .map_err(|failure| (many::NAME, failure))?;
    }
    if asked.any_of(&given::NAMES) {
        remote::find(startup)
            .and_then(|server| given::measure(startup, asked, server))
            .map_err(|failure| (given::NAMES[0], failure))?;
    }
    if asked.any_of(&flood::NAMES) {
        remote::find(startup)
            .and_then(|server| flood::measure(startup, asked, server))
            .map_err(|failure| (flood::NAMES[0], failure))?;
    }
    if asked.contains(lost::NAME) {
        lost::run(startup).map_err(|failure| (lost::NAME, failure))?;
    }
    if asked.contains(traced::NAME) {
        traced::run(startup).map_err(|failure| (traced::NAME, failure))?;
    }
    Ok(())
}
