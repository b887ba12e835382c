//! REQUEST and ONEWAY: a message for an export.

use crate::bytes::{put, u16_at, u32_at, u64_at};
use crate::{Capability, Descriptor, Malformed, Order, Sequence, SlotIndex, WORDS_MAX, Words};

mod field {
    use crate::{Capability, Descriptor};

    pub const SLOT: usize = 0;
    pub const COUNT: usize = 2;
    pub const BUDGET: usize = 4;
    pub const SEQUENCE: usize = 8;
    pub const TARGET: usize = 16;
    pub const CAPABILITY: usize = TARGET + Descriptor::LENGTH;
    pub const ORDER: usize = CAPABILITY + Capability::LENGTH;
    pub const LABEL: usize = ORDER + 8;
    pub const WORDS: usize = LABEL + 8;
}

/// Bytes of the body before the words.
pub const FIXED_LENGTH: usize = field::WORDS;

/// Whether the sender waits for an answer. It is told by the frame's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// A call: REQUEST.
    Call,
    /// A message: ONEWAY. The callee's REPLY only says that it was delivered.
    OneWay,
}

/// The body of a REQUEST or ONEWAY.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T>(T);

impl<T: AsRef<[u8]>> Packet<T> {
    /// Looks at lengths and values: `Ok` means that no accessor panics.
    pub fn new_checked(body: T) -> Result<Self, Malformed> {
        let bytes = body.as_ref();
        let count = words_of(bytes, field::COUNT, field::WORDS)?;
        debug_assert!(count <= WORDS_MAX);
        if u64_at(bytes, field::SEQUENCE) == Sequence::NONE.0 {
            return Err(Malformed::Field);
        }
        Descriptor::read(bytes, field::TARGET)?;
        Capability::read(bytes, field::CAPABILITY)?;
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

    /// What is called: an export of the receiver.
    pub fn target(&self) -> Descriptor {
        Descriptor::read(self.0.as_ref(), field::TARGET).unwrap_or(Descriptor::BOOTSTRAP)
    }

    /// A capability that comes with it.
    pub fn capability(&self) -> Option<Capability> {
        Capability::read(self.0.as_ref(), field::CAPABILITY).unwrap_or(None)
    }

    /// Which request to this export in this session.
    pub fn order(&self) -> Order {
        Order(u64_at(self.0.as_ref(), field::ORDER))
    }

    /// What is left of the caller's time, in microseconds.
    pub fn budget_us(&self) -> u32 {
        u32_at(self.0.as_ref(), field::BUDGET)
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

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr<'a> {
    /// The caller's slot.
    pub slot: SlotIndex,
    /// Which call of the slot, from 1.
    pub sequence: Sequence,
    /// What is called: an export of the receiver.
    pub target: Descriptor,
    /// A capability that comes with it.
    pub capability: Option<Capability>,
    /// Which request to this export in this session.
    pub order: Order,
    /// What is left of the caller's time, in microseconds.
    pub budget_us: u32,
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
            target: packet.target(),
            capability: packet.capability(),
            order: packet.order(),
            budget_us: packet.budget_us(),
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
        put(body, field::BUDGET, self.budget_us.to_le_bytes());
        put(body, field::SEQUENCE, self.sequence.0.to_le_bytes());
        self.target.write(body, field::TARGET);
        Capability::write(self.capability, body, field::CAPABILITY);
        put(body, field::ORDER, self.order.0.to_le_bytes());
        put(body, field::LABEL, self.label.to_le_bytes());
        self.words
            .write(body.get_mut(field::WORDS..).unwrap_or(&mut []));
    }
}

/// The number of words that a body announces, if the body is exactly so long.
pub(crate) fn words_of(bytes: &[u8], count: usize, words: usize) -> Result<usize, Malformed> {
    if bytes.len() < words {
        return Err(Malformed::TooShort);
    }
    let count = usize::from(u16_at(bytes, count));
    if count > WORDS_MAX {
        return Err(Malformed::Field);
    }
    if crate::fault::is_planted() {
        return Ok(count);
    }
    match bytes.len().cmp(&(words + 8 * count)) {
        core::cmp::Ordering::Less => Err(Malformed::TooShort),
        core::cmp::Ordering::Equal => Ok(count),
        core::cmp::Ordering::Greater => Err(Malformed::TooLong),
    }
}
