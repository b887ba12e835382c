//! virtio devices on PCI: the network card, whose driver gets the pages with virtio's structures, and the entropy source, which the root task asks itself. The root
//! task alone reads and writes configuration space and the card's MSI-X table: whoever writes an entry there writes to an address of his choice.

use core::fmt;
use core::ptr::NonNull;

use isthmus_abi::startup;
use pci::msix::{self, Msix, MsixError};
use pci::virtio::{self, Structures, VirtioError};
use pci::{BarError, Bars, ConfigurationSpace, Function, Register, Window};
use sel4::{Word, cap, init_thread};
use virtio_device::{DeviceType, PciPlaces, Registers};

use super::{Giving, Machine, irq_control};
use crate::error::{Error, Result};
use crate::objects::Objects;
use builder::{Access, PAGE};

/// Ports of configuration mechanism 1 (PCI Local Bus 3.0, 3.2.2.3.2); q35 has them too.
const CONFIG_ADDRESS: u16 = 0xcf8;
const CONFIG_DATA: u16 = 0xcfc;
/// The entry of the MSI-X table that both queues of a card raise.
const ENTRY: u16 = 0;
/// Pages that a device's structures lie in, at most: one for each.
const PAGES: usize = 4;

/// Why a device that is there cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadDevice {
    /// Its base address registers.
    Bars(BarError),
    /// Its virtio structures.
    Structures(VirtioError),
    /// Its interrupts.
    Msix(MsixError),
    /// Its MSI-X table shares a page with what the driver needs.
    TableShared,
}

impl fmt::Display for BadDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bars(error) => error.fmt(f),
            Self::Structures(error) => error.fmt(f),
            Self::Msix(error) => error.fmt(f),
            Self::TableShared => {
                f.write_str("the MSI-X table shares a page with the driver's registers")
            }
        }
    }
}

impl From<BarError> for Error {
    fn from(error: BarError) -> Self {
        Self::BadDevice(BadDevice::Bars(error))
    }
}

impl From<VirtioError> for Error {
    fn from(error: VirtioError) -> Self {
        Self::BadDevice(BadDevice::Structures(error))
    }
}

impl From<MsixError> for Error {
    fn from(error: MsixError) -> Self {
        Self::BadDevice(BadDevice::Msix(error))
    }
}

/// Configuration space through the two ports. What the kernel refuses reads as what is not there.
struct Ports(cap::IOPort);

impl ConfigurationSpace for Ports {
    fn read(&mut self, function: Function, register: Register) -> u32 {
        let address = pci::config_address(function, register);
        match self.0.ioport_out32(CONFIG_ADDRESS, address) {
            Ok(()) => self.0.ioport_in32(CONFIG_DATA).unwrap_or(u32::MAX),
            Err(_) => u32::MAX,
        }
    }

    fn write(&mut self, function: Function, register: Register, value: u32) {
        let address = pci::config_address(function, register);
        if self.0.ioport_out32(CONFIG_ADDRESS, address).is_ok() {
            let _ = self.0.ioport_out32(CONFIG_DATA, value);
        }
    }
}

/// Gives the next network card that nobody has yet.
///
/// # Errors
/// [`Error::NoDevice`], [`Error::BadDevice`], or what the kernel refuses.
pub fn give(machine: &mut Machine, giving: &mut Giving<'_>) -> Result<startup::VirtioNet> {
    let mut space = Ports(init_thread::slot::IO_PORT_CONTROL.cap());
    let (function, _) = pci::functions(&mut space)
        .filter(|(_, identity)| *identity == virtio::NETWORK)
        .nth(machine.cards_given)
        .ok_or(Error::NoDevice("virtio network card"))?;
    machine.cards_given += 1;

    let bars = Bars::read(&mut space, function)?;
    let structures = Structures::find(&mut space, function, &bars)?;
    let msix = Msix::find(&mut space, function, &bars)?;
    pci::enable(&mut space, function);

    let mut pages = Pages::default();
    let mut place = |window| pages.place(window, |physical| giving.registers(physical, PAGE));
    let common = place(structures.common.window)?;
    let notify = place(structures.notify.window)?;
    let isr = place(structures.isr.window)?;
    let device = place(structures.configuration()?.window)?;
    if pages.find(msix.table.address).is_some() {
        return Err(Error::BadDevice(BadDevice::TableShared));
    }

    let vector = machine.vector()?;
    let [bus, device_number, function_number] =
        [function.bus(), function.device(), function.function()].map(Word::from);
    let interrupt = giving.interrupt(|slot| {
        irq_control().irq_control_get_msi(bus, device_number, function_number, 0, vector, slot)
    })?;
    msix.enable_masked(&mut space)?;
    write_entry(giving, msix.table, vector)?;
    msix.enable(&mut space)?;
    Ok(startup::VirtioNet::Pci {
        common,
        notify,
        notify_multiplier: structures.notify_multiplier,
        isr,
        device,
        msix_entry: ENTRY,
        interrupt,
    })
}

