//! The serial line that this component was given.

use isthmus_abi::startup::Console;
use isthmus_runtime::Startup;

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPort {
    /// The description grants no console.
    NotGranted,
    /// It is one of another machine.
    Unusable,
}

#[cfg(target_arch = "x86_64")]
mod imp {
    use super::{Console, NoPort};
    use isthmus_runtime::sel4::cap;
    use isthmus_runtime::slots;

    /// The port's type.
    pub type Port = uart::Ns16550<cap::IOPort>;

    /// Takes it.
    pub fn take(console: Console) -> Result<Port, NoPort> {
        match console {
            Console::Com1 { ports } => {
                uart::Ns16550::new(slots::cap(ports), uart::COM1).map_err(|_| NoPort::Unusable)
            }
            Console::Pl011 { .. } => Err(NoPort::Unusable),
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod imp {
    use super::{Console, NoPort};
    use core::ptr::NonNull;

    /// The port's type.
    pub type Port = uart::Pl011;

    /// Takes it.
    pub fn take(console: Console) -> Result<Port, NoPort> {
        match console {
            Console::Pl011 { registers } => {
                let registers = NonNull::new(registers as *mut u8).ok_or(NoPort::Unusable)?;
                // SAFETY: the root task maps the registers there as device memory, and this is called once.
                Ok(unsafe { uart::Pl011::new(registers) })
            }
            Console::Com1 { .. } => Err(NoPort::Unusable),
        }
    }
}

pub use imp::Port;

/// Opens it.
pub fn open(startup: &Startup) -> Result<Port, NoPort> {
    startup
        .console()
        .map_err(|_| NoPort::NotGranted)
        .and_then(imp::take)
}
