//! Devices: found in this machine, and given to the component that the description names. One file for each kind; a driver's registers,
//! ports and interrupts are all that its component gets.

mod console;
mod timer;
#[cfg(target_arch = "aarch64")]
mod virtio_mmio;
#[cfg(target_arch = "x86_64")]
mod virtio_pci;

#[cfg(target_arch = "aarch64")]
use virtio_mmio as virtio;
#[cfg(target_arch = "x86_64")]
use virtio_pci as virtio;

use isthmus_abi::startup::{self, Interrupt};
use isthmus_abi::{EventBit, Slot, layout};
use isthmus_plan::plan::{Device, DeviceKind};
use sel4::{CapRights, Word, cap, init_thread};

use crate::component::Body;
use crate::error::{Doing, Error, Result};
use crate::objects::{Objects, place};
use crate::space::{Access, PAGE, Window};

#[cfg(target_arch = "x86_64")]
pub use virtio_pci::BadCard;

pub use console::open as open_console;
pub use timer::counter_hz;

/// Interrupt vectors for user space on x86_64, both of the IOAPIC and of MSI.
#[cfg(target_arch = "x86_64")]
const VECTORS: Word = 108;

/// What this machine has, and who has it already.
pub struct Machine {
    /// Ticks of the counter in a second.
    pub counter_hz: u64,
    /// The serial line's registers, which the root task has mapped for itself.
    #[cfg(target_arch = "aarch64")]
    pub serial: cap::Granule,
    #[cfg(target_arch = "x86_64")]
    next_vector: Word,
    /// Network cards that have their driver.
    cards_given: usize,
    /// The pages of virtio-mmio slots that were looked at.
    #[cfg(target_arch = "aarch64")]
    virtio_pages: [Option<cap::Granule>; virtio_mmio::PAGES],
}

impl Machine {
    /// Before anything is given away.
    #[cfg(target_arch = "x86_64")]
    #[must_use]
    pub const fn new(counter_hz: u64) -> Self {
        Self {
            counter_hz,
            next_vector: 0,
            cards_given: 0,
        }
    }

    /// Before anything is given away.
    #[cfg(target_arch = "aarch64")]
    #[must_use]
    pub const fn new(counter_hz: u64, serial: cap::Granule) -> Self {
        Self {
            counter_hz,
            serial,
            cards_given: 0,
            virtio_pages: [None; virtio_mmio::PAGES],
        }
    }

    /// An interrupt vector of its own.
    ///
    /// # Errors
    /// [`Error::OutOfVectors`]
    #[cfg(target_arch = "x86_64")]
    pub fn vector(&mut self) -> Result<Word> {
        let vector = self.next_vector;
        if vector == VECTORS {
            return Err(Error::OutOfVectors);
        }
        self.next_vector += 1;
        Ok(vector)
    }

    /// Gives `device` to `body`, and says where it lies.
    ///
    /// # Errors
    /// [`Error::NoDevice`], or whatever fails on the way.
    pub fn give(
        &mut self,
        objects: &mut Objects,
        window: &mut Window,
        body: &mut Body,
        device: &Device,
    ) -> Result<startup::Device> {
        let mut giving = Giving {
            objects,
            window,
            body,
            device,
        };
        match device.kind {
            DeviceKind::Console => console::give(self, &mut giving).map(startup::Device::Console),
            DeviceKind::Timer => timer::give(self, &mut giving).map(startup::Device::Timer),
            DeviceKind::VirtioNet => {
                virtio::give(self, &mut giving).map(startup::Device::VirtioNet)
            }
        }
    }
}

/// The giving of one device to one component: what the files of this folder work with.
pub struct Giving<'a> {
    /// Where objects come from.
    pub objects: &'a mut Objects,
    /// Where the root task maps what it must write itself.
    pub window: &'a mut Window,
    /// The component.
    pub body: &'a mut Body,
    /// Its slots and its bit for this device.
    pub device: &'a Device,
}

impl Giving<'_> {
    /// Maps device memory at physical `address` (whole pages) for the driver alone; answers where the driver sees it.
    ///
    /// # Errors
    /// [`Error::NoDeviceMemory`]: not there, or given away already.
    pub fn registers(&mut self, address: u64, bytes: u64) -> Result<u64> {
        let start = self.body.next_device;
        for offset in (0..bytes).step_by(PAGE as usize) {
            let frame = self.objects.device_page(address + offset)?;
            self.page(frame)?;
        }
        Ok(start)
    }

    /// Maps one page of device memory that the root task has a frame of already; answers where the driver sees it.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn page(&mut self, frame: cap::Granule) -> Result<u64> {
        let address = self.body.next_device;
        self.body
            .space
            .map(self.objects, frame, address, Access::Device)?;
        self.body.next_device += PAGE;
        Ok(address)
    }

    /// A copy of a frame that the root task keeps for itself, mapped for the driver.
    ///
    /// # Errors
    /// What the kernel refuses.
    #[cfg(target_arch = "aarch64")]
    pub fn shared_page(&mut self, frame: cap::Granule) -> Result<u64> {
        let copy = self.objects.copy(frame.cptr(), CapRights::read_write())?;
        self.page(copy.cast())
    }

    /// Gives the I/O ports `first..=last`.
    ///
    /// # Errors
    /// What the kernel refuses.
    #[cfg(target_arch = "x86_64")]
    pub fn ports(&mut self, first: u16, last: u16) -> Result<Slot> {
        // `io_port_capdata` of the kernel: first port in bits 16 to 31, last port in bits 0 to 15.
        let range = Word::from(first) << 16 | Word::from(last);
        let all = init_thread::slot::IO_PORT_CONTROL.cptr();
        self.body
            .mint(self.device.ports, all, CapRights::all(), range)?;
        Ok(self.device.ports)
    }

    /// Gives an interrupt: `make` puts its handler capability into a slot of the root task's; its signals have the driver's bit for this device.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn interrupt(
        &mut self,
        make: impl FnOnce(&sel4::AbsoluteCPtr) -> sel4::Result<()>,
    ) -> Result<Interrupt> {
        let slot = self.objects.slot()?;
        make(&place(slot)).doing("an interrupt handler")?;
        let handler: cap::IrqHandler = slot.cast();
        let bit: EventBit = self.device.bit;
        let notification = self.body.badged_notification(self.objects, bit)?;
        handler
            .irq_handler_set_notification(notification)
            .doing("an interrupt's notification")?;
        self.body
            .copy(self.device.handler, slot, CapRights::all())?;
        Ok(Interrupt {
            handler: self.device.handler,
            bit,
        })
    }
}

/// Authority over interrupts.
#[must_use]
pub fn irq_control() -> cap::IrqControl {
    init_thread::slot::IRQ_CONTROL.cap()
}

const _: () = assert!(layout::DEVICES.is_multiple_of(PAGE));
