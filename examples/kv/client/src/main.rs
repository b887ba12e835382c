//! The demonstration's client: looks the key-value server up by name, calls it, and judges the answers.
//!
//! It does not know where the server is: the program is the same beside the server and on another machine. Machine arguments:
//! `calls=N` numbered calls (default 100); `on-failure=retry`: after a call without an answer it checks that the outcome told
//! the truth, looks the name up again, and goes on; `marker=TEXT`: the text is also put, got, and looked up as a name, for whoever
//! looks for it on the wire. It says its story in lines that begin with `demo:` (`docs/testing.md`).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod calls;
mod judge;
mod times;

use alloc::string::String;
use core::fmt;

use isthmus_runtime::{Startup, say, service, time};

use crate::calls::Calls;
use crate::times::Millis;

isthmus_runtime::entry!(main);

/// Numbered calls, unless the machine's arguments say otherwise.
const CALLS: u32 = 100;

/// What to do when a call has no answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// The demonstration has failed.
    Stop,
    /// Look the server up again, and go on.
    Retry,
}

fn main(startup: &'static Startup) -> ! {
    match run(startup) {
        Ok(summary) => say!("demo: ok {summary}"),
        Err(reason) => say!("demo: failed: {reason}"),
    }
    loop {
        let _ = service::wait();
    }
}

/// Why the demonstration failed.
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A [`Failure`], like `format!`.
macro_rules! failure {
    ($($argument:tt)*) => {
        $crate::Failure(::alloc::format!($($argument)*))
    };
}
pub(crate) use failure;

fn run(startup: &'static Startup) -> Result<judge::Summary, Failure> {
    let machine = &startup.machine;
    let calls = match machine.argument("calls") {
        None => CALLS,
        Some(text) => text
            .parse()
            .map_err(|_| failure!("calls={text} is not a number"))?,
    };
    let on_failure = match machine.argument("on-failure") {
        None | Some("stop") => OnFailure::Stop,
        Some("retry") => OnFailure::Retry,
        Some(other) => return Err(failure!("on-failure={other} is neither stop nor retry")),
    };
    say!(
        "demo: looking for `{}`, from machine {} of {}",
        calls::NAME,
        machine.node,
        machine.nodes
    );
    let start = time::now();
    let mut kv = Calls::find(startup)?;
    say!("demo: found it after {}", Millis(time::now() - start));
    judge::story(&mut kv)?;
    if let Some(marker) = machine.argument("marker") {
        judge::marked(&mut kv, marker)?;
    }
    judge::many(&mut kv, calls, on_failure)
}
