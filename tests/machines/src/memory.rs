//! Memory objects are shared, bounded, zero at first, and given back; who writes where it may only read is stopped, and who wants too much is refused.

use std::time::Duration;

use isthmus_testkit::{Failure, contains};

use crate::lab::{Lab, wait_for_ok};

/// Thousands of cycles and a gigabyte of zeroing take seconds under emulation.
const LIMIT: Duration = Duration::from_secs(120);

/// What the component that makes objects checks, one after the other.
const CHECKS: [&str; 6] = [
    "sharing",
    "zeroing",
    "outliving",
    "refusals",
    "wrong messages",
    "cycles",
];

/// Who touches what it may not.
const TRESPASSERS: [(&str, &str); 2] = [
    ("scribbler", "writing what may be read"),
    ("peeper", "reading what was unmapped"),
];

pub(crate) fn shared_and_given_back(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    let machine = cluster.machine(1);
    for check in CHECKS {
        wait_for_ok(machine, "maker", check, LIMIT)?;
    }
    wait_for_ok(machine, "glutton", "eating", LIMIT)?;
    for (component, check) in TRESPASSERS {
        wait_for_ok(machine, component, check, LIMIT)?;
        let death = format!("component {component} died in thread 0: page fault");
        machine.wait_for(&contains(&death), LIMIT)?;
    }
    let still_here = machine.lines().iter().any(|line| {
        line.said
            .words()
            .is_some_and(|words| words.contains("STILL HERE"))
    });
    match still_here {
        true => Err(cluster.failure("a component touched what it may not")),
        false => Ok(()),
    }
}

pub(crate) fn by_the_scheduler(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    let machine = cluster.machine(1);
    wait_for_ok(machine, "warden", "closing", LIMIT)?;
    wait_for_ok(machine, "warden", "reserving", LIMIT)
}
