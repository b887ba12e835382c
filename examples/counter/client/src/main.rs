//! Counts to three, has the counter fail, and goes on counting through the same capability when the counter has been started again.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use core::error::Error;

use counter_interface::CounterClient;
use isthmus_runtime::abi::{NotExecuted, Outcome, Unknown};
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{Duration, Kernel, Startup, say, service, timer};

isthmus_runtime::entry!(main);

/// Between two attempts at a counter that is not there: it has not run, so it may be tried again.
const TRY_AGAIN: Duration = Duration::from_millis(20);

fn main(startup: &'static Startup) -> ! {
    match count(startup) {
        Ok(count) => say!("demo: ok {count} counted"),
        Err(error) => say!("demo: failed: {error}"),
    }
    loop {
        let _ = service::wait();
    }
}

fn count(startup: &'static Startup) -> Result<u64, Box<dyn Error>> {
    let counter = CounterClient::new(
        Kernel,
        startup.endpoint(CounterClient::<Kernel>::INTERFACE)?,
    );
    for _ in 0..3 {
        say!("demo: counted {}", counter.increment()?);
    }
    match counter.fail() {
        // It had taken the request, and nobody can say how far it got.
        Err(CallError::Outcome(Outcome::Unknown(Unknown::ComponentDied))) => {
            say!("demo: the counter has died");
        }
        other => return Err(alloc::format!("it was to fail, and {other:?}").into()),
    }
    loop {
        match counter.increment() {
            Err(CallError::Outcome(Outcome::NotExecuted(NotExecuted::ComponentDied))) => {
                timer::sleep(TRY_AGAIN)?;
            }
            other => return Ok(other?),
        }
    }
}
