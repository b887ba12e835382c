//! Waits for times from nothing to longer than the PIT counts, and says how late it was woken: never early, never not at all.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::time::{self, Duration, Instant};
use isthmus_runtime::{EventBit, Kernel, Startup, heap, say, service};
use timer_interface::TimerClient;

isthmus_runtime::entry!(main);

/// What is waited for, in microseconds: the last is several shots of the PIT.
const WAITS_US: [u64; 8] = [0, 1, 100, 1_000, 5_000, 20_000, 60_000, 200_000];

fn main(startup: &'static Startup) -> ! {
    let (timer, event) = match timer(startup) {
        Ok(timer) => timer,
        Err(missing) => {
            say!("{missing}");
            isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
        }
    };
    match timer.attach() {
        Ok(()) => say!("attached"),
        Err(error) => say!("not attached: {error}"),
    }
    let before = heap::allocations();
    for wait in WAITS_US.map(Duration::from_micros) {
        let deadline = time::now() + wait;
        if let Err(refused) = timer.arm(deadline.ticks()) {
            say!("not armed: {refused}");
        }
        let woken = wait_for(event);
        if woken < deadline {
            say!("EARLY by {:?}", deadline.since(woken));
        }
        say!("waited {wait:?}: late by {:?}", woken.since(deadline));
    }
    disarmed(&timer, event);
    say!("allocations: {}", heap::allocations() - before);
    defmt::info!("done with {=usize} waits", WAITS_US.len());
    say!("done");
    loop {
        let _ = service::wait();
    }
}

fn timer(
    startup: &'static Startup,
) -> Result<(TimerClient<Kernel>, EventBit), isthmus_runtime::abi::startup::Missing<'static>> {
    let endpoint = startup.endpoint("timer")?;
    Ok((TimerClient::new(Kernel, endpoint), startup.event("timer")?))
}

fn wait_for(event: EventBit) -> Instant {
    while !service::wait().contains(event) {}
    time::now()
}

/// A deadline that was taken away does not ring, and one that replaces another rings once.
fn disarmed(timer: &TimerClient<Kernel>, event: EventBit) {
    let soon = Duration::from_millis(5);
    let later = Duration::from_millis(30);
    let start = time::now();
    let armed = timer
        .arm((start + soon).ticks())
        .and_then(|()| timer.disarm())
        .and_then(|()| timer.arm((start + later).ticks()));
    if let Err(refused) = armed {
        say!("not armed: {refused}");
    }
    let woken = wait_for(event);
    let verdict = if woken < start + later {
        "EARLY"
    } else {
        "in time"
    };
    say!("replaced deadline: {verdict}");
}
