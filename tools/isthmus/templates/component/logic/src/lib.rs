//! What the server `@NAME@` answers.
#![no_std]
#![forbid(unsafe_code)]

use @CRATE@_interface::{Guest, @TRAIT@, @TRAIT@Error};

/// Greets, and counts.
#[derive(Debug, Default)]
pub struct Greeter {
    greeted: u64,
}

impl @TRAIT@ for Greeter {
    fn greet(&mut self, guest: Guest) -> Result<u64, @TRAIT@Error> {
        if guest.is_empty() {
            return Err(@TRAIT@Error::Nameless);
        }
        self.greeted += 1;
        Ok(self.greeted)
    }
}
