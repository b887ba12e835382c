//! What only QEMU's `virt` board needs: pages that hold registers of more than one device.

use builder::Supply;
use sel4::{CapRights, cap};

use super::{Giving, Machine, virtio_mmio};
use crate::error::Result;

impl Machine {
    /// Before anything is given away.
    #[must_use]
    pub const fn new(counter_hz: u64, serial: cap::Granule) -> Self {
        Self {
            counter_hz,
            serial,
            cards_given: 0,
            virtio_pages: [None; virtio_mmio::PAGES],
        }
    }
}

impl Giving<'_> {
    /// A copy of a frame that the root task keeps for itself, mapped for the driver.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn shared_page(&mut self, frame: cap::Granule) -> Result<u64> {
        let copy = self.objects.copy(frame.cptr(), CapRights::read_write())?;
        self.page(copy.cast())
    }
}
