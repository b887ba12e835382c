//! A component that panics, after a line of its log.
#![no_std]
#![no_main]

use isthmus_runtime::Startup;

isthmus_runtime::entry!(main);

fn main(startup: &'static Startup) -> ! {
    defmt::info!("component {=u8} is about to panic", startup.id.0);
    panic!("on purpose");
}
