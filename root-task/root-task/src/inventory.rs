//! Says on the console who holds which capability, where the machine's arguments ask for it (`caps=1`): `isthmus caps` reads it.

use builder::inventory::{Kind, take};
use sel4::init_thread;

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
    let Some(first) = system.bodies.first() else {
        return Ok(());
    };
    // As the host calls them: `isthmus_description::capabilities`.
    let kinds = [
        Kind {
            name: "endpoint",
            like: system.faults.cptr(),
        },
        Kind {
            name: "notification",
            like: first.lasting.notification.cptr(),
        },
        Kind {
            name: "cnode",
            like: init_thread::slot::CNODE.cptr(),
        },
        Kind {
            name: "thread",
            like: init_thread::slot::TCB.cptr(),
        },
    ];
    let mut count = 0;
    for body in &system.bodies {
        let probe = system.faults.cptr();
        count += take(body, objects, &kinds, probe, &mut |line| say!("{line}"))?;
    }
    say!("caps: {count} of {} components", system.bodies.len());
    Ok(())
}
