//! Who holds which capability on a machine: the machine is asked.

use std::time::Duration;

use isthmus_description::capabilities::Found;

use crate::console::Said;
use crate::failure::Failure;
use crate::machine::Machine;

/// The argument with which a machine says at its start who holds which capability.
pub const CAPABILITIES: &str = "caps=1";

impl Machine {
    /// What `components` have on a machine that was started with [`CAPABILITIES`].
    ///
    /// # Errors
    /// If it does not say all of it in time.
    pub fn capabilities(
        &self,
        components: &[&str],
        timeout: Duration,
    ) -> Result<Vec<Found>, Failure> {
        let mut all = Vec::new();
        for component in components {
            let count = |said: &Said| {
                let (name, count) = Found::read_count(words(said)?)?;
                (name == *component).then_some(count)
            };
            let what = format!("what `{component}` has");
            let last = self.wait_for_line(&what, timeout, |said| count(said).is_some())?;
            // One that was started again says it again.
            let mut found: Vec<Found> = Vec::new();
            for one in self
                .lines()
                .iter()
                .filter_map(|l| Found::read(words(&l.said)?))
            {
                if one.holder == *component && !found.iter().any(|f| f.slot == one.slot) {
                    found.push(one);
                }
            }
            if count(&last.said) != Some(found.len()) {
                let many = found.len();
                let what = format!(
                    "{many} lines about what `{component}` has can be read, not as many as it says"
                );
                return Err(self.failure(what));
            }
            all.extend(found);
        }
        Ok(all)
    }
}

/// What the root task or the scheduler says.
fn words(said: &Said) -> Option<&str> {
    match said {
        // A debug kernel ends its own line's colour on the next one.
        Said::Plain(line) => line.split_once("isthmus: ").map(|(_, words)| words),
        Said::Text { text, .. } => Some(text),
        _ => None,
    }
}
