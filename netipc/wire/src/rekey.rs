//! REKEY and REKEY-ACK: a new key for a session that goes on. They are frames of the session, under its present key.

use crate::Malformed;
use crate::bytes::{put, u16_at, u32_at};
use crate::handshake::EXTENSION_MAX;
use crate::slot::exactly;

mod field {
    pub const KEY: usize = 0;
    pub const LENGTH: usize = 4;
    pub const RESERVED: usize = 6;
    pub const MESSAGE: usize = 8;
}

/// A REKEY or REKEY-ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr<'a> {
    /// Which key this is to be, or is; never the session's first.
    pub key: u32,
    /// The key exchange's message: at most [`EXTENSION_MAX`] bytes; more is cut.
    pub message: &'a [u8],
}

impl<'a> Repr<'a> {
    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let message = body.get(field::MESSAGE..).ok_or(Malformed::TooShort)?;
        let length = usize::from(u16_at(body, field::LENGTH));
        if length > EXTENSION_MAX {
            return Err(Malformed::Field);
        }
        exactly(body, field::MESSAGE + length)?;
        let key = u32_at(body, field::KEY);
        if key == 0 || u16_at(body, field::RESERVED) != 0 {
            return Err(Malformed::Field);
        }
        Ok(Self { key, message })
    }

    /// Bytes of the body.
    #[must_use]
    pub fn length(&self) -> usize {
        field::MESSAGE + self.message.len().min(EXTENSION_MAX)
    }

    /// Writes the body; `body` has [`length`](Self::length) bytes.
    pub fn emit(&self, body: &mut [u8]) {
        put(body, field::KEY, self.key.to_le_bytes());
        let length = self.length() - field::MESSAGE;
        put(body, field::LENGTH, (length as u16).to_le_bytes());
        put(body, field::RESERVED, [0; 2]);
        let room = body.get_mut(field::MESSAGE..).unwrap_or(&mut []);
        for (to, from) in room.iter_mut().zip(self.message) {
            *to = *from;
        }
    }
}
