//! Machines that have nothing to do sleep: their processors halt, so that their emulators use next to nothing of the host.

use std::thread;
use std::time::{Duration, Instant};

use isthmus_testkit::{Failure, Machine};

use crate::lab::Lab;

/// The demonstration's story, as for `demo`.
const STORY_LIMIT: Duration = Duration::from_secs(60);
/// How long the machines are looked at. Here time itself is what is measured, so this is a sleep.
const MEASURED: Duration = Duration::from_secs(2);
/// Of that time, no more than one part in so many may be used. The kernel's tick, 500 times a second, costs one part in twenty or so; a component that looks
/// again and again instead of waiting would use all.
const PART: u32 = 5;

/// After the demonstration, with a session open, on both machines.
pub(crate) fn sleeps(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.start()?;
    cluster.machine(2).wait_until_right(STORY_LIMIT)?;
    let start = Instant::now();
    let before = used(cluster.machines())?;
    thread::sleep(MEASURED);
    let after = used(cluster.machines())?;
    let measured = start.elapsed();
    for (machine, (before, after)) in cluster.machines().iter().zip(before.into_iter().zip(after)) {
        let used = after.saturating_sub(before);
        if used > measured / PART {
            return Err(cluster.failure(format!(
                "machine {} has nothing to do, and used a processor for {used:?} of {measured:?}",
                machine.node()
            )));
        }
    }
    Ok(())
}

fn used(machines: &[Machine]) -> Result<Vec<Duration>, Failure> {
    let of = |machine: &Machine| {
        machine
            .processor_time()
            .ok_or_else(|| machine.failure("the host does not say what a machine uses"))
    };
    machines.iter().map(of).collect()
}
