//! The calls of the owner of names, which the tester asks to do what only an owner can do: give a directory away, and die.
#![no_std]
#![forbid(unsafe_code)]

pub mod views;

use core::time::Duration;

use isthmus_interface::{Cap, error_codes, interface};
use naming_interface::Naming;

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

/// What a parent gives its child.
#[interface(name = "cell")]
pub trait Cell {
    /// A capability to change the child's directory by.
    #[method(0)]
    fn directory(&mut self) -> Result<Cap<dyn Naming>, OwnerError>;
}

/// An owner of names.
#[interface(name = "owner")]
pub trait Owner {
    /// The machine that it is on.
    #[method(0)]
    fn node(&mut self) -> Result<u8, OwnerError>;

    /// A capability to change [`SHARED`] by.
    #[method(1)]
    fn share(&mut self) -> Result<Cap<dyn Naming>, OwnerError>;

    /// Dies. It does not answer.
    #[method(2)]
    #[one_way]
    fn die(&mut self);
}
