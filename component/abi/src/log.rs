//! What lies in a log ring: records of one byte, the kind, and the payload.

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A line of text, UTF-8, without its end.
    Text = 0,
    /// A `defmt` frame, without its closing zero.
    Defmt = 1,
    /// So many records were lost here: a little-endian `u64`.
    Lost = 2,
}

impl Kind {
    /// The byte.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Reads the byte.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Text),
            1 => Some(Self::Defmt),
            2 => Some(Self::Lost),
            _ => None,
        }
    }
}

/// Bytes of one record's text, at most; the runtime breaks longer lines.
pub const TEXT_BYTES: usize = 240;
/// Bytes of one record's `defmt` frame, at most; the runtime drops longer ones, and counts them.
pub const FRAME_BYTES: usize = 512;
/// Bytes of a record, its kind included.
pub const RECORD_BYTES: usize = 1 + FRAME_BYTES;
