//! A client that makes calls and look-ups, and looks at the allocation counters of both machines before and after.
#![no_std]
#![no_main]

use isthmus_runtime::{Startup, say, service};
use remote_interface::{Allocations, BYTES, Bytes, Hold, answer_to};
use remote_programs::{Failure, Finder, Server, failure, machine_allocations};

isthmus_runtime::entry!(main);

/// Calls before the first look at the counters: after them everything that is made at the start is made.
const WARM_UP: u64 = 100;
/// Calls between the two looks.
const CALLS: u64 = 1000;
/// Every so many calls there is a look-up of the name.
const CALLS_PER_LOOK: u64 = 100;

/// The counters of both machines.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Counters {
    client: Allocations,
    server: Allocations,
}

fn main(startup: &'static Startup) -> ! {
    match count(startup) {
        Ok(at_start) => say!(
            "demo: ok {CALLS} calls, {} look-ups, no allocation on either machine (at the start: {:?} here, {:?} there)",
            CALLS / CALLS_PER_LOOK,
            at_start.client,
            at_start.server
        ),
        Err(reason) => say!("demo: failed: {reason}"),
    }
    loop {
        let _ = service::wait();
    }
}

fn count(startup: &'static Startup) -> Result<Counters, Failure> {
    let finder = Finder::new(startup)?;
    let mut server = finder.find()?;
    calls(&finder, &mut server, WARM_UP)?;
    the_counter_counts(startup, &server)?;
    let before = counters(startup, &server)?;
    calls(&finder, &mut server, CALLS)?;
    let after = counters(startup, &server)?;
    if before == after {
        Ok(before)
    } else {
        Err(failure!(
            "{CALLS} calls allocated: here {:?}, then {:?}; there {:?}, then {:?}",
            before.client,
            after.client,
            before.server,
            after.server
        ))
    }
}

/// An allocation of the server is seen from here.
fn the_counter_counts(startup: &'static Startup, server: &Server) -> Result<(), Failure> {
    let before = counters(startup, server)?;
    server
        .calls()
        .allocate()
        .map_err(|error| failure!("allocate: {error}"))?;
    let after = counters(startup, server)?;
    match after.server.program - before.server.program {
        1 => Ok(()),
        other => Err(failure!("one allocation was counted as {other}")),
    }
}

fn counters(startup: &'static Startup, server: &Server) -> Result<Counters, Failure> {
    let client = machine_allocations(startup);
    let there = server
        .calls()
        .allocations()
        .map_err(|error| failure!("allocations: {error}"))?;
    match (client, there) {
        (Some(client), Some(server)) => Ok(Counters { client, server }),
        (None, _) => Err(failure!("a component here does not tell its allocations")),
        (_, None) => Err(failure!("a component there does not tell its allocations")),
    }
}

/// By turns short and full messages, now and then through a capability that is looked up anew.
fn calls(finder: &Finder, server: &mut Server, count: u64) -> Result<(), Failure> {
    let full: Bytes = (0..BYTES).map(|i| (i % 251) as u8).collect();
    for number in 0..count {
        if number % CALLS_PER_LOOK == 0 {
            *server = finder
                .look()
                .map_err(|error| failure!("look-up at call {number}: {error}"))?;
        }
        let right = if number % 2 == 0 {
            server
                .calls()
                .run(number, Hold::Nowhere)
                .map(|answer| answer == answer_to(number))
                .map_err(|error| failure!("call {number}: {error}"))?
        } else {
            server
                .calls()
                .echo(full.clone())
                .map(|bytes| bytes == full)
                .map_err(|error| failure!("call {number}: {error}"))?
        };
        if !right {
            return Err(failure!("call {number} was answered wrongly"));
        }
    }
    Ok(())
}
