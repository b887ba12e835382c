//! Clients of a server that is killed in the middle of a call: each says what became of its call. Then the server is there again, behind the
//! same capability.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::abi::{Label, Name};
use isthmus_runtime::sel4;
use isthmus_runtime::{Duration, Events, Kernel, Startup, Thread, say, service, thread, time};
use processes_programs::{DIE, GREET, HANG, MORTAL, SAVE, ask, scheduler, tell};
use scheduler_interface::{Condition, ProcessClient};

isthmus_runtime::entry!(main);

/// The calls before the death, in this order, by a thread each.
const CALLS: [(&str, Label); 4] = [
    ("saved", SAVE),
    ("owed", HANG),
    ("queued", GREET),
    ("queued too", GREET),
];
/// Turns given to others between one call and the next.
const TURNS: u32 = 20;
/// How long a restart may take, back-off and all.
const PATIENCE: Duration = Duration::from_secs(20);

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
    let name = Name::new(MORTAL).map_err(|_| "no name")?;
    let process = scheduler.open(name).map_err(|_| "no process capability")?;
    let process = ProcessClient::new(Kernel, process.into_slot());
    tell("alive", GREET);

    let mut waiting = Events::NONE;
    for index in 0..CALLS.len() {
        let thread = Thread::spawn(index + 1, one_call, index).map_err(|_| "no thread")?;
        waiting = waiting.union(Events::from_badge(thread.event().badge()));
        // One call after the other: all threads here have one priority.
        for _ in 0..TURNS {
            sel4::r#yield();
        }
    }
    let before = process.report().map_err(|_| "no report")?;
    process.kill().map_err(|_| "not killed")?;
    let after = process.report().map_err(|_| "no report")?;
    say!(
        "{} -> {}: {}",
        before.condition,
        after.condition,
        after.last.ok_or("no end is reported")?.how
    );
    tell("later", GREET);
    let mut done = Events::NONE;
    while done != waiting {
        done = done.union(service::wait());
    }
    say!("nobody waits");
    again(&process, before.starts + 1)?;
    // Killed by itself this time; and somebody waits for its end.
    tell("fault", DIE);
    let ended = process.wait().map_err(|_| "no end")?;
    say!("start {} ended: {}", ended.start, ended.how);
    again(&process, before.starts + 2)?;
    process.stop().map_err(|_| "not stopped")?;
    tell("stopped", GREET);
    let report = process.report().map_err(|_| "no report")?;
    match report.condition {
        Condition::Ended => Ok(()),
        _ => Err("it is not ended after a stop"),
    }
}

/// Waits for the restart, and calls through the capability that was there from the beginning.
fn again(process: &ProcessClient<Kernel>, start: u32) -> Result<(), &'static str> {
    let until = time::now() + PATIENCE;
    loop {
        let report = process.report().map_err(|_| "no report")?;
        if report.starts == start && report.condition == Condition::Running {
            break;
        }
        if time::now() > until {
            return Err("it is not started again");
        }
        sel4::r#yield();
    }
    match ask(GREET) {
        Ok(()) => {
            say!("start {start}: answered through the old capability");
            Ok(())
        }
        Err(_) => Err("the new one does not answer"),
    }
}

fn one_call(index: usize) -> ! {
    let (name, label) = CALLS[index];
    tell(name, label);
    thread::signal_main();
    loop {
        thread::wait();
    }
}
