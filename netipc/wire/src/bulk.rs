//! WANT, DATA, STORE, STORED, BULK-REFUSE: bytes that are too many for a message. What they are for is in `docs/bulk.md`.

use crate::bytes::{put, u8_at, u16_at, u32_at, u64_at};
use crate::slot::exactly;
use crate::{FRAME_LENGTH_MAX, HEADER_LENGTH, Malformed, Sequence, SlotIndex, TAG_LENGTH};

/// Bytes of a chunk, but for a transfer's last: what a frame has room for, in whole words.
pub const CHUNK: usize = (FRAME_LENGTH_MAX - HEADER_LENGTH - TAG_LENGTH - data::BYTES) / 8 * 8;
/// Chunks that a WANT speaks of.
pub const CHUNKS_SPOKEN_OF: u32 = u64::BITS;
/// The longest loan in bytes: its chunks' numbers have 32 bits.
pub const LOAN_MAX: u64 = CHUNK as u64 * u32::MAX as u64;

mod about {
    pub const SLOT: usize = 0;
    pub const WAY: usize = 2;
    pub const RESERVED: usize = 3;
    pub const NUMBER: usize = 4;
    pub const SEQUENCE: usize = 8;
    pub const END: usize = 16;
}

mod range {
    pub const OFFSET: usize = super::about::END;
    pub const LENGTH: usize = OFFSET + 8;
    pub const END: usize = LENGTH + 8;
}

mod want {
    pub const CHUNKS: usize = super::range::END;
    pub const FIRST: usize = CHUNKS + 8;
    pub const RESERVED: usize = FIRST + 4;
    pub const END: usize = RESERVED + 4;
}

mod data {
    pub const CHUNK: usize = super::about::END;
    pub const COUNT: usize = CHUNK + 4;
    pub const RESERVED: usize = COUNT + 2;
    pub const BYTES: usize = RESERVED + 2;
}

mod refuse {
    pub const CODE: usize = super::about::END;
    pub const RESERVED: usize = CODE + 2;
    pub const END: usize = CODE + 8;
}

/// What may be done with lent memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Fetch from it.
    Read,
    /// Store into it.
    Write,
    /// Both.
    ReadWrite,
}

impl Access {
    /// The number that stands for it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::ReadWrite => 3,
        }
    }

    /// The access with this number.
    pub const fn from_code(code: u8) -> Result<Self, Malformed> {
        match code {
            1 => Ok(Self::Read),
            2 => Ok(Self::Write),
            3 => Ok(Self::ReadWrite),
            _ => Err(Malformed::Field),
        }
    }

    /// Whether it allows such a transfer.
    #[must_use]
    pub const fn allows(self, way: Direction) -> bool {
        matches!(
            (self, way),
            (Self::ReadWrite, _) | (Self::Read, Direction::Fetch) | (Self::Write, Direction::Store)
        )
    }
}

/// A loan, as it travels with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loan {
    /// Bytes, 1 to [`LOAN_MAX`].
    pub length: u64,
    /// What may be done with them.
    pub access: Access,
}

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the lender to the borrower.
    Fetch,
    /// From the borrower to the lender.
    Store,
}

impl Direction {
    const fn code(self) -> u8 {
        match self {
            Self::Fetch => 1,
            Self::Store => 2,
        }
    }

    const fn from_code(code: u8) -> Result<Self, Malformed> {
        match code {
            1 => Ok(Self::Fetch),
            2 => Ok(Self::Store),
            _ => Err(Malformed::Field),
        }
    }
}

/// Which transfer is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct About {
    /// The slot of the call that the loan belongs to: the lender's.
    pub slot: SlotIndex,
    /// Which call of the slot, from 1.
    pub sequence: Sequence,
    /// Which way the bytes go.
    pub direction: Direction,
    /// Counts the borrower's transfers in the session, from 1.
    pub number: u32,
}

