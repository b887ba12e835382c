//! Who holds which capability on a machine: the machine is asked.

use std::time::Duration;

use isthmus_description::capabilities::Found;

use crate::console::Said;
use crate::failure::Failure;
use crate::machine::Machine;

/// The argument with which a machine says at its start who holds which capability.
pub const CAPABILITIES: &str = "caps=1";

impl Machine {
    /// What the components of a machine have, which was started with [`CAPABILITIES`].
    ///
    /// # Errors
    /// If it does not say all of it in time.
    pub fn capabilities(&self, timeout: Duration) -> Result<Vec<Found>, Failure> {
        let counted = |said: &Said| Found::read_count(of_root_task(said)?);
        let last = self.wait_for_line("the count of its capabilities", timeout, |said| {
            counted(said).is_some()
        })?;
        let lines = self.lines();
        let found: Vec<Found> = lines
            .iter()
            .filter_map(|line| Found::read(of_root_task(&line.said)?))
            .collect();
        match counted(&last.said) {
            Some(count) if count == found.len() => Ok(found),
            _ => Err(self.failure(format!(
                "{} lines about capabilities can be read, not as many as the machine says",
                found.len()
            ))),
        }
    }
}

/// What the root task says.
fn of_root_task(said: &Said) -> Option<&str> {
    match said {
        Said::Plain(line) => line.strip_prefix("isthmus: "),
        _ => None,
    }
}
