//! Says on the console who holds which capability, where the machine's arguments ask for it (`caps=1`): `isthmus caps` reads it.

use builder::Supply;
use builder::inventory::{Tools, take};

use crate::error::Result;
use crate::facts::Facts;
use crate::objects::Objects;
use crate::say;
use crate::system::System;

/// The argument.
const ARGUMENT: &str = "caps=1";

/// Whether it is wanted.
#[must_use]
pub fn is_wanted(facts: &Facts) -> bool {
    let mut arguments = facts.arguments.split_ascii_whitespace();
    arguments.any(|argument| argument == ARGUMENT)
}

/// Goes through all components that the root task has made and not started yet.
pub fn report(objects: &mut Objects, system: &System) -> Result<()> {
    let tools = Tools {
        scratch: objects.slot()?,
        endpoint: system.faults.cptr(),
    };
    for body in &system.bodies {
        take(body, objects, tools, &mut |line| say!("{line}"))?;
    }
    Ok(())
}