impl About {
    fn read(body: &[u8]) -> Result<Self, Malformed> {
        let about = Self {
            slot: SlotIndex(u16_at(body, about::SLOT)),
            sequence: Sequence(u64_at(body, about::SEQUENCE)),
            direction: Direction::from_code(u8_at(body, about::WAY))?,
            number: u32_at(body, about::NUMBER),
        };
        let wrong = about.sequence == Sequence::NONE
            || about.number == 0
            || u8_at(body, about::RESERVED) != 0;
        if wrong {
            Err(Malformed::Field)
        } else {
            Ok(about)
        }
    }

    fn write(&self, body: &mut [u8]) {
        put(body, about::SLOT, self.slot.0.to_le_bytes());
        put(body, about::WAY, [self.direction.code(), 0]);
        put(body, about::NUMBER, self.number.to_le_bytes());
        put(body, about::SEQUENCE, self.sequence.0.to_le_bytes());
    }
}

/// Bytes of a loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The first one's place in the loan.
    pub offset: u64,
    /// How many, at least 1.
    pub length: u64,
}

impl Range {
    /// Whether all of it lies in so many bytes.
    #[must_use]
    pub const fn fits(self, bytes: u64) -> bool {
        match self.offset.checked_add(self.length) {
            Some(end) => end <= bytes,
            None => false,
        }
    }

    /// How many chunks it has.
    #[must_use]
    pub const fn chunks(self) -> u32 {
        // `read` lets no longer one through.
        self.length.div_ceil(CHUNK as u64) as u32
    }

    /// The bytes of one of its chunks, counted from its own first; `None` if it has not so many chunks.
    #[must_use]
    pub fn chunk(self, chunk: u32) -> Option<(u64, usize)> {
        let start = u64::from(chunk) * CHUNK as u64;
        let left = self.length.checked_sub(start).filter(|left| *left > 0)?;
        Some((start, left.min(CHUNK as u64) as usize))
    }

    fn read(body: &[u8]) -> Result<Self, Malformed> {
        let range = Self {
            offset: u64_at(body, range::OFFSET),
            length: u64_at(body, range::LENGTH),
        };
        if (1..=LOAN_MAX).contains(&range.length) && range.offset <= LOAN_MAX {
            Ok(range)
        } else {
            Err(Malformed::Field)
        }
    }

    fn write(&self, body: &mut [u8]) {
        put(body, range::OFFSET, self.offset.to_le_bytes());
        put(body, range::LENGTH, self.length.to_le_bytes());
    }
}

/// WANT: send me these chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Of which transfer.
    pub about: About,
    /// Which bytes of the loan it moves.
    pub range: Range,
    /// The first chunk that the receiver does not have.
    pub first: u32,
    /// Bit n: chunk `first + n`. None is beyond the range.
    pub chunks: u64,
}

impl Want {
    /// Bytes of the body.
    pub const LENGTH: usize = want::END;

    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        exactly(body, Self::LENGTH)?;
        let want = Self {
            about: About::read(body)?,
            range: Range::read(body)?,
            first: u32_at(body, want::FIRST),
            chunks: u64_at(body, want::CHUNKS),
        };
        let last = u64::from(want.first) + u64::from(want.chunks.checked_ilog2().unwrap_or(0));
        if last >= u64::from(want.range.chunks()) || u32_at(body, want::RESERVED) != 0 {
            return Err(Malformed::Field);
        }
        Ok(want)
    }

    /// Writes the body; `body` has [`LENGTH`](Self::LENGTH) bytes.
    pub fn emit(&self, body: &mut [u8]) {
        self.about.write(body);
        self.range.write(body);
        put(body, want::CHUNKS, self.chunks.to_le_bytes());
        put(body, want::FIRST, self.first.to_le_bytes());
        put(body, want::RESERVED, [0; 4]);
    }
}

/// DATA: a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Of which transfer.
    pub about: About,
    /// Which, from 0.
    pub chunk: u32,
    /// What it says, 1 to [`CHUNK`] bytes.
    pub bytes: &'a [u8],
}

