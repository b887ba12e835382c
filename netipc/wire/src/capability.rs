//! A capability on the wire.

use crate::Malformed;
use crate::bytes::{put, u32_at, u64_at};

/// An export of the frame's sender, in this session: a row of its table, and which use of the row.
///
/// The generation has 64 bits so that it never comes round: a descriptor of an export that is gone can be told for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// Row of the exporter's table; 0 is the bootstrap export.
    pub index: u32,
    /// Which use of the row, from 1; 0 only for the bootstrap export.
    pub generation: u64,
}

impl Descriptor {
    /// Bytes in a frame.
    pub const LENGTH: usize = 12;
    /// The export that every machine has from the start: its naming. It cannot be released.
    pub const BOOTSTRAP: Self = Self {
        index: 0,
        generation: 0,
    };

    pub(crate) fn read(bytes: &[u8], offset: usize) -> Result<Self, Malformed> {
        let descriptor = Self {
            index: u32_at(bytes, offset),
            generation: u64_at(bytes, offset + 4),
        };
        // Row 0 and generation 0 belong together.
        if (descriptor.index == 0) == (descriptor.generation == 0) {
            Ok(descriptor)
        } else {
            Err(Malformed::Field)
        }
    }

    /// As [`read`](Self::read), for a capability that is passed on: the bootstrap export never is, and 0 stands for "none".
    pub(crate) fn read_optional(bytes: &[u8], offset: usize) -> Result<Option<Self>, Malformed> {
        Self::read(bytes, offset)
            .map(|descriptor| (descriptor != Self::BOOTSTRAP).then_some(descriptor))
    }

    pub(crate) fn write(self, bytes: &mut [u8], offset: usize) {
        put(bytes, offset, self.index.to_le_bytes());
        put(bytes, offset + 4, self.generation.to_le_bytes());
    }

    pub(crate) fn write_optional(descriptor: Option<Self>, bytes: &mut [u8], offset: usize) {
        descriptor.unwrap_or(Self::BOOTSTRAP).write(bytes, offset);
    }
}
