//! A component that does nothing but say that it runs: what starting and stopping one costs.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::abi::startup::PLAIN_EVENT;
use isthmus_runtime::{Startup, sel4, service, slots};

isthmus_runtime::entry!(main);

fn main(startup: &'static Startup) -> ! {
    // Whoever waits for it: the description has one [[event]] from here.
    for signal in startup.signals.iter().filter(|s| s.about == PLAIN_EVENT) {
        slots::cap::<sel4::cap_type::Notification>(signal.slot).signal();
    }
    loop {
        let _ = service::wait();
    }
}
