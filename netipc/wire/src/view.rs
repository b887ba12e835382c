//! VIEW: a message of one machine's view of the cluster to another's. What it says is `netipc-view`'s; here it is bytes.

use crate::bytes::{put, u16_at};
use crate::slot::exactly;
use crate::{FRAME_LENGTH_MAX, HEADER_LENGTH, Malformed, TAG_LENGTH};

mod field {
    pub const LENGTH: usize = 0;
    pub const RESERVED: usize = 2;
    pub const MESSAGE: usize = 4;
}

/// The longest message: what is left of a frame.
pub const LENGTH_MAX: usize = FRAME_LENGTH_MAX - HEADER_LENGTH - field::MESSAGE - TAG_LENGTH;

/// A VIEW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr<'a> {
    /// What it says: 1 to [`LENGTH_MAX`] bytes; more is cut.
    pub said: &'a [u8],
}

impl<'a> Repr<'a> {
    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let said = body.get(field::MESSAGE..).ok_or(Malformed::TooShort)?;
        let length = usize::from(u16_at(body, field::LENGTH));
        if length == 0 || length > LENGTH_MAX || u16_at(body, field::RESERVED) != 0 {
            return Err(Malformed::Field);
        }
        exactly(body, field::MESSAGE + length)?;
        Ok(Self { said })
    }

    /// Bytes of the body.
    #[must_use]
    pub fn length(&self) -> usize {
        field::MESSAGE + self.said.len().min(LENGTH_MAX)
    }

    /// Writes the body; `body` has [`length`](Self::length) bytes.
    pub fn emit(&self, body: &mut [u8]) {
        let length = self.length() - field::MESSAGE;
        put(body, field::LENGTH, (length as u16).to_le_bytes());
        put(body, field::RESERVED, [0; 2]);
        let room = body.get_mut(field::MESSAGE..).unwrap_or(&mut []);
        for (to, from) in room.iter_mut().zip(self.said) {
            *to = *from;
        }
    }
}
