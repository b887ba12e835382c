//! The registers of a virtio device on PCI, mapped one by one, without its configuration space.
use core::ptr::NonNull;

use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{Error, PhysAddr, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Offsets in the common configuration (`virtio_pci_common_cfg`, 4.1.4.3).
mod common {
    pub const DEVICE_FEATURE_SELECT: usize = 0x00;
    pub const DEVICE_FEATURE: usize = 0x04;
    pub const DRIVER_FEATURE_SELECT: usize = 0x08;
    pub const DRIVER_FEATURE: usize = 0x0c;
    pub const MSIX_CONFIG: usize = 0x10;
    pub const DEVICE_STATUS: usize = 0x14;
    pub const CONFIG_GENERATION: usize = 0x15;
    pub const QUEUE_SELECT: usize = 0x16;
    pub const QUEUE_SIZE: usize = 0x18;
    pub const QUEUE_MSIX_VECTOR: usize = 0x1a;
    pub const QUEUE_ENABLE: usize = 0x1c;
    pub const QUEUE_NOTIFY_OFF: usize = 0x1e;
    pub const QUEUE_DESC: usize = 0x20;
    pub const QUEUE_DRIVER: usize = 0x28;
    pub const QUEUE_DEVICE: usize = 0x30;
}

/// No interrupt (`VIRTIO_MSI_NO_VECTOR`).
const NO_VECTOR: u16 = 0xffff;
/// Queues that a driver may use: a network card's receive and transmit.
const QUEUES: usize = 2;
/// Bytes of each structure that are mapped at least: the root task maps whole pages.
const MAPPED: usize = 4096;

/// Where the structures are mapped, and which interrupt to use.
#[derive(Clone, Copy, Debug)]
pub struct PciPlaces {
    /// The common configuration.
    pub common: NonNull<u8>,
    /// The notification area.
    pub notify: NonNull<u8>,
    /// What a queue's notification offset is multiplied by, in bytes.
    pub notify_multiplier: u32,
    /// The interrupt status.
    pub isr: NonNull<u8>,
    /// The device's own configuration, if it has any.
    pub device: Option<NonNull<u8>>,
    /// The entry of the MSI-X table that all queues raise; `None`: the device raises no interrupt, and is looked at.
    pub msix_entry: Option<u16>,
}

/// What went wrong where the crate's interface has no place for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PciFault {
    /// A queue's notification address lies outside the notification area.
    NotifyOutside,
    /// The device has no resources for the interrupt.
    NoVector,
}

/// The device's registers.
#[derive(Debug)]
pub struct PciRegisters {
    kind: DeviceType,
    places: PciPlaces,
    /// Each queue's notification address, known once the queue is set up.
    notify: [Option<NonNull<u16>>; QUEUES],
    fault: Option<PciFault>,
}

impl PciRegisters {
    /// The registers at `places` of a device that is a `kind`, by its PCI identity.
    ///
    /// # Safety
    /// A page of device memory must be mapped from each place's page on, for ever, and nobody else may use it.
    #[must_use]
    pub const unsafe fn new(kind: DeviceType, places: PciPlaces) -> Self {
        Self {
            kind,
            places,
            notify: [None; QUEUES],
            fault: None,
        }
    }

    /// What went wrong in setting up, if anything.
    #[must_use]
    pub const fn fault(&self) -> Option<PciFault> {
        self.fault
    }

    fn read<T: Register>(&self, offset: usize) -> T {
        // SAFETY: the offsets are those of `common`, aligned for their type and within the structure, which is mapped.
        unsafe { self.places.common.add(offset).cast::<T>().read_volatile() }
    }

    fn write<T: Register>(&mut self, offset: usize, value: T) {
        // SAFETY: as in `read`.
        unsafe {
            self.places
                .common
                .add(offset)
                .cast::<T>()
                .write_volatile(value);
        }
    }

    /// A 64-bit address as two halves, as a driver may write it (4.1.3.1).
    fn write_address(&mut self, offset: usize, address: PhysAddr) {
        self.write(offset, address as u32);
        self.write(offset + 4, (address >> 32) as u32);
    }

    /// Where the selected queue is notified.
    fn notify_address(&self) -> Option<NonNull<u16>> {
        let number = self.read::<u16>(common::QUEUE_NOTIFY_OFF);
        let offset = usize::from(number).checked_mul(self.places.notify_multiplier as usize)?;
        let within = self.places.notify.addr().get() % MAPPED;
        let end = within.checked_add(offset)?.checked_add(size_of::<u16>())?;
        let fits = end <= MAPPED && offset.is_multiple_of(align_of::<u16>());
        // SAFETY: stays within the page that is mapped there.
        fits.then(|| unsafe { self.places.notify.add(offset) }.cast())
    }
}

