//! x86 I/O ports, as drivers see them: a trait, so that drivers are tested on the host, and its implementation by seL4's I/O port
//! capability. It never reaches a port that the capability does not cover: the kernel refuses, and the answer says so.
#![no_std]
#![forbid(unsafe_code)]

/// Reads and writes bytes at I/O ports.
pub trait Ports {
    /// Reads one byte.
    ///
    /// # Errors
    /// [`Refused`] if the port is not ours.
    fn read(&self, port: u16) -> Result<u8, Refused>;

    /// Writes one byte.
    ///
    /// # Errors
    /// [`Refused`] if the port is not ours.
    fn write(&self, port: u16, byte: u8) -> Result<(), Refused>;
}

/// The capability does not cover the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the I/O port capability does not cover the port")
    }
}

impl core::error::Error for Refused {}

#[cfg(all(target_os = "none", target_arch = "x86_64"))]
impl Ports for sel4::cap::IOPort {
    fn read(&self, port: u16) -> Result<u8, Refused> {
        self.ioport_in8(port).map_err(|_| Refused)
    }

    fn write(&self, port: u16, byte: u8) -> Result<(), Refused> {
        self.ioport_out8(port, byte).map_err(|_| Refused)
    }
}
