//! A component that does nothing but say that it runs: what starting and stopping one costs.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::{Startup, grants, service};

isthmus_runtime::entry!(main);

/// Who waits for it.
const CYCLER: &str = "cycler";

fn main(_startup: &'static Startup) -> ! {
    if let Ok(cycler) = grants::signal(CYCLER) {
        cycler.signal();
    }
    loop {
        let _ = service::wait();
    }
}
