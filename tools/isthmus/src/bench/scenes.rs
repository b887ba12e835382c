//! Figures of the machine tests' own programs.

use anyhow::Result;
use isthmus_testkit::Figure;
use machine_tests::{Lab, figures};

/// Of a tree that is a hundred deep: until it is in force, and until every importer has confirmed.
pub const REVOCATIONS: [&str; 2] = ["revocation_100", "revocation_100_complete"];
/// How deep.
const DEPTH: usize = 100;
/// Such trees.
const TREES: u16 = 5;

/// Lent memory to the server and back, and small calls between the same machines: while nothing is moved, meanwhile, and the second median over the first.
pub const BULK: [&str; 5] = [
    "bulk_fetch",
    "bulk_store",
    "bulk_small_still",
    "bulk_small_call",
    "bulk_small_ratio",
];
/// So many times, each on machines that have just booted.
const BOOTS: u64 = 5;

/// Of few samples: the 99th percentile is the worst, which is the largest or the smallest.
fn figure(name: &str, unit: &str, mut samples: Vec<f64>, worst: impl Fn(&[f64]) -> f64) -> Figure {
    samples.sort_by(f64::total_cmp);
    Figure {
        name: name.to_owned(),
        unit: unit.to_owned(),
        p50: samples[samples.len() / 2],
        p99: worst(&samples),
        n: samples.len() as u64,
    }
}

/// [`REVOCATIONS`].
pub fn revocations(lab: &Lab) -> Result<Vec<Figure>> {
    let took = figures::revocation(lab, DEPTH, TREES)?;
    let [effective, complete] = REVOCATIONS;
    let figure = |name, nanos: Vec<u64>| {
        let micros = nanos.iter().map(|nanos| *nanos as f64 / 1000.0).collect();
        figure(name, "us", micros, |sorted| sorted[sorted.len() - 1])
    };
    Ok(vec![
        figure(effective, took.iter().map(|took| took.effective).collect()),
        figure(complete, took.iter().map(|took| took.complete).collect()),
    ])
}

/// [`BULK`].
pub fn bulk(lab: &Lab) -> Result<Vec<Figure>> {
    let moved = (0..BOOTS).map(|_| figures::bulk(lab));
    let moved: Vec<figures::Moved> = moved.collect::<Result<_, _>>()?;
    let [fetch, store, still, beside, ratio] = BULK;
    let each = |of: &dyn Fn(&figures::Moved) -> f64| moved.iter().map(of).collect::<Vec<_>>();
    // Bytes in a microsecond are millions of bytes in a second.
    let speed = |micros: u64| figures::LENT as f64 / micros as f64;
    let slowest = |sorted: &[f64]| sorted[0];
    let largest = |sorted: &[f64]| sorted[sorted.len() - 1];
    let small = |name, of: &dyn Fn(&figures::Moved) -> figures::Small| {
        let medians = each(&|moved| of(moved).p50 as f64);
        let worst = each(&|moved| of(moved).p99 as f64);
        figure(name, "us", medians, |_| {
            worst.iter().copied().fold(0.0, f64::max)
        })
    };
    let ratios = each(&|moved| moved.beside.p50 as f64 / moved.still.p50.max(1) as f64);
    Ok(vec![
        figure(fetch, "MB/s", each(&|moved| speed(moved.fetched)), slowest),
        figure(store, "MB/s", each(&|moved| speed(moved.stored)), slowest),
        small(still, &|moved| moved.still),
        small(beside, &|moved| moved.beside),
        figure(ratio, "ratio", ratios, largest),
    ])
}
