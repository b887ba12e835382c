//! Small calls, one after the other, for ever, whatever else there is: how long they take while lent memory is moved and while none is, and how much of it they
//! have to wait for.

use alloc::boxed::Box;
use core::fmt;

use bench_logic::{Samples, Summary};
use bulk_programs::SMALL;
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{Duration, Kernel, say, time};
use netipc_interface::{NetipcClient, NetipcError};

use crate::{Checked, Client, expect};

/// Calls after which a line is said.
const ROUND: u64 = 200;
/// Between two rounds.
const BREATH: Duration = Duration::from_millis(2);
/// A chunk that came to this machine or left it so recently says that a transfer is going on: longer than between two slices of it, shorter than most calls that lend.
const RECENT: Duration = Duration::from_millis(20);
/// Samples of each kind. What is beyond is not looked at.
const SAMPLES: usize = 2048;

/// What calls took, in microseconds.
struct Took(Box<Samples<SAMPLES>>);

impl Took {
    fn new() -> Self {
        Self(Box::new(Samples::new()))
    }

    fn note(&mut self, took: Duration) {
        // Once they are full, there are enough.
        let _ = self.0.push(took.as_micros() as u64);
    }

    fn told(&mut self) -> Told {
        Told(self.0.summary())
    }
}

struct Told(Option<Summary>);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Summary { p50, p99, n }) => write!(f, "{p50} us {p99} us of {n}"),
            None => f.write_str("0 us 0 us of 0"),
        }
    }
}

impl Client {
    /// Says after each round how long the slowest call of it has taken, the median and the 99th percentile of all calls while a transfer was going on ("beside") and of all
    /// others ("still"), and the most chunks of lent memory that came to this machine or left it during one call.
    pub(crate) fn small_calls(&self) -> Checked {
        let server = self.find(SMALL)?;
        let (mut still, mut beside) = (Took::new(), Took::new());
        let (mut number, mut most) = (0, 0);
        let mut before = self.chunks()?;
        let mut beside_until = time::now();
        loop {
            let mut slowest = Duration::ZERO;
            for _ in 0..ROUND {
                number += 1;
                let start = time::now();
                expect("echo", &server.echo(number)?, &number)?;
                let took = time::now() - start;
                let after = self.chunks()?;
                let moved = after - before;
                before = after;
                if moved > 0 {
                    beside_until = time::now() + RECENT;
                }
                match start < beside_until {
                    true => beside.note(took),
                    false => still.note(took),
                }
                slowest = slowest.max(took);
                most = most.max(moved);
            }
            say!("small calls: {number}, slowest {} us", slowest.as_micros());
            say!(
                "still {}, beside {}, chunks {most}",
                still.told(),
                beside.told()
            );
            // With the server on this machine nobody else would ever run, the console among them.
            self.pause.sleep(BREATH);
            before = self.chunks()?;
        }
    }

    /// Chunks that this machine's proxy has sent and taken.
    fn chunks(&self) -> Result<u64, CallError<NetipcError>> {
        let statistics = NetipcClient::new(Kernel, self.netipc).statistics()?;
        Ok(statistics.chunks_in + statistics.chunks_out)
    }
}
