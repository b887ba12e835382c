//! One-shot timers: the PIT of a PC and the Arm physical timer, both set by an instant of the machine's counter.
//!
//! An alarm may ring early (the PIT counts 16 bits only), so whoever set it looks at the counter and sets it again. It never rings
//! unasked. The drivers know neither interrupts nor capabilities: the timer server owns those. `docs/timer.md` has the whole.
#![no_std]

#[cfg(target_arch = "aarch64")]
mod arm;
mod pit;

#[cfg(target_arch = "aarch64")]
pub use arm::ArmPhysical;
pub use pit::{CHANNEL_0, COMMAND, PIT_HZ, Pit, calibrate};

use io_ports::Refused;

/// A hardware timer that interrupts once.
pub trait Alarm {
    /// Interrupts when the machine's counter reaches `deadline`, or earlier. `now` is a reading of it.
    ///
    /// # Errors
    /// [`Refused`] if the hardware is not ours.
    fn set(&mut self, now: u64, deadline: u64) -> Result<(), Refused>;

    /// Takes the alarm back, and makes a level-triggered interrupt go away.
    ///
    /// # Errors
    /// [`Refused`] if the hardware is not ours.
    fn clear(&mut self) -> Result<(), Refused>;
}
