//! The PL011, by registers in memory. Arm DDI 0183, section 3.

use core::convert::Infallible;
use core::ptr::NonNull;

use crate::{Error, Line};

/// Bytes of its registers.
pub const REGISTER_BYTES: usize = 0x1000;

/// Data register.
const DATA: usize = 0x000;
/// Flag register.
const FLAGS: usize = 0x018;
/// Line control: word length, FIFOs.
const LINE_CONTROL: usize = 0x02c;
/// Control: what is switched on.
const CONTROL: usize = 0x030;
/// Which interrupts are raised.
const INTERRUPT_MASK: usize = 0x038;
/// Flag: the receive FIFO is empty.
const RECEIVE_EMPTY: u32 = 1 << 4;
/// Eight data bits, FIFOs on.
const EIGHT_BITS_FIFO: u32 = 0b111 << 4;
/// The port, its receiver and its transmitter.
const ALL_ON: u32 = 1 | 1 << 8 | 1 << 9;
/// Interrupts: something was received, or has waited in the FIFO.
const ON_RECEIVED: u32 = 1 << 4 | 1 << 6;
/// Flag: the transmit FIFO is full.
const TRANSMIT_FULL: u32 = 1 << 5;

/// A PL011 that firmware (or QEMU) has switched on.
#[derive(Debug)]
pub struct Pl011 {
    registers: NonNull<u8>,
}

impl Pl011 {
    /// Takes the PL011 whose registers are mapped at `registers`.
    ///
    /// # Safety
    /// [`REGISTER_BYTES`] are mapped there as device memory, read-write, for as long as this value lives, and nobody else in this
    /// program uses them.
    #[must_use]
    pub const unsafe fn new(registers: NonNull<u8>) -> Self {
        Self { registers }
    }

    /// From now on there is an interrupt as long as something is there to be read.
    ///
    /// # Errors
    /// None: that of the other serial port.
    pub fn listen(&mut self) -> Result<(), Error> {
        for (offset, value) in [
            (LINE_CONTROL, EIGHT_BITS_FIFO),
            (CONTROL, ALL_ON),
            (INTERRUPT_MASK, ON_RECEIVED),
        ] {
            // SAFETY: a mapped register (see `new`) that holds settings.
            unsafe { self.register(offset).write_volatile(value) };
        }
        Ok(())
    }

    fn register(&self, offset: usize) -> *mut u32 {
        // SAFETY: the offsets above lie within REGISTER_BYTES, which `new` was promised; they are multiples of four.
        unsafe { self.registers.as_ptr().add(offset).cast() }
    }
}

impl Line for Pl011 {
    type Refused = Infallible;

    fn received(&mut self) -> Result<Option<u8>, Infallible> {
        // SAFETY: a mapped register (see `new`); reading the flags has no side effect.
        let flags = unsafe { self.register(FLAGS).read_volatile() };
        if flags & RECEIVE_EMPTY != 0 {
            return Ok(None);
        }
        // SAFETY: as above; there is a byte, which is read once. The upper bits say how it came.
        Ok(Some(unsafe { self.register(DATA).read_volatile() } as u8))
    }

    fn transmit(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        for (count, &byte) in bytes.iter().enumerate() {
            // SAFETY: a mapped register (see `new`); reading the flags has no side effect.
            let flags = unsafe { self.register(FLAGS).read_volatile() };
            if flags & TRANSMIT_FULL != 0 {
                return Ok(count);
            }
            // SAFETY: as above; the FIFO has room.
            unsafe { self.register(DATA).write_volatile(byte.into()) };
        }
        Ok(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::boxed::Box;

    #[test]
    fn a_full_fifo_takes_nothing_and_an_empty_one_takes_a_byte() {
        let registers = Box::leak(Box::new([0_u32; REGISTER_BYTES / 4]));
        let start = NonNull::from(&mut *registers).cast::<u8>();
        // SAFETY: leaked memory of the right size, used by nobody else but this test between calls.
        let mut port = unsafe { Pl011::new(start) };
        // SAFETY: within the leaked memory.
        unsafe { start.as_ptr().add(FLAGS).cast::<u32>().write(TRANSMIT_FULL) };
        assert_eq!(port.transmit(b"x"), Ok(0));
        // SAFETY: within the leaked memory.
        unsafe { start.as_ptr().add(FLAGS).cast::<u32>().write(0) };
        assert_eq!(port.transmit(b"x"), Ok(1));
        // SAFETY: within the leaked memory.
        let sent = unsafe { start.as_ptr().add(DATA).cast::<u32>().read() };
        assert_eq!(sent, u32::from(b'x'));
    }
}
