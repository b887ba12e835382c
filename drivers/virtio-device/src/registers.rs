//! The two ways to reach a device's registers, as one transport.
use core::fmt;
use core::ptr::NonNull;

use virtio_drivers::transport::mmio::{MmioError, MmioTransport, MmioVersion, VirtIOHeader};
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{PhysAddr, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::pci::{PciFault, PciPlaces, PciRegisters};

/// Bytes of a virtio-mmio slot on QEMU's `virt`.
const MMIO_BYTES: usize = 0x200;

/// A device's registers.
pub enum Registers {
    /// On PCI.
    Pci(PciRegisters),
    /// In a virtio-mmio slot.
    Mmio(MmioTransport<'static>),
}

/// Why registers cannot be used.
#[derive(Clone, Debug)]
pub enum RegistersError {
    /// What is there is no virtio device.
    Mmio(MmioError),
    /// The slot has the legacy interface: start QEMU with `-global virtio-mmio.force-legacy=false`.
    Legacy,
    /// It is another device than was looked for.
    Other {
        /// What was looked for.
        wanted: DeviceType,
        /// What is there.
        found: DeviceType,
    },
}

impl fmt::Display for RegistersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mmio(error) => write!(f, "no virtio device: {error}"),
            Self::Legacy => f.write_str("the virtio-mmio slot has the legacy interface: start QEMU with -global virtio-mmio.force-legacy=false"),
            Self::Other { wanted, found } => write!(f, "not a {wanted:?} device but {found:?}"),
        }
    }
}

impl core::error::Error for RegistersError {}

impl Registers {
    /// A device on PCI.
    ///
    /// # Safety
    /// As for [`PciRegisters::new`].
    #[must_use]
    pub const unsafe fn pci(kind: DeviceType, places: PciPlaces) -> Self {
        // SAFETY: the caller's promise.
        Self::Pci(unsafe { PciRegisters::new(kind, places) })
    }

    /// A `kind` of device in the virtio-mmio slot at `registers`.
    ///
    /// # Errors
    /// [`RegistersError`].
    ///
    /// # Safety
    /// The slot's 512 bytes must be mapped there as device memory, for ever, and nobody else may use them.
    pub unsafe fn mmio(
        kind: DeviceType,
        registers: NonNull<u8>,
    ) -> core::result::Result<Self, RegistersError> {
        let header = registers.cast::<VirtIOHeader>();
        // SAFETY: the caller's promise; a slot is aligned to its size.
        let transport = unsafe { MmioTransport::new(header, MMIO_BYTES) };
        let transport = transport.map_err(RegistersError::Mmio)?;
        match (transport.version(), transport.device_type()) {
            (MmioVersion::Legacy, _) => Err(RegistersError::Legacy),
            (_, found) if found == kind => Ok(Self::Mmio(transport)),
            (_, found) => Err(RegistersError::Other {
                wanted: kind,
                found,
            }),
        }
    }

    /// What went wrong in setting up the queues, if anything.
    #[must_use]
    pub const fn fault(&self) -> Option<PciFault> {
        match self {
            Self::Pci(pci) => pci.fault(),
            Self::Mmio(_) => None,
        }
    }

    /// Acknowledges the interrupt at the device, where it must be.
    pub fn acknowledge(&mut self) {
        if let Self::Mmio(mmio) = self {
            mmio.ack_interrupt();
        }
    }
}

/// Calls the same method of whichever it is.
macro_rules! either {
    ($self:ident, $transport:ident => $call:expr) => {
        match $self {
            Registers::Pci($transport) => $call,
            Registers::Mmio($transport) => $call,
        }
    };
}

impl Transport for Registers {
    fn device_type(&self) -> DeviceType {
        either!(self, t => t.device_type())
    }

    fn read_device_features(&mut self) -> u64 {
        either!(self, t => t.read_device_features())
    }

    fn write_driver_features(&mut self, features: u64) {
        either!(self, t => t.write_driver_features(features));
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        either!(self, t => t.max_queue_size(queue))
    }

    fn notify(&mut self, queue: u16) {
        either!(self, t => t.notify(queue));
    }

    fn get_status(&self) -> DeviceStatus {
        either!(self, t => t.get_status())
    }

    fn set_status(&mut self, status: DeviceStatus) {
        either!(self, t => t.set_status(status));
    }

    fn set_guest_page_size(&mut self, size: u32) {
        either!(self, t => t.set_guest_page_size(size));
    }

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        either!(self, t => t.queue_set(queue, size, descriptors, driver_area, device_area));
    }

    fn queue_unset(&mut self, queue: u16) {
        either!(self, t => t.queue_unset(queue));
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        either!(self, t => t.queue_used(queue))
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        either!(self, t => t.ack_interrupt())
    }

    fn read_config_generation(&self) -> u32 {
        either!(self, t => t.read_config_generation())
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        either!(self, t => t.read_config_space(offset))
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        offset: usize,
        value: T,
    ) -> Result<()> {
        either!(self, t => t.write_config_space(offset, value))
    }
}
