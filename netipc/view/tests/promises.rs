//! No seed breaks a promise; each planted fault is found.

mod simulator;

use netipc_view::PlantedFault;
use simulator::{Summary, run};

/// Histories that every run of the tests looks at; `VIEW_SEEDS` asks for more, `VIEW_SEED` for one with everything that happens in it.
const SEEDS: u64 = 100;
/// Within so many seeds each planted fault must be found.
const SEEDS_PER_FAULT: u64 = 600;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_seed_breaks_a_promise() {
    if let Some(seed) = number("VIEW_SEED") {
        let ended = run(seed, None, true);
        for line in ended.lines {
            println!("{line}");
        }
        assert!(ended.violation.is_none(), "seed {seed}");
        return;
    }
    let begin = std::time::Instant::now();
    let mut summary = Summary::default();
    for seed in 0..number("VIEW_SEEDS").unwrap_or(SEEDS) {
        let ended = run(seed, None, false);
        summary += ended.summary;
        if let Some(violation) = ended.violation {
            let lines = run(seed, None, true).lines;
            for line in &lines[lines.len().saturating_sub(60)..] {
                println!("{line}");
            }
            let (by, at, what) = (violation.checker, violation.at / 1_000_000, violation.what);
            panic!(
                "seed {seed} breaks a promise: {by:?} at {at} ms: {what} (VIEW_SEED={seed} shows all of it)"
            );
        }
    }
    println!("{summary:?} in {:?}", begin.elapsed());
    assert!(summary.takeovers > 0 && summary.disasters > 0 && summary.answers > 0);
}

#[test]
fn each_planted_fault_is_found() {
    let mut missed = Vec::new();
    for fault in PlantedFault::ALL {
        let found = (0..SEEDS_PER_FAULT)
            .find_map(|seed| Some((seed, run(seed, Some(fault), false).violation?)));
        match found {
            Some((seed, violation)) => println!("{fault:?}: seed {seed}: {violation:?}"),
            None => missed.push(fault),
        }
    }
    assert!(
        missed.is_empty(),
        "not found in {SEEDS_PER_FAULT} seeds: {missed:?}"
    );
}

#[test]
fn a_seed_replays_exactly() {
    let (first, second) = (run(7, None, true), run(7, None, true));
    assert_eq!(first.summary, second.summary);
    assert_eq!(first.lines, second.lines);
}
