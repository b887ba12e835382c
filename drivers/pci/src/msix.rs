//! Message-signalled interrupts with a table in device memory: MSI-X (PCI Local Bus 3.0, 6.8.2).
use core::fmt;

use crate::bar::{Bars, Window};
use crate::capability::{Capabilities, Capability, CapabilityError};
use crate::function::{ConfigurationSpace, Function};

/// The capability's number.
const ID: u8 = 0x11;
/// Bytes of a table entry.
pub const ENTRY_BYTES: u64 = 16;
/// Message control: interrupts by MSI-X are on.
const ENABLE: u32 = 1 << 31;
/// Message control: none of them is delivered.
const MASK_ALL: u32 = 1 << 30;

/// Why MSI-X cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MsixError {
    /// The function has no such capability.
    Absent,
    /// The table does not lie in one of the function's memory windows.
    OutsideBar,
    /// The capabilities cannot be read.
    Capability(CapabilityError),
}

impl From<CapabilityError> for MsixError {
    fn from(error: CapabilityError) -> Self {
        Self::Capability(error)
    }
}

impl fmt::Display for MsixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("the function has no MSI-X capability"),
            Self::OutsideBar => f.write_str("the MSI-X table lies outside the function's memory"),
            Self::Capability(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for MsixError {}

/// A function's MSI-X capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msix {
    capability: Capability,
    function: Function,
    /// Entries of the table: 1 to 2048.
    pub entries: u16,
    /// The base address register that the table is in.
    pub bar: u8,
    /// The table's place within it, in bytes.
    pub offset: u32,
    /// The table.
    pub table: Window,
}

impl Msix {
    /// Finds the capability, and checks that its table lies in the function's memory.
    ///
    /// # Errors
    /// [`MsixError`].
    pub fn find(
        space: &mut impl ConfigurationSpace,
        function: Function,
        bars: &Bars,
    ) -> Result<Self, MsixError> {
        for capability in Capabilities::new(space, function) {
            let capability = capability?;
            if capability.id == ID {
                return Self::read(space, function, bars, capability);
            }
        }
        Err(MsixError::Absent)
    }

    fn read(
        space: &mut impl ConfigurationSpace,
        function: Function,
        bars: &Bars,
        capability: Capability,
    ) -> Result<Self, MsixError> {
        let entries = (capability.word(space, function, 0)? >> 16 & 0x7ff) as u16 + 1;
        let place = capability.word(space, function, 4)?;
        let (bar, offset) = ((place & 0b111) as u8, place & !0b111);
        let bytes = u64::from(entries) * ENTRY_BYTES;
        let table = bars
            .memory(bar)
            .and_then(|window| window.part(u64::from(offset), bytes));
        let table = table.ok_or(MsixError::OutsideBar)?;
        Ok(Self {
            capability,
            function,
            entries,
            bar,
            offset,
            table,
        })
    }

    /// Switches MSI-X on with everything held back, to write the table.
    ///
    /// # Errors
    /// [`MsixError::Capability`].
    pub fn enable_masked(&self, space: &mut impl ConfigurationSpace) -> Result<(), MsixError> {
        self.set_control(space, ENABLE | MASK_ALL)
    }

    /// Switches MSI-X on.
    ///
    /// # Errors
    /// [`MsixError::Capability`].
    pub fn enable(&self, space: &mut impl ConfigurationSpace) -> Result<(), MsixError> {
        self.set_control(space, ENABLE)
    }

    fn set_control(&self, space: &mut impl ConfigurationSpace, bits: u32) -> Result<(), MsixError> {
        let word = self.capability.word(space, self.function, 0)? & !(ENABLE | MASK_ALL);
        Ok(self
            .capability
            .set_word(space, self.function, 0, word | bits)?)
    }
}

/// A table entry that sends `vector` to the first processor's local interrupt controller, as four 32-bit words (Intel SDM 3, 11.11).
#[must_use]
pub const fn entry(vector: u8) -> [u32; 4] {
    const LOCAL_APIC: u32 = 0xfee0_0000;
    [LOCAL_APIC, 0, vector as u32, 0]
}
