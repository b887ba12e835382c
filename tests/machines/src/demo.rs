//! The demonstration's client looks its server up by name and calls it: on another machine, and on the same one.

use std::time::Duration;

use isthmus_testkit::{Failure, Machine};

use crate::lab::Lab;

/// The client's work takes milliseconds, on a busy host seconds.
const STORY_LIMIT: Duration = Duration::from_secs(60);

/// Server on the first machine, client on the second.
pub(crate) fn remote(lab: &Lab) -> Result<(), Failure> {
    judged(lab, 2)
}

/// Both on one machine.
pub(crate) fn local(lab: &Lab) -> Result<(), Failure> {
    judged(lab, 1)
}

fn judged(lab: &Lab, count: usize) -> Result<(), Failure> {
    let cluster = lab.machines(count)?.start()?;
    cluster
        .machines()
        .iter()
        .try_for_each(|machine: &Machine| machine.wait_until_up().map(drop))?;
    cluster
        .machine(count)
        .wait_until_right(STORY_LIMIT)
        .map(drop)
}
