//! What the drivers of virtio devices share (Virtual I/O Device 1.2): a device's registers over PCI, without its configuration space, or in a virtio-mmio slot
//! ([`Registers`]), and the program's one region of memory for DMA ([`memory`]). Queues are `virtio-drivers`'.
//!
//! What it never does: look for devices (the root task does, with `pci`), or know what a device is for.
//!
//! Read next: [`Registers`]; `virtio-net` and `virtio-rng`, which use it; `docs/network.md`.
#![no_std]

#[cfg(feature = "fake")]
pub mod fake;
pub mod memory;
mod pci;
mod registers;

pub use memory::{DmaMemory, Memory, MemoryError};
pub use pci::{PciFault, PciPlaces, PciRegisters};
pub use registers::{Registers, RegistersError};
pub use virtio_drivers::transport::DeviceType;

use virtio_drivers::transport::{DeviceStatus, Transport};

/// The modern interface (6).
pub const FEATURE_VERSION_1: u64 = 1 << 32;
/// How often a reset is looked for. The devices that we know are reset by the time the write returns.
const RESET_LOOKS: usize = 1000;

/// Why a device does not come up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It stays in reset.
    Reset,
    /// It lacks a feature that is needed, or refuses to be used with those alone.
    Features,
}

/// Resets a device: it uses none of the memory that it was given any more.
///
/// # Errors
/// [`Refusal::Reset`].
pub fn reset(transport: &mut impl Transport) -> Result<(), Refusal> {
    transport.set_status(DeviceStatus::empty());
    let reset = (0..RESET_LOOKS).any(|_| transport.get_status().is_empty());
    reset.then_some(()).ok_or(Refusal::Reset)
}

/// Device initialisation (3.1.1) up to the agreement on `features`, exactly these. Then come the queues, and `finish_init`.
///
/// # Errors
/// [`Refusal`].
pub fn negotiate(transport: &mut impl Transport, features: u64) -> Result<(), Refusal> {
    reset(transport)?;
    let known = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER;
    transport.set_status(known);
    if transport.read_device_features() & features != features {
        transport.set_status(DeviceStatus::FAILED);
        return Err(Refusal::Features);
    }
    transport.write_driver_features(features);
    transport.set_status(known | DeviceStatus::FEATURES_OK);
    if !transport.get_status().contains(DeviceStatus::FEATURES_OK) {
        transport.set_status(DeviceStatus::FAILED);
        return Err(Refusal::Features);
    }
    Ok(())
}
