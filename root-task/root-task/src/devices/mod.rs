//! Devices: found in this machine, and given to the component that the description names. One file for each kind; a driver's registers,
//! ports and interrupts are all that its component gets. The entropy source is no component's: the root task asks it, once.

mod console;
mod entropy_source;
mod gpio;
#[cfg(target_arch = "x86_64")]
mod pc;
mod timer;
#[cfg(target_arch = "aarch64")]
mod virt;
#[cfg(target_arch = "aarch64")]
mod virtio_mmio;
#[cfg(target_arch = "x86_64")]
mod virtio_pci;

#[cfg(target_arch = "aarch64")]
use virtio_mmio as virtio;
#[cfg(target_arch = "x86_64")]
use virtio_pci as virtio;

use isthmus_abi::startup::{self, Interrupt};
use isthmus_abi::{EventBit, layout};
use isthmus_plan::plan::{Device, DeviceKind};
use sel4::{CapRights, cap, init_thread};

use crate::error::Result;
use crate::objects::{Objects, place};
use builder::Body;
use builder::Doing;
use builder::{Access, PAGE, Supply, Window};

#[cfg(target_arch = "x86_64")]
pub use virtio_pci::BadDevice;

pub use console::open as open_console;
pub use entropy_source::draw as draw_entropy;
pub use timer::counter_hz;

/// What this machine has, and who has it already.
pub struct Machine {
    /// Ticks of the counter in a second.
    pub counter_hz: u64,
    /// The serial line's registers, which the root task has mapped for itself.
    #[cfg(target_arch = "aarch64")]
    pub serial: cap::Granule,
    #[cfg(target_arch = "x86_64")]
    next_vector: sel4::Word,
    /// Network cards that have their driver.
    cards_given: usize,
    /// The pages of virtio-mmio slots that were looked at, and where the root task sees each.
    #[cfg(target_arch = "aarch64")]
    virtio_pages: [Option<(cap::Granule, u64)>; virtio_mmio::PAGES],
}

impl Machine {
    /// Gives `device` to `body`, and says where it lies.
    ///
    /// # Errors
    /// [`crate::error::Error::NoDevice`], or whatever fails on the way.
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
            DeviceKind::Gpio => gpio::give(&mut giving).map(startup::Device::Gpio),
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
        let notification = self.body.lasting.badged_notification(self.objects, bit)?;
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
