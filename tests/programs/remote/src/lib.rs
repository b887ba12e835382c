//! What the programs of the tests of remote calls share: finding the server, sleeping, and asking the components of their machine what they have
//! allocated. The calls are `remote-interface`'s.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod found;
mod heaps;

use alloc::string::String;
use core::fmt;

pub use found::{Finder, Server};
pub use heaps::machine_allocations;
pub use isthmus_runtime::timer::Pause;

/// Why a test has failed.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A [`Failure`], like `format!`.
#[macro_export]
macro_rules! failure {
    ($($argument:tt)*) => {
        $crate::Failure($crate::format(::core::format_args!($($argument)*)))
    };
}

/// For [`failure!`].
#[doc(hidden)]
#[must_use]
pub fn format(arguments: fmt::Arguments<'_>) -> String {
    alloc::fmt::format(arguments)
}
