//! ACK, REFUSE, FAIL and CANCEL-ANSWER: one word of the callee about one call. They share a body: slot, a code, sequence.

use crate::bytes::{put, u16_at, u64_at};
use crate::{Malformed, Sequence, SlotIndex};

mod field {
    pub const SLOT: usize = 0;
    pub const CODE: usize = 2;
    pub const RESERVED: usize = 4;
    pub const SEQUENCE: usize = 8;
    pub const END: usize = 16;
}

/// The body of a frame about a slot.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T>(T);

impl<T: AsRef<[u8]>> Packet<T> {
    /// Looks at lengths and values: `Ok` means that no accessor panics.
    pub fn new_checked(body: T) -> Result<Self, Malformed> {
        let bytes = body.as_ref();
        exactly(bytes, field::END)?;
        if u64_at(bytes, field::SEQUENCE) == Sequence::NONE.0
            || crate::bytes::u32_at(bytes, field::RESERVED) != 0
        {
            return Err(Malformed::Field);
        }
        Ok(Self(body))
    }

    /// The caller's slot.
    pub fn slot(&self) -> SlotIndex {
        SlotIndex(u16_at(self.0.as_ref(), field::SLOT))
    }

    /// Which call of the slot.
    pub fn sequence(&self) -> Sequence {
        Sequence(u64_at(self.0.as_ref(), field::SEQUENCE))
    }

    /// What is said: a reason's or a verdict's number; 0 in an ACK.
    pub fn code(&self) -> u16 {
        u16_at(self.0.as_ref(), field::CODE)
    }
}

/// Which call is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// The caller's slot.
    pub slot: SlotIndex,
    /// Which call of the slot, from 1.
    pub sequence: Sequence,
}

impl Repr {
    /// Bytes of the body.
    pub const LENGTH: usize = field::END;

    /// Reads a body, and the code in it.
    pub fn parse(body: &[u8]) -> Result<(Self, u16), Malformed> {
        let packet = Packet::new_checked(body)?;
        Ok((
            Self {
                slot: packet.slot(),
                sequence: packet.sequence(),
            },
            packet.code(),
        ))
    }

    /// Writes the body with a code in it; `body` has [`LENGTH`](Self::LENGTH) bytes.
    pub fn emit(&self, code: u16, body: &mut [u8]) {
        put(body, field::SLOT, self.slot.0.to_le_bytes());
        put(body, field::CODE, code.to_le_bytes());
        put(body, field::RESERVED, [0; 4]);
        put(body, field::SEQUENCE, self.sequence.0.to_le_bytes());
    }
}

/// Whether a body of fixed length has it.
pub(crate) fn exactly(bytes: &[u8], length: usize) -> Result<(), Malformed> {
    match bytes.len().cmp(&length) {
        core::cmp::Ordering::Less => Err(Malformed::TooShort),
        core::cmp::Ordering::Equal => Ok(()),
        core::cmp::Ordering::Greater => Err(Malformed::TooLong),
    }
}
