//! The example `counter`: a server that fails is started again, its client's capability leads to the next process, and the count is what it was.

use std::time::Duration;

use isthmus_testkit::{Failure, says};

use crate::lab::Lab;

const LIMIT: Duration = Duration::from_secs(60);

pub fn goes_on(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    let machine = cluster.machine(1);
    // The root task says that it died; for the client that is a line of the story.
    machine.wait_for(&says("counter-client", "the counter has died"), LIMIT)?;
    machine.wait_for(&says("counter", "counting from 3"), LIMIT)?;
    machine.wait_for(&says("counter-client", "demo: ok 4 counted"), LIMIT)?;
    Ok(())
}
