//! Hundreds of calls out at once through a ring, to a server on the same machine and to one on another: each is answered once, and rightly. Deadlines end calls
//! to servers that never answer, here and there. A client that writes rubbish into its ring is told so, and harms nobody. Servers signal their clients, from here and from there
//! (`tests/machines/systems/async.toml`).

use std::time::Duration;

use isthmus_testkit::Failure;

use crate::lab::Lab;

/// Some seconds, on a busy host some more.
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) fn each_ends_once(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.start()?;
    cluster.machine(2).wait_until_right(LIMIT).map(drop)
}
