//! A client in C, through the header that its build makes of the Rust trait, calls a server on another machine (`examples/kv/c-client`).

use std::time::Duration;

use isthmus_testkit::Failure;

use crate::lab::Lab;

/// A second, on a busy host some more.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn is_answered(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.start()?;
    cluster.machine(2).wait_until_right(LIMIT).map(drop)
}
