//! What a client sees when the machine that it calls dies, and is started again.

use bench_logic::BenchClient;
use isthmus_runtime::{Duration, Kernel, Startup, say, time};
use remote_programs::Pause;

use crate::remote;
use crate::report::Failure;

/// What the host asks for; it kills and starts the other machine at the words that this says.
pub const NAME: &str = "lost";
/// A machine starts within this.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(1);

/// Calls for ever: says when calls are answered (again), and what the call took that was not. The time is that of the last call alone, which began when all was well.
pub fn run(startup: &'static Startup) -> Result<(), Failure> {
    let pause = Pause::new().map_err(|_| Failure::NoServer("timer"))?;
    loop {
        let end = time::now() + PATIENCE;
        let server = loop {
            // A capability of the machine's earlier life is worth nothing, and naming may not know yet.
            let found = remote::find(startup).map(|server| BenchClient::new(Kernel, server));
            match found.map(|server| server.nothing().map(|()| server)) {
                Ok(Ok(server)) => break server,
                _ if time::now() >= end => return Err(Failure::NoTime),
                _ => pause.sleep(AGAIN),
            }
        };
        say!("bench: answered");
        let lasted = loop {
            let start = time::now();
            if server.nothing().is_err() {
                break time::now().ticks().wrapping_sub(start.ticks());
            }
        };
        say!("bench: unanswered {}", time::duration(lasted).as_micros());
    }
}
