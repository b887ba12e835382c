//! What only a PC has: I/O ports, and vectors for its interrupts.

use isthmus_abi::Slot;
use isthmus_abi::startup::Interrupt;
use sel4::{CapRights, Word, init_thread};

use super::{Giving, Machine, irq_control};
use crate::error::{Error, Result};
use builder::PAGE;

/// Interrupt vectors for user space, both of the IOAPIC and of MSI.
const VECTORS: Word = 108;

impl Machine {
    /// Before anything is given away.
    #[must_use]
    pub const fn new(counter_hz: u64) -> Self {
        Self {
            counter_hz,
            next_vector: 0,
            cards_given: 0,
        }
    }

    /// An interrupt vector of its own.
    ///
    /// # Errors
    /// [`Error::OutOfVectors`]
    pub fn vector(&mut self) -> Result<Word> {
        let vector = self.next_vector;
        if vector == VECTORS {
            return Err(Error::OutOfVectors);
        }
        self.next_vector += 1;
        Ok(vector)
    }
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

    /// Gives the interrupt of a device of the old PC, at `pin` of the first IOAPIC.
    ///
    /// # Errors
    /// [`Error::OutOfVectors`], or what the kernel refuses.
    pub fn isa_interrupt(&mut self, machine: &mut Machine, pin: Word) -> Result<Interrupt> {
        /// The first IOAPIC.
        const IOAPIC: Word = 0;
        /// Edge-triggered, active high: how the ISA bus is wired.
        const EDGE: Word = 0;
        const ACTIVE_HIGH: Word = 0;

        let vector = machine.vector()?;
        self.interrupt(|slot| {
            irq_control().irq_control_get_ioapic(IOAPIC, pin, EDGE, ACTIVE_HIGH, vector, slot)
        })
    }

    /// Gives the I/O ports `first..=last`.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn ports(&mut self, first: u16, last: u16) -> Result<Slot> {
        // `io_port_capdata` of the kernel: first port in bits 16 to 31, last port in bits 0 to 15.
        let range = Word::from(first) << 16 | Word::from(last);
        let all = init_thread::slot::IO_PORT_CONTROL.cptr();
        self.body
            .mint(self.device.ports, all, CapRights::all(), range)?;
        Ok(self.device.ports)
    }
}
