//! The lamp's driver: the pin that the description grants, and the interface over it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::{ExitCode, Service, Startup, calls, devices, exit, say};
use lamp_interface::lamp;
use lamp_logic::OnPin;

isthmus_runtime::entry!(main);

fn main(_startup: &'static Startup) -> ! {
    let pin = match devices::pin() {
        Ok(pin) => pin,
        Err(error) => {
            say!("{error}");
            exit(ExitCode::FAILURE)
        }
    };
    let Some(service) = Service::get() else {
        say!("nothing to serve: add `serves = [\"lamp\"]` to the description");
        exit(ExitCode::FAILURE)
    };
    calls::run(service, &mut OnPin(pin), lamp::dispatch)
}
