//! The serial line: COM1, or the PL011 of QEMU's `virt`. The root task keeps it too, for what it says before the console server runs and
//! after it has died.

use isthmus_abi::startup;

#[cfg(target_arch = "aarch64")]
use super::irq_control;
use super::{Giving, Machine};
use crate::error::Result;

#[cfg(target_arch = "aarch64")]
mod imp {
    use core::ptr::NonNull;

    use sel4::cap;

    use crate::error::Result;
    use crate::objects::Objects;
    use builder::{Access, Window};

    /// Physical address of the PL011's registers.
    const PL011: u64 = 0x0900_0000;

    /// Takes the serial line; answers its frame.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn open(objects: &mut Objects, window: &mut Window) -> Result<(uart::Pl011, cap::Granule)> {
        let frame = objects.device_page(PL011)?;
        let address = window.keep(objects, &[frame], Access::Device)?;
        let registers = NonNull::new(address as *mut u8).expect("the window does not begin at 0");
        // SAFETY: mapped just now, as device memory, for good; nobody else in this program knows the address.
        Ok((unsafe { uart::Pl011::new(registers) }, frame))
    }
}

#[cfg(target_arch = "x86_64")]
mod imp {
    use sel4::{cap, init_thread};

    use crate::error::{Error, Result};

    /// Takes the serial line.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn open() -> Result<uart::Ns16550<cap::IOPort>> {
        uart::Ns16550::new(init_thread::slot::IO_PORT_CONTROL.cap(), uart::COM1)
            .map_err(|_| Error::NoDevice("COM1"))
    }
}

pub use imp::open;

/// The PL011's shared peripheral interrupt on `virt`: SPI 1.
#[cfg(target_arch = "aarch64")]
const PL011_IRQ: sel4::Word = 32 + 1;

/// Gives the serial line to the console server.
#[cfg(target_arch = "aarch64")]
pub fn give(machine: &mut Machine, giving: &mut Giving<'_>) -> Result<startup::Console> {
    let registers = giving.shared_page(machine.serial)?;
    let interrupt = giving.interrupt(|slot| irq_control().irq_control_get(PL011_IRQ, slot))?;
    Ok(startup::Console::Pl011 {
        registers,
        interrupt,
    })
}

/// Gives the serial line to the console server.
#[cfg(target_arch = "x86_64")]
pub fn give(machine: &mut Machine, giving: &mut Giving<'_>) -> Result<startup::Console> {
    /// COM1's pin of the first IOAPIC.
    const COM1_PIN: sel4::Word = 4;

    let ports = giving.ports(uart::COM1, uart::COM1 + uart::PORTS - 1)?;
    let interrupt = giving.isa_interrupt(machine, COM1_PIN)?;
    Ok(startup::Console::Com1 { ports, interrupt })
}
