//! Calls that carry a capability to another machine, beside calls that carry none.

use bench_logic::{Bench, BenchClient, Samples, Unit};
use isthmus_runtime::interface::{Anything, Cap};
use isthmus_runtime::{Kernel, Startup, time};

use crate::asked::Asked;
use crate::report::{Failure, report};

/// The figures: a call with a capability, and what it takes over one without.
pub const NAMES: [&str; 2] = ["remote_capability", "remote_capability_ratio"];
/// Calls of each kind in a batch.
const BATCH: usize = 25;
/// Batches of each.
const BATCHES: usize = 20;
/// The first batches are not told.
const WARM_UP: usize = 2;
/// What is given: the endpoint of a server of this machine.
const GIVEN: &str = "bench-above";

/// Measures by turns.
pub fn measure(
    startup: &'static Startup,
    asked: Asked<'_>,
    server: Cap<dyn Bench>,
) -> Result<(), Failure> {
    let server = BenchClient::new(Kernel, server);
    let given = startup
        .endpoint(GIVEN)
        .map_err(|_| Failure::NoServer(GIVEN))?;
    let given: Cap<Anything> = given.into();
    let mut all = Samples::<{ BATCH * BATCHES }>::new();
    let mut ratios = Samples::<BATCHES>::new();
    for round in 0..WARM_UP + BATCHES {
        let mut without = batch(|| Ok(server.nothing()?))?;
        let mut with = batch(|| Ok(server.take(&given)?))?;
        if round < WARM_UP {
            continue;
        }
        all.append(&with)?;
        let median = |of: &mut Samples<BATCH>| of.summary().map(|summary| summary.p50);
        let (without, with) = median(&mut without)
            .filter(|without| *without > 0)
            .zip(median(&mut with))
            .ok_or(Failure::NoTime)?;
        ratios.push(with * 100 / without)?;
    }
    let [transfer, ratio] = NAMES;
    if asked.contains(transfer) {
        let hundredths = |ticks| time::duration(ticks).as_nanos() as u64 / 10;
        report(transfer, Unit::Micros, &mut all, hundredths)?;
    }
    if asked.contains(ratio) {
        report(ratio, Unit::Ratio, &mut ratios, |hundredths| hundredths)?;
    }
    Ok(())
}

fn batch(mut make: impl FnMut() -> Result<(), Failure>) -> Result<Samples<BATCH>, Failure> {
    let mut samples = Samples::new();
    for _ in 0..BATCH {
        let start = time::now();
        make()?;
        samples.push(time::now().ticks().wrapping_sub(start.ticks()))?;
    }
    Ok(samples)
}
