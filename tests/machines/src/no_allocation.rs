//! Remote calls and look-ups, after the first few, allocate nothing on either machine: not in the client, the server, netipc's proxy or the network
//! server. Naming and the timer have no heap at all (`tests/machines/systems/no-allocation.toml`).

use std::time::Duration;

use isthmus_testkit::Failure;

use crate::lab::Lab;

/// A thousand calls take a second or two, on a busy host some more.
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) fn counters_stand_still(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.start()?;
    cluster.machine(2).wait_until_right(LIMIT).map(drop)
}
