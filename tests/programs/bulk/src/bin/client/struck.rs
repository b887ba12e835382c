//! The server's machine, or the way there, is struck in the middle of a transfer: says what became of the call, whether anything was written after that, and goes on
//! when all is well again. Whether the outcome is true, the test judges.

use alloc::format;

use bulk_programs::{NAME, fill, sum};
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{Duration, memory, say, time};
use netipc_interface::Access;

use crate::{Checked, Client, expect, report, wrong};

/// Longer than a stopped machine takes to go on, and to send what it had still wanted to.
const LATER: Duration = Duration::from_millis(1500);
/// So long the switch has to make ready.
const BEGIN: Duration = Duration::from_millis(200);
/// Attempts until all is well again.
const ATTEMPTS: u32 = 60;

impl Client {
    pub(crate) fn struck(&self) -> Checked {
        for direction in ["fetch", "store"] {
            let server = self.find(NAME)?;
            let memory = memory::server()?;
            let before = memory.statistics()?;
            report(&format!("{direction} before"), self.fetching(&server));
            {
                let (object, mapping) = self.object()?;
                fill(&mapping, self.bytes, 7)?;
                let lent = self.lend(&object, Access::ReadWrite)?;
                say!("{direction} struck: begins");
                self.pause.sleep(BEGIN);
                let start = time::now();
                let result = match direction {
                    "fetch" => server.put(lent.capability()).map(drop),
                    _ => server.get(lent.capability(), 8),
                };
                let took = (time::now() - start).as_micros();
                let outcome = match result {
                    Ok(()) => "an answer".into(),
                    Err(CallError::Outcome(outcome)) => format!("{outcome:?}"),
                    Err(error) => format!("{error}"),
                };
                say!("{direction} struck: ended with {outcome} after {took} us");
                // The loan is over. Nobody may write from now on, though the object is still mapped here.
                drop(lent);
                let now = sum(&mapping, self.bytes)?;
                self.pause.sleep(LATER);
                let late = expect("the sum later", &sum(&mapping, self.bytes)?, &now);
                report(&format!("{direction} late"), late);
            }
            drop(server);
            report(&format!("{direction} again"), self.again());
            let after = expect("memory", &memory.statistics()?, &before);
            report(&format!("{direction} memory"), after);
        }
        Ok(())
    }

    fn again(&self) -> Checked {
        let mut last = wrong("nothing was tried");
        for _ in 0..ATTEMPTS {
            let server = self.find(NAME)?;
            last = self.fetching(&server);
            if last.is_ok() {
                return last;
            }
            self.pause.sleep(Duration::from_millis(50));
        }
        last
    }
}
