//! The timer that user space owns: the PIT, or the Arm physical timer.

use isthmus_abi::startup;

#[cfg(target_arch = "aarch64")]
use super::irq_control;
use super::{Giving, Machine};
use crate::error::Result;

/// The PIT's pin of the first IOAPIC.
#[cfg(target_arch = "x86_64")]
const PIT_PIN: sel4::Word = 2;

/// The physical timer's private peripheral interrupt.
#[cfg(target_arch = "aarch64")]
const PHYSICAL_TIMER_IRQ: sel4::Word = 30;

/// Gives the PIT to the timer server.
#[cfg(target_arch = "x86_64")]
pub fn give(machine: &mut Machine, giving: &mut Giving<'_>) -> Result<startup::Timer> {
    let ports = giving.ports(hardware_timer::CHANNEL_0, hardware_timer::COMMAND)?;
    let interrupt = giving.isa_interrupt(machine, PIT_PIN)?;
    Ok(startup::Timer::Pit { ports, interrupt })
}

/// Gives the physical timer's interrupt to the timer server.
#[cfg(target_arch = "aarch64")]
pub fn give(_machine: &mut Machine, giving: &mut Giving<'_>) -> Result<startup::Timer> {
    let interrupt =
        giving.interrupt(|slot| irq_control().irq_control_get(PHYSICAL_TIMER_IRQ, slot))?;
    Ok(startup::Timer::ArmPhysical { interrupt })
}

/// Measures the time-stamp counter against the PIT.
#[cfg(target_arch = "x86_64")]
pub fn counter_hz() -> Result<u64> {
    use crate::error::Error;
    // SAFETY: reads the counter; the kernel leaves it readable to user space.
    let counter = || unsafe { core::arch::x86_64::_rdtsc() };
    let ports: sel4::cap::IOPort = sel4::init_thread::slot::IO_PORT_CONTROL.cap();
    match hardware_timer::calibrate(&ports, counter) {
        Ok(Some(hz)) if hz > 0 => Ok(hz),
        Ok(_) => Err(Error::NoCounter),
        Err(_) => Err(Error::NoDevice("PIT")),
    }
}

/// The architectural counter says its frequency itself.
#[cfg(target_arch = "aarch64")]
pub fn counter_hz() -> Result<u64> {
    let hz: u64;
    // SAFETY: reads a constant of the processor that the loader has opened to user space.
    unsafe {
        core::arch::asm!("mrs {}, cntfrq_el0", out(reg) hz, options(nomem, nostack, preserves_flags))
    };
    if hz == 0 {
        Err(crate::error::Error::NoCounter)
    } else {
        Ok(hz)
    }
}
