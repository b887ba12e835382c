//! Who goes on being served while others do harm: calls a server, the memory server and the scheduler, and says how often it was answered.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::{Startup, memory, say, service};
use processes_programs::{GREET, ask, scheduler};

isthmus_runtime::entry!(main);

/// Rounds.
const ROUNDS: u32 = 5_000;
/// Rounds between two words.
const WORD: u32 = 1_000;

fn main(startup: &'static Startup) -> ! {
    match run(startup) {
        Ok(()) => say!("done"),
        Err(why) => say!("FAILED: {why}"),
    }
    loop {
        let _ = service::wait();
    }
}

fn run(startup: &'static Startup) -> Result<(), &'static str> {
    let scheduler = scheduler(startup).map_err(|_| "no scheduler")?;
    let memory = memory::server().map_err(|_| "no memory server")?;
    for round in 1..=ROUNDS {
        ask(GREET).map_err(|_| "the server does not answer")?;
        memory.statistics().map_err(|_| "memory does not answer")?;
        scheduler
            .statistics()
            .map_err(|_| "the scheduler does not answer")?;
        if round % WORD == 0 {
            say!("served {round} times");
        }
    }
    Ok(())
}
