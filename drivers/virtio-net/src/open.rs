//! From the start-up block's words to a running card.
use core::fmt;
use core::ptr::NonNull;

use isthmus_abi::layout::{DEVICES, DMA, END, PAGE_BYTES};
use isthmus_abi::startup::{Missing, RegionKind, VirtioNet};
use isthmus_abi::{Startup, startup};

use virtio_device::{DeviceType, DmaMemory, PciPlaces, Registers, RegistersError};

use crate::card::{Card, CardError};

/// Why the component's card cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The description does not grant what a card needs.
    Missing(Missing<'static>),
    /// The start-up block names an address that is no device's or no memory for DMA.
    Misplaced(u64),
    /// What is at the registers' address is no card that we can drive.
    Registers(RegistersError),
    /// The card does not come up.
    Card(CardError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Misplaced(address) => write!(f, "{address:#x} is no device's address"),
            Self::Registers(error) => error.fmt(f),
            Self::Card(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OpenError {}

impl From<Missing<'static>> for OpenError {
    fn from(error: Missing<'static>) -> Self {
        Self::Missing(error)
    }
}

impl From<RegistersError> for OpenError {
    fn from(error: RegistersError) -> Self {
        Self::Registers(error)
    }
}

impl From<CardError> for OpenError {
    fn from(error: CardError) -> Self {
        Self::Card(error)
    }
}

/// Opens the card that the component was given, once; answers its interrupt too.
///
/// # Errors
/// [`OpenError`].
pub fn open(startup: &Startup) -> Result<(Card, startup::Interrupt), OpenError> {
    let device = startup.virtio_net()?;
    let memory = startup.region(RegionKind::Dma, "dma")?;
    let memory = DmaMemory {
        address: within(memory.address, memory.bytes, DMA, END)?,
        physical: memory.physical,
        bytes: memory.bytes as usize,
    };
    let (registers, interrupt) = registers(device)?;
    // SAFETY: the window for DMA memory holds nothing but what the root task mapped there, physically contiguous and for ever, or nothing at
    // all (then the first access faults); no other Rust object lies there, and a second card is refused.
    let card = unsafe { Card::new(registers, memory)? };
    Ok((card, interrupt))
}

fn registers(device: VirtioNet) -> Result<(Registers, startup::Interrupt), OpenError> {
    match device {
        VirtioNet::Pci {
            common,
            notify,
            notify_multiplier,
            isr,
            device,
            msix_entry,
            interrupt,
        } => {
            let places = PciPlaces {
                common: register(common)?,
                notify: register(notify)?,
                notify_multiplier,
                isr: register(isr)?,
                device: Some(register(device)?),
                msix_entry: Some(msix_entry),
            };
            // SAFETY: the window for devices holds nothing but device memory, in whole pages, or nothing at all; this program drives one
            // card (`Card::new` refuses a second).
            Ok((
                unsafe { Registers::pci(DeviceType::Network, places) },
                interrupt,
            ))
        }
        VirtioNet::Mmio {
            registers,
            interrupt,
        } => {
            // SAFETY: as above; a slot lies within its page because it is aligned to its size.
            let registers = unsafe { Registers::mmio(DeviceType::Network, register(registers)?)? };
            Ok((registers, interrupt))
        }
    }
}

/// An address in the window for devices.
fn register(address: u64) -> Result<NonNull<u8>, OpenError> {
    within(address, PAGE_BYTES - address % PAGE_BYTES, DEVICES, DMA)
}

/// An address whose `bytes` bytes lie between `start` and `end`.
fn within(address: u64, bytes: u64, start: u64, end: u64) -> Result<NonNull<u8>, OpenError> {
    let inside = address >= start && address.checked_add(bytes).is_some_and(|last| last <= end);
    let pointer = NonNull::new(address as *mut u8).filter(|_| inside);
    pointer.ok_or(OpenError::Misplaced(address))
}
