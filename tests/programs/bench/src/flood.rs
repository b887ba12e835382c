//! What one client's calls take while another asks for too much.

use bench_logic::{Bench, BenchClient, Samples, Unit};
use isthmus_runtime::interface::Cap;
use isthmus_runtime::{Kernel, Startup, grants, service, time};

use crate::asked::Asked;
use crate::report::{Failure, report};

/// The figures: alone, beside a flood, and the second's median over the first's.
pub const NAMES: [&str; 3] = ["flood_before", "flood_beside", "flood_ratio"];
/// Who floods.
const FLOOD: &str = "bench-flood";
/// Calls in each sample's batch.
const CALLS: usize = 200;

/// Measures, and sees that the flood was there to the end.
pub fn measure(
    startup: &'static Startup,
    asked: Asked<'_>,
    server: Cap<dyn Bench>,
) -> Result<(), Failure> {
    let server = BenchClient::new(Kernel, server);
    let begin = grants::signal(FLOOD).map_err(|_| Failure::NoServer(FLOOD))?;
    let over = startup.event(FLOOD).map_err(|_| Failure::NoServer(FLOOD))?;
    calls(&server)?;
    let mut before = calls(&server)?;
    let executed = server.executed()?;
    begin.signal();
    // It is in full course when the server has seen as many calls of others.
    while server.executed()? < executed + CALLS as u64 {}
    let mut beside = calls(&server)?;
    if service::poll().contains(over) {
        return Err(Failure::FloodTooShort);
    }
    while !service::wait().contains(over) {}
    let median = |of: &mut Samples<CALLS>| of.summary().map(|summary| summary.p50);
    let ratio = median(&mut before)
        .filter(|before| *before > 0)
        .zip(median(&mut beside))
        .map(|(before, beside)| beside * 100 / before)
        .ok_or(Failure::NoTime)?;
    let hundredths = |ticks| time::duration(ticks).as_nanos() as u64 / 10;
    let [alone, flooded, over] = NAMES;
    if asked.contains(alone) {
        report(alone, Unit::Micros, &mut before, hundredths)?;
    }
    if asked.contains(flooded) {
        report(flooded, Unit::Micros, &mut beside, hundredths)?;
    }
    if asked.contains(over) {
        let mut samples = Samples::<1>::new();
        samples.push(ratio)?;
        report(over, Unit::Ratio, &mut samples, |hundredths| hundredths)?;
    }
    Ok(())
}

fn calls(server: &BenchClient<Kernel>) -> Result<Samples<CALLS>, Failure> {
    let mut samples = Samples::new();
    for _ in 0..CALLS {
        let start = time::now();
        server.nothing()?;
        samples.push(time::now().ticks().wrapping_sub(start.ticks()))?;
    }
    Ok(samples)
}
