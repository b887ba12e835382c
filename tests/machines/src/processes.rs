//! Processes of the scheduler: whoever calls one that is killed gets an outcome that is true, and finds it again behind the old capability;
//! and starting and stopping loses nothing.

use std::time::Duration;

use isthmus_testkit::{Failure, contains, says};

use crate::lab::{Lab, wait_for_ok};

/// Two restarts with their back-off; on a busy host seconds.
const LIMIT: Duration = Duration::from_secs(60);
/// Ten thousand times an address space, under emulation.
const CYCLES_LIMIT: Duration = Duration::from_secs(600);

/// What becomes of the calls: the first before the death, then one whose reply the server had saved, one that it was working at, two in the
/// queue, and one while it is gone; then through the same capability when it is there again, twice; and one after it was stopped.
const OUTCOMES: [&str; 12] = [
    "alive: answered",
    "running -> waiting for its restart: it was killed",
    "saved: unknown whether executed: the server died after it had taken the request",
    "owed: unknown whether executed: the server died after it had taken the request",
    "queued: not executed: the server has died",
    "queued too: not executed: the server has died",
    "later: not executed: the server has died",
    "nobody waits",
    "start 2: answered through the old capability",
    "fault: unknown whether executed: the server died after it had taken the request",
    "start 3: answered through the old capability",
    "stopped: not executed: the server has died",
];

pub(crate) fn killed_in_debt(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    let machine = cluster.machine(1);
    for outcome in OUTCOMES {
        machine.wait_for(&says("mourner", outcome), LIMIT)?;
    }
    machine.wait_for(&says("mourner", "done"), LIMIT)?;
    machine.wait_for(
        &contains("component mortal: 1 saved replies answered"),
        LIMIT,
    )?;
    machine.wait_for(
        &contains("component mortal died in thread 0: page fault"),
        LIMIT,
    )?;
    machine.wait_for(&says("cycler", "as before:"), LIMIT)?;
    Ok(())
}

/// What the client that tries the scheduler's promises checks.
const PROMISES: [&str; 5] = ["ends", "dependants", "program", "priority", "limit"];

pub(crate) fn as_promised(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    for check in PROMISES {
        wait_for_ok(cluster.machine(1), "keeper", check, LIMIT)?;
    }
    Ok(())
}

/// What each of those who do harm says when it begins.
const HARM: [(&str, &str); 6] = [
    ("toucher", "begins: touch"),
    ("spinner", "begins: spin"),
    ("limited", "begins: spin"),
    ("flooder", "begins: flood"),
    ("pesterer", "begins: pester"),
    ("devourer", "begins: devour"),
];

pub(crate) fn harm_nobody(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    let machine = cluster.machine(1);
    for (component, word) in HARM {
        machine.wait_for(&says(component, word), LIMIT)?;
    }
    machine.wait_for(
        &contains("component toucher died in thread 0: page fault"),
        LIMIT,
    )?;
    machine.wait_for(&says("devourer", "refused after"), LIMIT)?;
    machine.wait_for(&says("witness", "served 5000 times"), CYCLES_LIMIT)?;
    machine.wait_for(&says("witness", "done"), LIMIT)?;
    let harmed = machine.lines().iter().any(|line| {
        line.said
            .words()
            .is_some_and(|words| words.contains("STILL HERE") || words.contains("FAILED"))
    });
    match harmed {
        true => Err(cluster.failure("somebody was harmed")),
        false => Ok(()),
    }
}

pub(crate) fn ten_thousand_cycles(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    let machine = cluster.machine(1);
    machine.wait_for(&says("cycler", "10000 cycles"), CYCLES_LIMIT)?;
    machine.wait_for(&says("cycler", "as before:"), LIMIT)?;
    Ok(())
}
