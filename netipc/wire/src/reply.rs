//! REPLY: the server's answer.

use crate::bytes::{put, u16_at, u32_at, u64_at};
use crate::request::words_of;
use crate::{Capability, Malformed, Sequence, SlotIndex, Words};

mod field {
    use crate::Capability;

    pub const SLOT: usize = 0;
    pub const COUNT: usize = 2;
    pub const RESERVED: usize = 4;
    pub const SEQUENCE: usize = 8;
    pub const CAPABILITY: usize = 16;
    pub const LABEL: usize = CAPABILITY + Capability::LENGTH;
    pub const WORDS: usize = LABEL + 8;
}

/// The body of a REPLY.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T>(T);

impl<T: AsRef<[u8]>> Packet<T> {
    /// Looks at lengths and values: `Ok` means that no accessor panics.
    pub fn new_checked(body: T) -> Result<Self, Malformed> {
        let bytes = body.as_ref();
        words_of(bytes, field::COUNT, field::WORDS)?;
        if u64_at(bytes, field::SEQUENCE) == Sequence::NONE.0 || u32_at(bytes, field::RESERVED) != 0
        {
            return Err(Malformed::Field);
        }
        match Capability::read(bytes, field::CAPABILITY)? {
            Some(Capability::Lent(_)) => Err(Malformed::Field),
            _ => Ok(Self(body)),
        }
    }

    /// The caller's slot.
    pub fn slot(&self) -> SlotIndex {
        SlotIndex(u16_at(self.0.as_ref(), field::SLOT))
    }

    /// Which call of the slot.
    pub fn sequence(&self) -> Sequence {
        Sequence(u64_at(self.0.as_ref(), field::SEQUENCE))
    }

    /// A capability that comes with it.
    pub fn capability(&self) -> Option<Capability> {
        Capability::read(self.0.as_ref(), field::CAPABILITY).unwrap_or(None)
    }

    /// The message's label.
    pub fn label(&self) -> u64 {
        u64_at(self.0.as_ref(), field::LABEL)
    }

    /// The message's words.
    pub fn words(&self) -> Words<'_> {
        Words::in_frame(self.0.as_ref().get(field::WORDS..).unwrap_or(&[]))
    }
}

/// A reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr<'a> {
    /// The caller's slot.
    pub slot: SlotIndex,
    /// Which call of the slot, from 1.
    pub sequence: Sequence,
    /// A capability that comes with it.
    pub capability: Option<Capability>,
    /// The message's label.
    pub label: u64,
    /// The message's words.
    pub words: Words<'a>,
}

impl<'a> Repr<'a> {
    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let packet = Packet::new_checked(body)?;
        Ok(Self {
            slot: packet.slot(),
            sequence: packet.sequence(),
            capability: packet.capability(),
            label: packet.label(),
            words: Words::in_frame(body.get(field::WORDS..).unwrap_or(&[])),
        })
    }

    /// Bytes of the body.
    #[must_use]
    pub const fn length(&self) -> usize {
        field::WORDS + 8 * self.words.len()
    }

    /// Writes the body; `body` has [`length`](Self::length) bytes.
    pub fn emit(&self, body: &mut [u8]) {
        put(body, field::SLOT, self.slot.0.to_le_bytes());
        put(body, field::COUNT, (self.words.len() as u16).to_le_bytes());
        put(body, field::RESERVED, [0; 4]);
        put(body, field::SEQUENCE, self.sequence.0.to_le_bytes());
        Capability::write(self.capability, body, field::CAPABILITY);
        put(body, field::LABEL, self.label.to_le_bytes());
        self.words
            .write(body.get_mut(field::WORDS..).unwrap_or(&mut []));
    }
}
