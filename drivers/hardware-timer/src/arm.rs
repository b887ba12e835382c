//! The Arm physical timer, by the processor's own registers. Arm DDI 0487, section D13.8.
//!
//! Its interrupt is level-triggered: clear the alarm before acknowledging. The loader has opened these registers to user space, which means to
//! every component; only the one that holds the interrupt hears of it.

use core::arch::asm;

use io_ports::Refused;

use crate::Alarm;

/// `CNTP_CTL_EL0`: on, not masked.
const ENABLE: u64 = 1;

/// The physical timer of this processor.
#[derive(Debug)]
pub struct ArmPhysical(());

impl ArmPhysical {
    /// Takes the timer. A program has one.
    #[must_use]
    pub fn new() -> Self {
        let timer = Self(());
        timer.control(0);
        timer
    }

    #[allow(clippy::unused_self, reason = "who has the timer may control it")]
    fn control(&self, value: u64) {
        // SAFETY: changes this timer's state only, which only its interrupt tells of.
        unsafe { asm!("msr cntp_ctl_el0, {}", "isb", in(reg) value, options(nomem, nostack)) };
    }
}

impl Default for ArmPhysical {
    fn default() -> Self {
        Self::new()
    }
}

impl Alarm for ArmPhysical {
    fn set(&mut self, _now: u64, deadline: u64) -> Result<(), Refused> {
        // SAFETY: as in `control`.
        unsafe { asm!("msr cntp_cval_el0, {}", in(reg) deadline, options(nomem, nostack)) };
        self.control(ENABLE);
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Refused> {
        self.control(0);
        Ok(())
    }
}
