//! Histories of the protocol as it is keep every promise and pass through every state. In a process of its own: the counters of transitions
//! are one set for a process, and `promises.rs` plants faults.

use netipc_protocol::coverage::transitions;
use netipc_simulator::{Fault, Options, hunt};

const SEEDS: u64 = 300;

#[test]
fn no_promise_is_broken() {
    let (summary, found) = hunt(0, SEEDS, &Options::default(), |_, _| {});
    assert_eq!(found, None, "{summary}");
    // The histories are harsh and yet get somewhere.
    assert_eq!(summary.histories, SEEDS);
    assert!(
        summary.replies > 100 * SEEDS && summary.unknown > 10 * SEEDS,
        "{summary}"
    );
    assert!(summary.not_executed > 10 * SEEDS, "{summary}");
    for fault in Fault::ALL {
        assert!(summary.fault(*fault) > 0, "never: {}", fault.text());
    }
    for transition in transitions() {
        assert!(transition.legal && transition.seen > 0, "{transition:?}");
    }
}