/// The registers of the first entropy source, mapped for the root task; `None`: there is none. Without an interrupt, which nobody would take.
///
/// # Errors
/// [`Error::BadDevice`], or what the kernel refuses.
pub fn entropy_source(
    _: &mut Machine,
    objects: &mut Objects,
    window: &mut builder::Window,
) -> Result<Option<Registers>> {
    let mut space = Ports(init_thread::slot::IO_PORT_CONTROL.cap());
    let found = pci::functions(&mut space).find(|(_, it)| virtio::ENTROPY.contains(it));
    let Some((function, _)) = found else {
        return Ok(None);
    };
    let bars = Bars::read(&mut space, function)?;
    let structures = Structures::find(&mut space, function, &bars)?;
    pci::enable(&mut space, function);
    let mut pages = Pages::default();
    let mut place = |structure: virtio::Place| {
        let seen = pages.place(structure.window, |physical| {
            let frame = objects.device_page(physical)?;
            Ok(window.keep(objects, &[frame], Access::Device)?)
        });
        seen.map(|seen| NonNull::new(seen as *mut u8).expect("the window does not begin at 0"))
    };
    let places = PciPlaces {
        common: place(structures.common)?,
        notify: place(structures.notify)?,
        notify_multiplier: structures.notify_multiplier,
        isr: place(structures.isr)?,
        device: None,
        msix_entry: None,
    };
    // SAFETY: the pages are mapped for good, as device memory, and the root task gives them to nobody else: each is had once.
    let registers = unsafe { Registers::pci(DeviceType::EntropySource, places) };
    Ok(Some(registers))
}

/// Lets the card's table entry send `vector`.
fn write_entry(giving: &mut Giving<'_>, table: Window, vector: Word) -> Result<()> {
    /// What the processor's vectors for devices begin with (`IRQ_OFFSET` of libsel4).
    const FIRST_VECTOR: Word = 0x30;
    let within = table.address % PAGE;
    let frame = giving.objects.device_page(table.address - within)?;
    let page = giving
        .window
        .keep(giving.objects, &[frame], Access::Device)?;
    // Vectors are below 108, so this fits a byte.
    let words = msix::entry((FIRST_VECTOR + vector) as u8);
    for (index, word) in words.into_iter().enumerate() {
        let offset = within + u64::from(ENTRY) * msix::ENTRY_BYTES + index as u64 * 4;
        if offset + 4 <= PAGE {
            // SAFETY: the table lies in its BAR (checked by `Msix::find`) and this word of its first entry in the page mapped just now.
            unsafe { ((page + offset) as *mut u32).write_volatile(word) };
        } else {
            return Err(MsixError::OutsideBar.into());
        }
    }
    Ok(())
}

/// The pages of device memory that a driver has got, each mapped once.
#[derive(Default)]
struct Pages(heapless::Vec<(u64, u64), PAGES>);

impl Pages {
    /// Where the driver sees the page at physical `address`, if it has it.
    fn find(&self, address: u64) -> Option<u64> {
        let page = address - address % PAGE;
        self.0
            .iter()
            .find(|(physical, _)| *physical == page)
            .map(|(_, seen)| *seen)
    }

    /// Has the page mapped that `window` begins in, by its physical address; answers where the driver sees the window's first byte.
    fn place(&mut self, window: Window, map: impl FnOnce(u64) -> Result<u64>) -> Result<u64> {
        let within = window.address % PAGE;
        if let Some(seen) = self.find(window.address) {
            return Ok(seen + within);
        }
        let physical = window.address - within;
        let seen = map(physical)?;
        // One for each structure: there is room.
        let _ = self.0.push((physical, seen));
        Ok(seen + within)
    }
}
