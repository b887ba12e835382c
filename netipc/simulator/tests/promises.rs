//! Every promise is kept from these seeds on, every history is as long as is said, and every planted mistake is found.
//! `./isthmus test simulator` runs many more seeds by `netipc-sim`.

use netipc_simulator::{
    CALLS_LEAST, CAPABILITIES_LEAST, FAULTS_LEAST, NODES_LEAST, NODES_MAX, Options, Protection,
    Record, Summary, hunt, mutants, run,
};

/// With the real cipher: each history takes a hundred times as long.
const REAL_SEEDS: u64 = 12;
const SEEDS: u64 = 300;

#[test]
fn every_history_is_as_long_as_is_said() {
    for seed in 0..SEEDS {
        let Summary { least, .. } = run(seed, &Options::default()).summary;
        assert!(least.nodes >= u64::from(NODES_LEAST), "{seed}: {least:?}");
        assert!(least.calls >= CALLS_LEAST, "{seed}: {least:?}");
        assert!(
            least.capabilities >= CAPABILITIES_LEAST,
            "{seed}: {least:?}"
        );
        assert!(least.faults >= FAULTS_LEAST, "{seed}: {least:?}");
    }
}

#[test]
fn no_promise_is_broken_among_few_machines_or_many() {
    for nodes in [2, 3, NODES_MAX] {
        let options = Options {
            nodes: Some(nodes),
            ..Options::default()
        };
        let (summary, found) = hunt(1_000_000, SEEDS / 4, &options, |_, _| {});
        assert_eq!(found, None, "{summary}");
    }
}

#[test]
fn every_planted_fault_is_found_and_is_what_its_name_says() {
    for mutant in mutants::all() {
        let options = mutant.options(&Options::default());
        let (_, found) = hunt(0, mutant.within, &options, |_, _| {});
        let Some((seed, violation)) = found else {
            panic!(
                "{:?} was not found in {} seeds",
                mutant.mistake, mutant.within
            );
        };
        assert!(
            mutant.checkers.contains(&violation.checker),
            "{:?}, seed {seed}: {violation}",
            mutant.mistake
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
        assert_eq!(first.entries, second.entries);
        assert_eq!(first.summary, second.summary);
        // Writing it down changes nothing.
        assert_eq!(run(seed, &Options::default()).summary, first.summary);
    }
}

/// `hunt` has one history use the machines of the one before.
#[test]
fn what_is_used_again_leaves_no_trace() {
    let options = Options::default();
    let (hunted, found) = hunt(500, 30, &options, |_, _| {});
    let mut alone = Summary::default();
    for seed in 500..530 {
        alone += &run(seed, &options).summary;
    }
    assert_eq!((hunted, found), (alone, None));
}

#[test]
fn no_promise_is_broken_with_the_real_cipher() {
    let options = Options {
        protection: Protection::Real,
        ..Options::default()
    };
    let (summary, found) = hunt(2_000_000, REAL_SEEDS, &options, |_, _| {});
    assert_eq!(found, None, "{summary}");
    assert!(summary.replies > 50 * REAL_SEEDS, "{summary}");
}
