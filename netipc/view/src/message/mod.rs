//! What replicas say to each other: bytes as a checked view ([`Packet`]) and a representation ([`Message`]) in which an illegal message cannot be
//! written down.
//!
//! A message is what a VIEW frame of netipc holds: it comes from an authenticated peer, whole and unchanged or not at all, but late, twice, or in another
//! order. The first bytes are the kind and [`VERSION`]; numbers are little-endian. What each kind means is said at its type.

mod asks;
pub(crate) mod bytes;
mod entry;
mod kinds;

pub use asks::{Ballot, BallotAnswer, Offer, Probe, ProbeAnswer, Stage, Verdict};
pub(crate) use kinds::chunks;
pub use kinds::{Ack, Append, Chunk, Contents, Grant, Matched, Part};

use netipc_wire::{Malformed, view};

use bytes::{Reader, Writer};

/// The longest message: what a VIEW frame holds.
pub const MESSAGE_LENGTH_MAX: usize = view::LENGTH_MAX;
/// The version of this format.
pub const VERSION: u8 = 1;

/// A message of one replica to another.
#[allow(clippy::large_enum_variant)] // there is no heap to put a chunk on
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Leader to all: entries, and that it leads.
    Append(Append),
    /// Leader to those who are far behind: a part of its table.
    Chunk(Chunk),
    /// To the leader: how far I am, that I am up, and what I ask for.
    Ack(Ack),
    /// Vote for me.
    Ballot(Ballot),
    /// So be it, or not.
    BallotAnswer(BallotAnswer),
    /// Who are you?
    Probe(Probe),
    /// It is me.
    ProbeAnswer(ProbeAnswer),
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// What no replica writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MESSAGE_LENGTH_MAX {
            return Err(Malformed::TooLong);
        }
        let mut reader = Reader(bytes);
        let kind = reader.u8()?;
        if reader.u8()? != VERSION {
            return Err(Malformed::Version);
        }
        let message = match kind {
            1 => Self::Append(Append::read(&mut reader)?),
            2 => Self::Chunk(Chunk::read(&mut reader)?),
            3 => Self::Ack(Ack::read(&mut reader)?),
            4 => Self::Ballot(Ballot::read(&mut reader)?),
            5 => Self::BallotAnswer(BallotAnswer::read(&mut reader)?),
            6 => Self::Probe(Probe::read(&mut reader)?),
            7 => Self::ProbeAnswer(ProbeAnswer::read(&mut reader)?),
            _ => return Err(Malformed::Kind),
        };
        reader.end()?;
        Ok(message)
    }

    /// Writes it at the start of `bytes`, which has [`MESSAGE_LENGTH_MAX`] bytes; how many it took. `None`: it does not fit.
    pub fn emit(&self, bytes: &mut [u8]) -> Option<usize> {
        let mut writer = Writer::new(bytes);
        writer.u8(self.kind());
        writer.u8(VERSION);
        match self {
            Self::Append(append) => append.write(&mut writer),
            Self::Chunk(chunk) => chunk.write(&mut writer),
            Self::Ack(ack) => ack.write(&mut writer),
            Self::Ballot(ballot) => ballot.write(&mut writer),
            Self::BallotAnswer(answer) => answer.write(&mut writer),
            Self::Probe(probe) => probe.write(&mut writer),
            Self::ProbeAnswer(answer) => answer.write(&mut writer),
        }
        writer.finish()
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Append(_) => 1,
            Self::Chunk(_) => 2,
            Self::Ack(_) => 3,
            Self::Ballot(_) => 4,
            Self::BallotAnswer(_) => 5,
            Self::Probe(_) => 6,
            Self::ProbeAnswer(_) => 7,
        }
    }
}

/// Bytes that were checked to be a message.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T>(T);

impl<T: AsRef<[u8]>> Packet<T> {
    /// Looks at every length and every value: `Ok` means that [`message`](Self::message) gives one.
    ///
    /// # Errors
    /// What no replica writes.
    pub fn new_checked(buffer: T) -> Result<Self, Malformed> {
        Message::parse(buffer.as_ref())?;
        Ok(Self(buffer))
    }

    /// The message; `None` only if the buffer gives other bytes than when it was checked.
    pub fn message(&self) -> Option<Message> {
        Message::parse(self.0.as_ref()).ok()
    }
}
