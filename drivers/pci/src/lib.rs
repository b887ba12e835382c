//! PCI configuration space: finding functions, their base address registers and capabilities, and what virtio and MSI-X put there.
//!
//! Pure: how configuration space is reached is the caller's, behind [`ConfigurationSpace`]. What is read there is not trusted: lists that loop,
//! offsets that lead nowhere and impossible sizes are errors, never a panic, an endless loop or an address outside a BAR.
//!
//! What it never does: assign addresses (the firmware has), map or touch device memory.
//!
//! Read next: [`virtio`]; the root task's `devices` uses all of it.
#![no_std]
#![forbid(unsafe_code)]

mod bar;
mod capability;
mod function;
pub mod msix;
pub mod virtio;

pub use bar::{Bar, BarError, Bars, Window};
pub use capability::{Capabilities, Capability, CapabilityError};
pub use function::{
    ConfigurationSpace, Function, Functions, Identity, Register, config_address, enable, functions,
    identity,
};
