//! What the server `@NAME@` can be asked. The attribute makes `@TRAIT@Client` for clients and `@MODULE@::dispatch` for the server.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_interface::{error_codes, interface};

/// Who is greeted.
pub type Guest = heapless::String<32>;

error_codes! {
    /// Why the server refuses.
    pub enum @TRAIT@Error {
        /// The guest has no name.
        Nameless = 1, "who has no name is not greeted";
    }
}

/// Greets guests, and counts.
#[interface(name = "@NAME@")]
pub trait @TRAIT@ {
    /// Greets a guest; answers how many were greeted so far.
    #[method(0)]
    fn greet(&mut self, guest: Guest) -> Result<u64, @TRAIT@Error>;
}
