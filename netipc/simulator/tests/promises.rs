//! Every promise is kept from these seeds on, and every planted fault is found. `./isthmus test` runs 10 000 seeds by `netipc-sim`.

use netipc_protocol::PlantedFault;
use netipc_simulator::{Checker, NODES_MAX, Options, Record, SEEDS_PER_FAULT, hunt, run};

const SEEDS: u64 = 1000;

#[test]
fn no_promise_is_broken() {
    let (summary, found) = hunt(0, SEEDS, &Options::default(), |_, _| {});
    assert_eq!(found, None, "{summary}");
    // The histories are harsh and yet get somewhere.
    assert_eq!(summary.histories, SEEDS);
    assert!(
        summary.replies > 50 * SEEDS && summary.unknown > SEEDS,
        "{summary}"
    );
    assert!(
        summary.not_executed > SEEDS && summary.crashes > SEEDS / 4,
        "{summary}"
    );
    assert!(
        summary.capabilities > 5 * SEEDS && summary.faults > 20 * SEEDS,
        "{summary}"
    );
}

#[test]
fn no_promise_is_broken_among_five_machines() {
    let options = Options {
        nodes: Some(NODES_MAX),
        ..Options::default()
    };
    let (summary, found) = hunt(1_000_000, SEEDS / 4, &options, |_, _| {});
    assert_eq!(found, None, "{summary}");
}

/// The checkers that may find a fault, by its kind; any other would mean that the fault is not what its name says.
fn expected(fault: PlantedFault) -> &'static [Checker] {
    match fault {
        PlantedFault::SlotReusedEarly => &[Checker::Progress, Checker::Tables, Checker::Wiretap],
        PlantedFault::TombstoneForgotten => &[Checker::Wiretap, Checker::Tables, Checker::Progress],
        PlantedFault::NotExecutedOnTimeout => &[Checker::Truth],
        PlantedFault::ReplyNotCached => &[Checker::Truth, Checker::Wiretap],
        PlantedFault::OldSessionAccepted => &[Checker::Truth, Checker::Wiretap],
    }
}

#[test]
fn every_planted_fault_is_found() {
    for fault in PlantedFault::ALL {
        let options = Options {
            fault: Some(fault),
            ..Options::default()
        };
        let (_, found) = hunt(0, SEEDS_PER_FAULT, &options, |_, _| {});
        let Some((seed, violation)) = found else {
            panic!("{fault:?} was not found in {SEEDS_PER_FAULT} seeds");
        };
        assert!(
            expected(fault).contains(&violation.checker),
            "{fault:?}, seed {seed}: {violation}"
        );
    }
}

#[test]
fn a_seed_replays_exactly() {
    let options = Options {
        record: Record::Everything,
        ..Options::default()
    };
    for seed in [1, 77, 1234] {
        let first = run(seed, &options);
        let second = run(seed, &options);
        assert_eq!(first.lines, second.lines);
        assert_eq!(first.summary, second.summary);
        // Writing it down changes nothing.
        assert_eq!(run(seed, &Options::default()).summary, first.summary);
    }
}
