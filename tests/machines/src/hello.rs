//! The smallest example: a client is greeted by a server on another machine.

use std::time::Duration;

use isthmus_testkit::Failure;

use crate::lab::Lab;

const LIMIT: Duration = Duration::from_secs(60);

pub fn greeted(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.start()?;
    let summary = cluster.machine(2).wait_until_right(LIMIT)?;
    if summary == "1 greeted" {
        Ok(())
    } else {
        Err(cluster.failure(format!("it says {summary:?}")))
    }
}
