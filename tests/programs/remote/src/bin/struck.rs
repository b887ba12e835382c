//! A client whose server's machine is killed at every point of a call's way: says what became of each call, and goes on when the machine is back.
//!
//! It judges only what it can know: that calls are answered rightly before and after. Whether an outcome is true, the test judges, which knows what it has
//! killed and what the server said.
#![no_std]
#![no_main]

use isthmus_runtime::abi::Outcome;
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{Duration, Startup, say, service, time};
use remote_interface::{Call, Hold, Point, answer_to};
use remote_programs::{Failure, Finder, Server, failure};

isthmus_runtime::entry!(main);

/// Between two attempts to reach a machine that is not back yet.
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// Attempts, each with a look-up that waits until the server is there: the machine may be killed but once for each point.
const ATTEMPTS: u64 = 10;

fn main(startup: &'static Startup) -> ! {
    match all(startup) {
        Ok(()) => say!("demo: ok every call ended, and every machine was found again"),
        Err(reason) => say!("demo: failed: {reason}"),
    }
    loop {
        let _ = service::wait();
    }
}

fn all(startup: &'static Startup) -> Result<(), Failure> {
    let finder = Finder::new(startup)?;
    Point::ALL
        .into_iter()
        .try_for_each(|point| one(&finder, point))
}

fn one(finder: &Finder, point: Point) -> Result<(), Failure> {
    let name = point.name();
    let server = finder.find()?;
    run(&server, point.request(Call::Before, 0), Hold::Nowhere)?
        .map_err(|outcome| failure!("{name}: the call before: {outcome}"))?;
    told(name, "struck", || {
        run(&server, point.request(Call::Struck, 0), point.hold())
    })?;
    told(name, "after", || {
        run(&server, point.request(Call::After, 0), Hold::Nowhere)
    })?;
    drop(server);
    told(name, "look-up", || match finder.look() {
        Ok(_) => Ok(Ok(())),
        Err(CallError::Outcome(outcome)) => Ok(Err(outcome)),
        Err(error) => Err(failure!("{name}: the look-up: {error}")),
    })?;
    again(finder, point)
}

/// Makes a call and says what became of it, and after how long by this machine's clock.
fn told(
    point: &str,
    which: &str,
    call: impl FnOnce() -> Result<Result<(), Outcome>, Failure>,
) -> Result<(), Failure> {
    let start = time::now();
    let result = call()?;
    let took = time::now() - start;
    match result {
        Ok(()) => say!("{point} {which}: answered after {} us", took.as_micros()),
        Err(outcome) => say!("{point} {which}: {outcome:?} after {} us", took.as_micros()),
    }
    Ok(())
}

/// A new look-up and a call, until it is answered.
fn again(finder: &Finder, point: Point) -> Result<(), Failure> {
    let name = point.name();
    let mut last = None;
    for turn in 0..ATTEMPTS {
        let server = finder.find()?;
        match run(&server, point.request(Call::Again, turn), Hold::Nowhere)? {
            Ok(()) => {
                say!("{name} again: answered, attempt {}", turn + 1);
                return Ok(());
            }
            Err(outcome) => last = Some(outcome),
        }
        finder.pause.sleep(TRY_AGAIN);
    }
    match last {
        Some(outcome) => Err(failure!(
            "{name}: the last of {ATTEMPTS} calls again: {outcome}"
        )),
        None => Err(failure!("{name}: nothing was called again")),
    }
}

/// A call that is answered rightly, or ends with an outcome.
fn run(server: &Server, request: u64, hold: Hold) -> Result<Result<(), Outcome>, Failure> {
    match server.calls().run(request, hold) {
        Ok(answer) if answer == answer_to(request) => Ok(Ok(())),
        Ok(answer) => Err(failure!("request {request} was answered with {answer}")),
        Err(CallError::Outcome(outcome)) => Ok(Err(outcome)),
        Err(CallError::Interface(never)) => match never {},
    }
}
