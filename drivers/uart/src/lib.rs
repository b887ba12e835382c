//! Serial ports: 16550 (COM1 of a PC) and PL011 (Arm), behind the traits of `embedded-io` and `embedded-hal-nb`.
//!
//! Sending polls, for a log line is a few bytes and the one who sends has the lowest priority of all. Receiving has an interrupt once it
//! is asked for (`listen`): it says that there is something, and the driver is read until there is nothing. They never set the line's speed: the machine's firmware and QEMU have. Used by the console
//! server and, before it runs, by the root task.
#![no_std]

mod ns16550;
mod pl011;

pub use ns16550::{COM1, Ns16550, PORTS};
pub use pl011::{Pl011, REGISTER_BYTES};

use core::convert::Infallible;

/// What a serial port can do: take some bytes, or none yet; give one that has come.
trait Line {
    /// Whatever the hardware refuses.
    type Refused;

    /// A byte that has come, if any.
    fn received(&mut self) -> Result<Option<u8>, Self::Refused>;

    /// Takes as many of `bytes` as there is room for; 0 if the line is busy.
    fn transmit(&mut self, bytes: &[u8]) -> Result<usize, Self::Refused>;
}

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The I/O ports are not ours.
    Refused,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the serial port's I/O ports are not ours")
    }
}

impl core::error::Error for Error {}

impl embedded_io::Error for Error {
    fn kind(&self) -> embedded_io::ErrorKind {
        embedded_io::ErrorKind::PermissionDenied
    }
}

impl embedded_hal_nb::serial::Error for Error {
    fn kind(&self) -> embedded_hal_nb::serial::ErrorKind {
        embedded_hal_nb::serial::ErrorKind::Other
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

/// Sends at least one byte, spinning until the line takes it.
fn write<T: Line>(port: &mut T, bytes: &[u8]) -> Result<usize, Error>
where
    Error: From<T::Refused>,
{
    if bytes.is_empty() {
        return Ok(0);
    }
    loop {
        match port.transmit(bytes)? {
            0 => core::hint::spin_loop(),
            count => return Ok(count),
        }
    }
}

macro_rules! traits {
    ([$($generics:tt)*] $port:ty) => {
        impl<$($generics)*> embedded_io::ErrorType for $port {
            type Error = Error;
        }

        impl<$($generics)*> embedded_io::Write for $port {
            fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
                write(self, bytes)
            }

            fn flush(&mut self) -> Result<(), Error> {
                Ok(()) // what the hardware has taken goes out by itself
            }
        }

        impl<$($generics)*> embedded_hal_nb::serial::ErrorType for $port {
            type Error = Error;
        }

        impl<$($generics)*> embedded_hal_nb::serial::Read<u8> for $port {
            fn read(&mut self) -> embedded_hal_nb::nb::Result<u8, Error> {
                match self.received().map_err(Error::from)? {
                    None => Err(embedded_hal_nb::nb::Error::WouldBlock),
                    Some(byte) => Ok(byte),
                }
            }
        }

        impl<$($generics)*> embedded_hal_nb::serial::Write<u8> for $port {
            fn write(&mut self, byte: u8) -> embedded_hal_nb::nb::Result<(), Error> {
                match self.transmit(&[byte]).map_err(Error::from)? {
                    0 => Err(embedded_hal_nb::nb::Error::WouldBlock),
                    _ => Ok(()),
                }
            }

            fn flush(&mut self) -> embedded_hal_nb::nb::Result<(), Error> {
                Ok(())
            }
        }
    };
}

traits!([P: io_ports::Ports] Ns16550<P>);
traits!([] Pl011);
