//! CANCEL, and the verdict of a CANCEL-ANSWER.

use crate::bytes::{put, u16_at, u32_at, u64_at};
use crate::slot::exactly;
use crate::{Descriptor, Malformed, Order, Sequence, SlotIndex};

mod field {
    use crate::Descriptor;

    pub const SLOT: usize = 0;
    pub const RESERVED: usize = 2;
    pub const SEQUENCE: usize = 8;
    pub const TARGET: usize = 16;
    pub const ORDER: usize = TARGET + Descriptor::LENGTH;
    pub const END: usize = ORDER + 8;
}

/// What a cancelled request has come to, by the callee's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It was never handed to a worker, and never will be.
    NeverRan,
    /// It ran to its end.
    Ran,
    /// A worker took it: it may still run, or was aborted.
    Running,
}

impl Verdict {
    /// The number that stands for it in a frame.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::NeverRan => 1,
            Self::Ran => 2,
            Self::Running => 3,
        }
    }

    /// The verdict with this number.
    pub const fn from_code(code: u16) -> Result<Self, Malformed> {
        match code {
            1 => Ok(Self::NeverRan),
            2 => Ok(Self::Ran),
            3 => Ok(Self::Running),
            _ => Err(Malformed::Field),
        }
    }
}

/// The body of a CANCEL.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T>(T);

impl<T: AsRef<[u8]>> Packet<T> {
    /// Looks at lengths and values: `Ok` means that no accessor panics.
    pub fn new_checked(body: T) -> Result<Self, Malformed> {
        let bytes = body.as_ref();
        exactly(bytes, field::END)?;
        if u64_at(bytes, field::SEQUENCE) == Sequence::NONE.0
            || u32_at(bytes, field::RESERVED) != 0
            || u16_at(bytes, field::RESERVED + 4) != 0
        {
            return Err(Malformed::Field);
        }
        Descriptor::read(bytes, field::TARGET)?;
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

    /// What was called.
    pub fn target(&self) -> Descriptor {
        Descriptor::read(self.0.as_ref(), field::TARGET).unwrap_or(Descriptor::BOOTSTRAP)
    }

    /// The request's number, which is not to be waited for any more.
    pub fn order(&self) -> Order {
        Order(u64_at(self.0.as_ref(), field::ORDER))
    }
}

/// A cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// The caller's slot.
    pub slot: SlotIndex,
    /// Which call of the slot, from 1.
    pub sequence: Sequence,
    /// What was called.
    pub target: Descriptor,
    /// The request's number, which is not to be waited for any more.
    pub order: Order,
}

impl Repr {
    /// Bytes of the body.
    pub const LENGTH: usize = field::END;

    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let packet = Packet::new_checked(body)?;
        Ok(Self {
            slot: packet.slot(),
            sequence: packet.sequence(),
            target: packet.target(),
            order: packet.order(),
        })
    }

    /// Writes the body; `body` has [`LENGTH`](Self::LENGTH) bytes.
    pub fn emit(&self, body: &mut [u8]) {
        put(body, field::SLOT, self.slot.0.to_le_bytes());
        put(body, field::RESERVED, [0; 6]);
        put(body, field::SEQUENCE, self.sequence.0.to_le_bytes());
        self.target.write(body, field::TARGET);
        put(body, field::ORDER, self.order.0.to_le_bytes());
    }
}
