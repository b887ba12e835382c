//! Remote calls over a bad network: every answer is right, and the server has run each request once.
//!
//! The client numbers its requests, checks each answer, and at the end the server's books: as many requests run as were answered, no number twice
//! (`examples/kv/client/src/judge.rs`). Here it is seen to that the network was really bad.

use std::time::Duration;

use isthmus_testkit::{Cluster, Counters, Failure, Faults, Rate};

use crate::lab::Lab;

/// Calls.
const CALLS: u64 = 10_000;
/// Of the frames, so many each are dropped, duplicated, reordered.
const PERCENT: u32 = 5;
/// Any seed will do; this one is kept so that two runs suffer alike.
const SEED: u64 = 17;
/// Some milliseconds for each call, on a busy host.
const LIMIT: Duration = Duration::from_secs(300);
/// A call is a request and a reply at least.
const FRAMES_PER_CALL: u64 = 2;

pub(crate) fn right_and_once(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab
        .machines(2)?
        .arguments(format!("calls={CALLS}"))
        .faults(SEED, Faults::all_at(Rate::percent(PERCENT)))
        .start()?;
    let summary = cluster.machine(2).wait_until_right(LIMIT)?;
    if !summary.starts_with(&format!("{CALLS} calls, ")) {
        return Err(cluster.failure(format!("not {CALLS} calls were made: {summary}")));
    }
    really_bad(&cluster)
}

/// At least half of each promised fault came to pass: the dice are fair, so that less is out of the question.
fn really_bad(cluster: &Cluster) -> Result<(), Failure> {
    let Counters {
        received,
        dropped,
        duplicated,
        reordered,
        ..
    } = cluster.switch().counters();
    let least = received * u64::from(PERCENT) / 100 / 2;
    if received < FRAMES_PER_CALL * CALLS {
        return Err(cluster.failure(format!("{received} frames cannot carry {CALLS} calls")));
    }
    if [dropped, duplicated, reordered].iter().any(|&n| n < least) {
        return Err(cluster.failure("the network was better than it should have been"));
    }
    Ok(())
}
