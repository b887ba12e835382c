//! What the server `hello` can be asked: the smallest interface that says something.
//!
//! `hello-server` and `hello-client` are the smallest programs on both sides of it. A workspace of your own with the same in it, and with tests, is written by
//! `isthmus new`; the way there is `docs/guide-component.md`.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_interface::{error_codes, interface};

/// Who is greeted.
pub type Guest = heapless::String<32>;

error_codes! {
    /// Why the server refuses.
    pub enum HelloError {
        /// The guest has no name.
        Nameless = 1, "who has no name is not greeted";
    }
}

/// Greets guests, and counts.
#[interface(name = "hello")]
pub trait Hello {
    /// Greets a guest; answers how many were greeted so far.
    #[method(0)]
    fn greet(&mut self, guest: Guest) -> Result<u64, HelloError>;
}
