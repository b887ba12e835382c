//! Pins: the PL061 of QEMU's `virt`, or a PC's system control port B. There is one of them, for one component: a second finds its page or port given away.

use isthmus_abi::startup;

use super::Giving;
use crate::error::Result;

/// Physical address of the PL061's registers.
#[cfg(target_arch = "aarch64")]
const PL061: u64 = 0x0903_0000;

/// Gives the PL061.
#[cfg(target_arch = "aarch64")]
pub fn give(giving: &mut Giving<'_>) -> Result<startup::Gpio> {
    let frame = giving.objects.device_page(PL061)?;
    let registers = giving.page(frame)?;
    Ok(startup::Gpio::Pl061 { registers })
}

/// Gives system control port B.
#[cfg(target_arch = "x86_64")]
pub fn give(giving: &mut Giving<'_>) -> Result<startup::Gpio> {
    /// System control port B.
    const PORT_B: u16 = 0x61;

    let ports = giving.ports(PORT_B, PORT_B)?;
    Ok(startup::Gpio::PortB { ports })
}
