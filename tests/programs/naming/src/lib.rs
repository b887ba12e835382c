//! The calls of the owner of names, which the tester asks to do what only an owner can do: give a directory away, and die.
#![no_std]
#![forbid(unsafe_code)]

use core::time::Duration;

use isthmus_runtime::interface::{error_codes, interface};

/// The owner's cluster-wide name.
pub const OWNER: &str = "owner";
/// The owner's directory.
pub const SHARED: &str = "shared";
/// The lease of [`OWNER`]: renewed after a third, so a busy host may stop a machine for two thirds.
pub const LEASE: Duration = Duration::from_secs(3);

error_codes! {
    /// Why the owner does not do it.
    pub enum OwnerError {
        /// Naming refuses.
        Refused = 1, "naming refuses";
    }
}

interface! {
    /// An owner of names.
    pub interface Owner as "owner", client OwnerClient, error OwnerError {
        /// The machine that it is on.
        0 => call node() -> u8;
        /// A capability to change [`SHARED`] by.
        1 => call share() gives capability;
        /// Dies. It does not answer.
        2 => send die();
    }
}
