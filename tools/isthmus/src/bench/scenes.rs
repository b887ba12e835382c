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

/// A MiB of lent memory, to the server and back.
pub const BULK: [&str; 2] = ["bulk_fetch", "bulk_store"];
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
    let [fetch, store] = BULK;
    let figure = |name, micros: Vec<u64>| {
        // Bytes in a microsecond are millions of bytes in a second.
        let speeds = micros
            .iter()
            .map(|micros| figures::LENT as f64 / *micros as f64);
        figure(name, "MB/s", speeds.collect(), |sorted| sorted[0])
    };
    Ok(vec![
        figure(fetch, moved.iter().map(|moved| moved.fetched).collect()),
        figure(store, moved.iter().map(|moved| moved.stored).collect()),
    ])
}
