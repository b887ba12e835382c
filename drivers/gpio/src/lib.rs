//! One pin, behind the traits of `embedded-hal`: of a PL061 (QEMU's Arm board), or of a PC's system control port B, whose bits are the pins of its speaker.
//!
//! A driver written against `embedded_hal::digital` runs on either. The pin that a component is given is an output, and is read back from the hardware, never from a copy in
//! memory. They use no interrupt. Used by `examples/lamp`.
#![no_std]

mod pc;
mod pl061;

pub use pc::{PORT_B, SpeakerPin};
pub use pl061::{PL061_PINS, Pl061Pin, REGISTER_BYTES};

use core::convert::Infallible;

use embedded_hal::digital::{
    ErrorKind, ErrorType, InputPin, OutputPin, PinState, StatefulOutputPin,
};

/// What a pin's hardware can do.
trait Level {
    /// Whatever it refuses.
    type Refused;

    /// Sets the pin.
    fn put(&mut self, state: PinState) -> Result<(), Self::Refused>;

    /// Whether the pin is high, as the hardware says.
    fn is_up(&mut self) -> Result<bool, Self::Refused>;
}

/// Why a pin cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The I/O port is not ours.
    Refused,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the pin's I/O port is not ours")
    }
}

impl core::error::Error for Error {}

impl embedded_hal::digital::Error for Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl From<io_ports::Refused> for Error {
    fn from(_: io_ports::Refused) -> Self {
        Self::Refused
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

macro_rules! traits {
    ([$($generics:tt)*] $pin:ty) => {
        impl<$($generics)*> ErrorType for $pin {
            type Error = Error;
        }

        impl<$($generics)*> OutputPin for $pin {
            fn set_low(&mut self) -> Result<(), Error> {
                Ok(self.put(PinState::Low)?)
            }

            fn set_high(&mut self) -> Result<(), Error> {
                Ok(self.put(PinState::High)?)
            }
        }

        impl<$($generics)*> StatefulOutputPin for $pin {
            fn is_set_high(&mut self) -> Result<bool, Error> {
                Ok(self.is_up()?)
            }

            fn is_set_low(&mut self) -> Result<bool, Error> {
                Ok(!self.is_up()?)
            }
        }

        impl<$($generics)*> InputPin for $pin {
            fn is_high(&mut self) -> Result<bool, Error> {
                Ok(self.is_up()?)
            }

            fn is_low(&mut self) -> Result<bool, Error> {
                Ok(!self.is_up()?)
            }
        }
    };
}

traits!([P: io_ports::Ports] SpeakerPin<P>);
traits!([] Pl061Pin);
