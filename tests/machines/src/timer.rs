//! The timer wakes a component for each of its deadlines, never early, and its message path allocates nothing.

use std::time::Duration;

use isthmus_testkit::{Failure, contains, says};

use crate::lab::Lab;

/// All waits together are a third of a second.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn waits(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    let machine = cluster.machine(1);
    machine.wait_for(&says("sleeper", "attached"), LIMIT)?;
    machine.wait_for(&says("sleeper", "waited 200ms"), LIMIT)?;
    machine.wait_for(&says("sleeper", "replaced deadline: in time"), LIMIT)?;
    machine.wait_for(&says("sleeper", "allocations: 0"), LIMIT)?;
    machine.wait_for(&contains("done with 8 waits"), LIMIT)?;
    let early = machine.lines().iter().any(|line| {
        line.said
            .words()
            .is_some_and(|words| words.contains("EARLY"))
    });
    if early {
        return Err(cluster.failure("the timer woke a component before its deadline"));
    }
    Ok(())
}
