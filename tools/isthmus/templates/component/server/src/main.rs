//! The server `@NAME@`: registers its name, and answers. It does not know where its clients are.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use @CRATE@_interface::@MODULE@;
use @CRATE@_logic::Greeter;
use isthmus_runtime::{Never, Startup, names};

isthmus_runtime::entry!(main);

fn main(_startup: &'static Startup) -> Result<Never, names::Error> {
    names::serve("@NAME@", &mut Greeter::default(), @MODULE@::dispatch)
}
