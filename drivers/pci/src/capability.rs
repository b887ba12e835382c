//! The list of a function's capabilities.
use core::fmt;

use crate::function::{ConfigurationSpace, Function, Register};

/// Where capabilities may start: behind the header.
const FIRST: u8 = 0x40;
/// Capabilities that fit 192 bytes at 4 bytes each: a longer list loops.
const MOST: u8 = (u8::MAX - FIRST) / 4 + 1;

/// A capability: what it is and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Its number in the PCI Code and ID Assignment list.
    pub id: u8,
    offset: u8,
}

/// Why a capability cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapabilityError {
    /// The list has more entries than there is room for: it loops.
    Loop,
    /// An entry lies within the header.
    InHeader,
    /// The capability reaches beyond the 256 bytes of configuration.
    Truncated,
}

impl fmt::Display for CapabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loop => "the list of capabilities loops",
            Self::InHeader => "the list of capabilities leads into the header",
            Self::Truncated => "a capability reaches beyond configuration space",
        })
    }
}

impl core::error::Error for CapabilityError {}

impl Capability {
    /// The 32-bit word at `offset`, a multiple of four, from the capability's start.
    ///
    /// # Errors
    /// [`CapabilityError::Truncated`].
    pub fn word(
        self,
        space: &mut impl ConfigurationSpace,
        function: Function,
        offset: u8,
    ) -> Result<u32, CapabilityError> {
        Ok(space.read(function, self.register(offset)?))
    }

    /// Writes the 32-bit word at `offset`, a multiple of four, from the capability's start.
    ///
    /// # Errors
    /// [`CapabilityError::Truncated`].
    pub fn set_word(
        self,
        space: &mut impl ConfigurationSpace,
        function: Function,
        offset: u8,
        value: u32,
    ) -> Result<(), CapabilityError> {
        space.write(function, self.register(offset)?, value);
        Ok(())
    }

    fn register(self, offset: u8) -> Result<Register, CapabilityError> {
        let at = self.offset.checked_add(offset);
        at.map(Register::containing)
            .ok_or(CapabilityError::Truncated)
    }
}

/// The iterator over a function's capabilities. It ends after the first error.
pub struct Capabilities<'s, S> {
    space: &'s mut S,
    function: Function,
    next: u8,
    left: u8,
}

impl<'s, S: ConfigurationSpace> Capabilities<'s, S> {
    /// The capabilities of `function`.
    pub fn new(space: &'s mut S, function: Function) -> Self {
        /// The bit of the status register that says that there is a list.
        const HAS_LIST: u32 = 1 << (16 + 4);
        let present = space.read(function, Register::COMMAND) & HAS_LIST != 0;
        let next = if present {
            space.read(function, Register::CAPABILITIES) as u8
        } else {
            0
        };
        Self {
            space,
            function,
            next,
            left: MOST,
        }
    }

    fn fail(&mut self, error: CapabilityError) -> Option<Result<Capability, CapabilityError>> {
        self.next = 0;
        Some(Err(error))
    }
}

impl<S: ConfigurationSpace> Iterator for Capabilities<'_, S> {
    type Item = Result<Capability, CapabilityError>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.next & !3; // the two lowest bits are reserved
        if offset == 0 {
            return None;
        }
        if offset < FIRST {
            return self.fail(CapabilityError::InHeader);
        }
        let Some(left) = self.left.checked_sub(1) else {
            return self.fail(CapabilityError::Loop);
        };
        self.left = left;
        let word = self.space.read(self.function, Register::containing(offset));
        self.next = (word >> 8) as u8;
        Some(Ok(Capability {
            id: word as u8,
            offset,
        }))
    }
}
