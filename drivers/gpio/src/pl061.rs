//! A pin of a PL061, by registers in memory. Arm DDI 0190, section 3.

use core::convert::Infallible;
use core::ptr::NonNull;

use embedded_hal::digital::PinState;

use crate::Level;

/// Bytes of its registers.
pub const REGISTER_BYTES: usize = 0x1000;
/// Pins that it has.
pub const PL061_PINS: u8 = 8;

/// Data: bits 2 to 9 of the address say which pins are meant.
const DATA: usize = 0x000;
/// Direction: 1 is an output.
const DIRECTION: usize = 0x400;

/// One pin of a PL061, as an output.
#[derive(Debug)]
pub struct Pl061Pin {
    registers: NonNull<u8>,
    mask: u8,
}

impl Pl061Pin {
    /// Takes pin `pin`, below [`PL061_PINS`], of the PL061 whose registers are mapped at `registers`, and makes it an output.
    ///
    /// # Panics
    /// If it has no such pin.
    ///
    /// # Safety
    /// [`REGISTER_BYTES`] are mapped there as device memory, read-write, for as long as this value lives, and nobody else in this
    /// program uses them.
    #[must_use]
    pub unsafe fn new(registers: NonNull<u8>, pin: u8) -> Self {
        assert!(pin < PL061_PINS, "a PL061 has {PL061_PINS} pins");
        let pin = Self {
            registers,
            mask: 1 << pin,
        };
        let direction = pin.register(DIRECTION);
        // SAFETY: a mapped register (see above) that holds settings.
        unsafe { direction.write_volatile(direction.read_volatile() | u32::from(pin.mask)) };
        pin
    }

    /// The data register, for this pin alone.
    fn data(&self) -> *mut u32 {
        self.register(DATA + (usize::from(self.mask) << 2))
    }

    fn register(&self, offset: usize) -> *mut u32 {
        // SAFETY: the offsets lie within REGISTER_BYTES, which `new` was promised; they are multiples of four.
        unsafe { self.registers.as_ptr().add(offset).cast() }
    }
}

impl Level for Pl061Pin {
    type Refused = Infallible;

    fn put(&mut self, state: PinState) -> Result<(), Infallible> {
        let level = if state == PinState::High {
            self.mask
        } else {
            0
        };
        // SAFETY: a mapped register (see `new`); the address leaves the other pins alone.
        unsafe { self.data().write_volatile(level.into()) };
        Ok(())
    }

    fn is_up(&mut self) -> Result<bool, Infallible> {
        // SAFETY: a mapped register (see `new`); reading it has no side effect.
        Ok(unsafe { self.data().read_volatile() } != 0)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use embedded_hal::digital::{OutputPin, StatefulOutputPin};
    use std::boxed::Box;

    #[test]
    fn only_its_own_pin_is_addressed() {
        let registers = Box::leak(Box::new([0_u32; REGISTER_BYTES / 4]));
        let start = NonNull::from(&mut *registers).cast::<u8>();
        // SAFETY: leaked memory of the right size, used by nobody else but this test between calls.
        let mut pin = unsafe { Pl061Pin::new(start, 3) };
        pin.set_high().unwrap();
        assert!(pin.is_set_high().unwrap());
        // SAFETY: within the leaked memory.
        let word = |offset: usize| unsafe { start.as_ptr().add(offset).cast::<u32>().read() };
        assert_eq!(
            (word(DIRECTION), word(DATA + (1 << 3 << 2))),
            (1 << 3, 1 << 3)
        );
        pin.set_low().unwrap();
        assert!(pin.is_set_low().unwrap());
    }
}
