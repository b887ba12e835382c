//! Drivers over what the description granted, made once each: so that a server needs no `unsafe` to own a device.

use core::fmt;

use isthmus_abi::startup::{Console, Gpio, Missing};

#[cfg(target_arch = "aarch64")]
mod imp {
    use core::ptr::NonNull;
    use core::sync::atomic::{AtomicBool, Ordering};

    use super::{Console, Gpio, NoDevice};

    /// The serial port of this architecture.
    pub type SerialPort = uart::Pl011;

    /// The pin of this architecture.
    pub type Pin = gpio::Pl061Pin;

    static TAKEN: AtomicBool = AtomicBool::new(false);
    static PIN_TAKEN: AtomicBool = AtomicBool::new(false);

    /// Which of the PL061's pins it is: one that QEMU's board has connected to nothing.
    const PIN: u8 = 0;

    pub(super) fn pin(granted: Gpio) -> Result<Pin, NoDevice> {
        let Gpio::Pl061 { registers } = granted else {
            return Err(NoDevice::NotOfThisMachine);
        };
        if PIN_TAKEN.swap(true, Ordering::AcqRel) {
            return Err(NoDevice::Taken);
        }
        let registers = NonNull::new(registers as *mut u8).ok_or(NoDevice::NotOfThisMachine)?;
        // SAFETY: the root task has mapped the registers there as device memory, for ever, and PIN_TAKEN lets this be done once.
        Ok(unsafe { gpio::Pl061Pin::new(registers, PIN) })
    }

    pub(super) fn serial_port(console: Console) -> Result<SerialPort, NoDevice> {
        let Console::Pl011 { registers, .. } = console else {
            return Err(NoDevice::NotOfThisMachine);
        };
        if TAKEN.swap(true, Ordering::AcqRel) {
            return Err(NoDevice::Taken);
        }
        let registers = NonNull::new(registers as *mut u8).ok_or(NoDevice::NotOfThisMachine)?;
        // SAFETY: the root task has mapped the registers there as device memory, for ever, and TAKEN lets this be done once.
        Ok(unsafe { uart::Pl011::new(registers) })
    }
}

#[cfg(target_arch = "x86_64")]
mod imp {
    use sel4::cap;

    use super::{Console, Gpio, NoDevice};
    use crate::slots;

    /// The serial port of this architecture.
    pub type SerialPort = uart::Ns16550<cap::IOPort>;

    /// The pin of this architecture.
    pub type Pin = gpio::SpeakerPin<cap::IOPort>;

    pub(super) fn pin(granted: Gpio) -> Result<Pin, NoDevice> {
        let Gpio::PortB { ports } = granted else {
            return Err(NoDevice::NotOfThisMachine);
        };
        Ok(gpio::SpeakerPin::new(slots::cap(ports)))
    }

    pub(super) fn serial_port(console: Console) -> Result<SerialPort, NoDevice> {
        let Console::Com1 { ports, .. } = console else {
            return Err(NoDevice::NotOfThisMachine);
        };
        uart::Ns16550::new(slots::cap(ports), uart::COM1).map_err(|_| NoDevice::NotOfThisMachine)
    }
}

pub use imp::{Pin, SerialPort};

/// Why there is no such device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDevice {
    /// The description grants none.
    Missing(Missing<'static>),
    /// What was granted is not of this kind of machine.
    NotOfThisMachine,
    /// Somebody in this component has it already.
    Taken,
}

impl fmt::Display for NoDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::NotOfThisMachine => {
                f.write_str("the device granted is not of this kind of machine")
            }
            Self::Taken => f.write_str("the device is in use in this component already"),
        }
    }
}

impl core::error::Error for NoDevice {}

/// The serial port (from `devices = ["console"]`).
pub fn serial_port() -> Result<SerialPort, NoDevice> {
    let console = crate::startup().console().map_err(NoDevice::Missing)?;
    imp::serial_port(console)
}

/// The pin (from `devices = ["gpio"]`), behind the traits of `embedded_hal::digital`.
pub fn pin() -> Result<Pin, NoDevice> {
    let granted = crate::startup().gpio().map_err(NoDevice::Missing)?;
    imp::pin(granted)
}