/// Types that a register can have.
trait Register: Copy {}
impl Register for u8 {}
impl Register for u16 {}
impl Register for u32 {}

impl Transport for PciRegisters {
    fn device_type(&self) -> DeviceType {
        self.kind
    }

    fn read_device_features(&mut self) -> u64 {
        self.write(common::DEVICE_FEATURE_SELECT, 0_u32);
        let low = self.read::<u32>(common::DEVICE_FEATURE);
        self.write(common::DEVICE_FEATURE_SELECT, 1_u32);
        u64::from(self.read::<u32>(common::DEVICE_FEATURE)) << 32 | u64::from(low)
    }

    fn write_driver_features(&mut self, features: u64) {
        self.write(common::DRIVER_FEATURE_SELECT, 0_u32);
        self.write(common::DRIVER_FEATURE, features as u32);
        self.write(common::DRIVER_FEATURE_SELECT, 1_u32);
        self.write(common::DRIVER_FEATURE, (features >> 32) as u32);
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.write(common::QUEUE_SELECT, queue);
        self.read::<u16>(common::QUEUE_SIZE).into()
    }

    fn notify(&mut self, queue: u16) {
        if let Some(address) = self.notify.get(usize::from(queue)).copied().flatten() {
            // SAFETY: `notify_address` has found it within the mapped page.
            unsafe { address.write_volatile(queue) };
        }
    }

    fn get_status(&self) -> DeviceStatus {
        DeviceStatus::from_bits_truncate(self.read::<u8>(common::DEVICE_STATUS).into())
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.write(common::DEVICE_STATUS, status.bits() as u8);
    }

    fn set_guest_page_size(&mut self, _: u32) {} // of the legacy interface

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
        self.write(common::MSIX_CONFIG, NO_VECTOR);
        self.write(common::QUEUE_SELECT, queue);
        self.write(common::QUEUE_SIZE, size as u16); // at most what `max_queue_size` said, which is a u16
        self.write_address(common::QUEUE_DESC, descriptors);
        self.write_address(common::QUEUE_DRIVER, driver_area);
        self.write_address(common::QUEUE_DEVICE, device_area);
        // After the reset and before the queue is enabled; reading it back says whether the device could.
        let entry = self.places.msix_entry.unwrap_or(NO_VECTOR);
        self.write(common::QUEUE_MSIX_VECTOR, entry);
        if self.read::<u16>(common::QUEUE_MSIX_VECTOR) != entry {
            self.fault = Some(PciFault::NoVector);
        }
        let address = self.notify_address();
        match (self.notify.get_mut(usize::from(queue)), address) {
            (Some(place), Some(address)) => *place = Some(address),
            _ => self.fault = Some(PciFault::NotifyOutside),
        }
        self.write(common::QUEUE_ENABLE, 1_u16);
    }

    fn queue_unset(&mut self, _: u16) {} // a queue ends with the device's reset (4.1.4.3.2)

    fn queue_used(&mut self, queue: u16) -> bool {
        self.write(common::QUEUE_SELECT, queue);
        self.read::<u16>(common::QUEUE_ENABLE) == 1
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        // SAFETY: the interrupt status is mapped. With MSI-X nobody needs to read it.
        InterruptStatus::from_bits_truncate(unsafe { self.places.isr.read_volatile() }.into())
    }

    fn read_config_generation(&self) -> u32 {
        self.read::<u8>(common::CONFIG_GENERATION).into()
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        let place = self.device_register::<T>(offset)?;
        // SAFETY: `device_register` has checked that it is aligned and within the mapped page; every bit pattern is a `T`.
        Ok(unsafe { place.read_volatile() })
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        offset: usize,
        value: T,
    ) -> Result<()> {
        let place = self.device_register::<T>(offset)?;
        // SAFETY: as in `read_config_space`.
        unsafe { place.write_volatile(value) };
        Ok(())
    }
}

impl PciRegisters {
    fn device_register<T>(&self, offset: usize) -> Result<NonNull<T>> {
        let device = self.places.device.ok_or(Error::ConfigSpaceMissing)?;
        let start = device.addr().get();
        let fits = (start % MAPPED)
            .checked_add(offset)
            .and_then(|at| at.checked_add(size_of::<T>()))
            .is_some_and(|end| end <= MAPPED);
        if !fits || !(start + offset).is_multiple_of(align_of::<T>()) {
            return Err(Error::ConfigSpaceTooSmall);
        }
        // SAFETY: stays within the page that is mapped there.
        Ok(unsafe { device.add(offset) }.cast())
    }
}