impl<'a> Data<'a> {
    /// Where its bytes begin in a frame.
    pub const BYTES_IN_FRAME: usize = HEADER_LENGTH + data::BYTES;

    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let bytes = body.get(data::BYTES..).ok_or(Malformed::TooShort)?;
        let count = usize::from(u16_at(body, data::COUNT));
        if count == 0 || count > CHUNK || u16_at(body, data::RESERVED) != 0 {
            return Err(Malformed::Field);
        }
        exactly(bytes, count)?;
        Ok(Self {
            about: About::read(body)?,
            chunk: u32_at(body, data::CHUNK),
            bytes,
        })
    }

    /// Bytes of the body.
    #[must_use]
    pub fn length(&self) -> usize {
        data::BYTES + self.bytes.len().min(CHUNK)
    }

    /// Writes the body; `body` has [`length`](Self::length) bytes.
    pub fn emit(&self, body: &mut [u8]) {
        self.about.write(body);
        let count = self.length() - data::BYTES;
        put(body, data::CHUNK, self.chunk.to_le_bytes());
        put(body, data::COUNT, (count as u16).to_le_bytes());
        put(body, data::RESERVED, [0; 2]);
        let room = body.get_mut(data::BYTES..).unwrap_or(&mut []);
        for (to, from) in room.iter_mut().zip(self.bytes) {
            *to = *from;
        }
    }
}

/// Why a lender refuses a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The loan is over, or there never was one.
    Over,
    /// The loan does not allow that.
    NotPermitted,
    /// The loan is not so long.
    OutOfRange,
}

impl Refusal {
    /// The number that stands for it in a frame.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Over => 1,
            Self::NotPermitted => 2,
            Self::OutOfRange => 3,
        }
    }

    const fn from_code(code: u16) -> Result<Self, Malformed> {
        match code {
            1 => Ok(Self::Over),
            2 => Ok(Self::NotPermitted),
            3 => Ok(Self::OutOfRange),
            _ => Err(Malformed::Field),
        }
    }
}

/// Bytes of the body of a STORE.
pub const STORE_LENGTH: usize = range::END;
/// Bytes of the body of a STORED.
pub const STORED_LENGTH: usize = about::END;
/// Bytes of the body of a BULK-REFUSE.
pub const REFUSE_LENGTH: usize = refuse::END;

/// Reads the body of a STORE: there are bytes for this range of the loan.
pub(crate) fn parse_store(body: &[u8]) -> Result<(About, Range), Malformed> {
    exactly(body, STORE_LENGTH)?;
    Ok((storing(body)?, Range::read(body)?))
}

pub(crate) fn emit_store(about: About, range: Range, body: &mut [u8]) {
    about.write(body);
    range.write(body);
}

/// Reads the body of a STORED.
pub(crate) fn parse_stored(body: &[u8]) -> Result<About, Malformed> {
    exactly(body, STORED_LENGTH)?;
    storing(body)
}

pub(crate) fn emit_stored(about: About, body: &mut [u8]) {
    about.write(body);
}

/// Reads the body of a BULK-REFUSE.
pub(crate) fn parse_refuse(body: &[u8]) -> Result<(About, Refusal), Malformed> {
    exactly(body, REFUSE_LENGTH)?;
    let reserved = (refuse::RESERVED..refuse::END).all(|place| u8_at(body, place) == 0);
    let reason = Refusal::from_code(u16_at(body, refuse::CODE))?;
    match reserved {
        true => Ok((About::read(body)?, reason)),
        false => Err(Malformed::Field),
    }
}

pub(crate) fn emit_refuse(about: About, reason: Refusal, body: &mut [u8]) {
    about.write(body);
    put(body, refuse::CODE, u64::from(reason.code()).to_le_bytes());
}

/// What only a store's frames are about.
fn storing(body: &[u8]) -> Result<About, Malformed> {
    let about = About::read(body)?;
    match about.direction {
        Direction::Store => Ok(about),
        Direction::Fetch => Err(Malformed::Field),
    }
}

const _: () = assert!(CHUNK == 1408);
