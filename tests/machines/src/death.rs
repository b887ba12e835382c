//! Whoever calls a component that dies gets an outcome that is true, and the console says who died of what.

use std::time::Duration;

use isthmus_testkit::{Failure, Said, contains, says};

use crate::lab::Lab;

/// All of it takes milliseconds, on a busy host seconds.
const LIMIT: Duration = Duration::from_secs(30);

/// What the clients say of their calls: the first before the death, then one whose reply the server had saved, one that it was working at, one in
/// the queue, and two afterwards.
const OUTCOMES: [&str; 6] = [
    "alive: answered",
    "saved: unknown whether executed: the server died after it had taken the request",
    "owed: unknown whether executed: the server died after it had taken the request",
    "queued: not executed: the server has died",
    "later: not executed: the server has died",
    "later still: not executed: the server has died",
];

/// What the supervisor says of the dead. The address is the one that the server writes to.
const DEATHS: [&str; 5] = [
    "component mortal died in thread 0: page fault",
    "component mortal: 1 saved replies answered",
    "component panics died in thread 0: it panicked",
    "component returns died in thread 0: its main function returned with code 1",
    "component overflows died in thread 1: its stack is full",
];

pub(crate) fn outcomes(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    let machine = cluster.machine(1);
    for outcome in OUTCOMES {
        machine.wait_for(&says("mourner", outcome), LIMIT)?;
    }
    for death in DEATHS {
        machine.wait_for(&contains(death), LIMIT)?;
    }
    machine.wait_for(&contains("accessing 0x10 "), LIMIT)?;
    machine.wait_for(&says("panics", "on purpose"), LIMIT)?;
    machine.wait_for(&says("returns", "main returned an error: Sorry(42)"), LIMIT)?;
    // The log is decoded, with the line that it came from.
    machine.wait_for_line("the decoded log of `panics`", LIMIT, |said| {
        matches!(said, Said::Log { component, message, location: Some(location), .. }
            if component == "panics" && message == "component 4 is about to panic" && location.file.ends_with("panics.rs"))
    })?;
    Ok(())
}
