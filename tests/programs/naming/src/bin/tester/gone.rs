//! The owner dies, alone or with its machine: its name is gone within lease and drift.

use core::time::Duration;

use isthmus_runtime::interface::CallError;
use isthmus_runtime::{say, time};
use naming_interface::NamingError;
use naming_programs::{LEASE, OWNER};
use remote_programs::{Failure, failure};

use crate::tools::{LOOK_AGAIN, Tools, look};

/// The owner's component dies. This is the last thing that the test does.
pub fn alone(tools: &Tools) -> Result<(), Failure> {
    let owner = tools.owner()?;
    let start = time::now();
    owner.die().map_err(|reason| failure!("die: {reason}"))?;
    drop(owner);
    gone(tools, start)
}

/// The owner's machine is killed by the test when it hears `waiting`, and started again when it hears that the name is gone.
pub fn with_its_machine(tools: &Tools) -> Result<(), Failure> {
    drop(tools.owner()?);
    say!("waiting for the death of the owner's machine");
    let last = loop {
        let asked = time::now();
        match look(&tools.root(), OWNER) {
            Ok(()) => tools.sleep(LOOK_AGAIN),
            Err(CallError::Outcome(outcome)) => {
                say!("the look-up ended: {outcome:?}");
                break asked;
            }
            Err(error) => return Err(failure!("the look-up ended: {error}")),
        }
    };
    gone(tools, last)?;
    tools
        .owner()?
        .node()
        .map(drop)
        .map_err(|error| failure!("after all: {error}"))
}

/// Waits until the name is not found, and says how long that was after `start`.
fn gone(tools: &Tools, start: isthmus_runtime::Instant) -> Result<(), Failure> {
    /// How late a busy host may be.
    const STALL: Duration = Duration::from_secs(4);
    loop {
        let found = look(&tools.root(), OWNER);
        let took = time::now() - start;
        match found {
            Err(CallError::Interface(NamingError::NotFound | NamingError::NotSure)) => {
                say!(
                    "gone after {} ms of {} ms",
                    took.as_millis(),
                    LEASE.as_millis()
                );
                return Ok(());
            }
            Ok(()) | Err(CallError::Outcome(_)) if took < LEASE + STALL => tools.sleep(LOOK_AGAIN),
            other => return Err(failure!("after {took:?} the name is {other:?}")),
        }
    }
}
