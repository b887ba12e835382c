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
