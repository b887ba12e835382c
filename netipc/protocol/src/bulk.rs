//! What goes in and out of an [`Endpoint`] about lent memory. The prose is in `docs/bulk.md`.

use core::fmt;
use core::ops::Range;

use netipc_wire::frame::claims;
use netipc_wire::{Header, Kind, Message, bulk};

use crate::cipher::Cipher;
use crate::endpoint::{Endpoint, Random};
use crate::time::Instant;
use crate::touched::Question;
use crate::types::{Execution, Token, Transmit};

pub use netipc_wire::bulk::{Access, CHUNK, Direction, LOAN_MAX, Loan};

/// The proxy's own name for memory, given back with each chunk that is read or written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u64);

/// Memory that is lent for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lending {
    /// Where it is: it stays there until the call is complete.
    pub place: Place,
    /// How much, and what for.
    pub loan: Loan,
}

/// Bytes that are to be fetched from a loan, or stored into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Given back with its end.
    pub token: Token,
    /// The request that the loan came with, which is still at work.
    pub execution: Execution,
    /// Which way.
    pub direction: Direction,
    /// Memory of this machine: it stays there until the transfer has ended.
    pub place: Place,
    /// Where in it the first byte goes to, or comes from.
    pub at: u64,
    /// Where in the loan it is.
    pub offset: u64,
    /// Bytes, 1 to [`LOAN_MAX`].
    pub length: u64,
}

/// Why a transfer has ended, or was not begun. Some, all or none of the bytes have been moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferEnd {
    /// The request is answered, cancelled, or over: and with it the loan.
    Over,
    /// The loan does not allow that.
    NotPermitted,
    /// The loan is not so long.
    OutOfRange,
    /// The session has ended.
    PeerLost,
    /// There are as many transfers with this peer as there may be.
    Overload,
}

impl From<bulk::Refusal> for TransferEnd {
    fn from(refusal: bulk::Refusal) -> Self {
        match refusal {
            bulk::Refusal::Over => Self::Over,
            bulk::Refusal::NotPermitted => Self::NotPermitted,
            bulk::Refusal::OutOfRange => Self::OutOfRange,
        }
    }
}

impl fmt::Display for TransferEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Over => "the loan is over",
            Self::NotPermitted => "the loan does not allow that",
            Self::OutOfRange => "the loan is not so long",
            Self::PeerLost => "the peer is silent, or another session has begun",
            Self::Overload => "too many transfers with this peer",
        })
    }
}

impl core::error::Error for TransferEnd {}

/// A chunk that has come, and is to be written now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Into which memory.
    pub place: Place,
    /// Where in it.
    pub offset: u64,
    /// Which bytes of the frame that was handled last.
    pub in_frame: Range<usize>,
}

/// Whether a frame that has come says that it carries a chunk: it may be handled later than others that came after it, or be lost.
#[must_use]
pub fn carries_chunk(frame: &[u8]) -> bool {
    claims(frame, Kind::Data)
}

/// A chunk that is to be read, and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// From which memory.
    pub place: Place,
    /// Where in it.
    pub offset: u64,
    /// Bytes.
    pub length: usize,
}

impl<C: Cipher, R: Random, const PEERS: usize, const SLOTS: usize, const ROWS: usize>
    Endpoint<C, R, PEERS, SLOTS, ROWS>
{
    /// A chunk of lent memory came in the frame that was handled last: it is to be written now, before anything else is asked of this endpoint.
    /// From now on it counts as written. If nobody asks, it was lost on the way.
    pub fn arrived(&mut self, now: Instant) -> Option<Arrived> {
        let index = self.arriving.take()?;
        self.touched.touch(index);
        self.peers[index].arrived(now, self.faults)
    }

    /// Begins to fetch from a loan, or to store into it; [`Event::Transferred`](crate::Event::Transferred) follows.
    ///
    /// # Errors
    /// Nothing was begun.
    pub fn transfer(&mut self, now: Instant, transfer: &Transfer) -> Result<(), TransferEnd> {
        let peer = self.find(transfer.execution.node);
        peer.ok_or(TransferEnd::Over)?.transfer(now, transfer)
    }

    /// Whether [`poll_bulk`](Self::poll_bulk) may have something.
    pub fn has_bulk(&mut self) -> bool {
        let unasked = self.touched.unasked(Question::Chunk);
        for index in unasked.iter() {
            if self.peers[index].has_chunks() {
                return true;
            }
            self.touched.answered(Question::Chunk, index);
        }
        false
    }

    /// The next chunk of lent memory to send, written at the start of `buffer`, as [`poll_transmit`](Self::poll_transmit) does with what must not wait:
    /// that is asked first, and as often as this. `fill` reads the chunk.
    pub fn poll_bulk(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        fill: impl FnOnce(&Chunk, &mut [u8]),
    ) -> Option<Transmit> {
        /// Where `fill` writes.
        static BLANK: [u8; CHUNK] = [0; CHUNK];
        let (index, (about, chunk, from)) = self
            .in_turn(Question::Chunk, self.bulk_first)
            .find_map(|index| {
                let next = self.peers[index].next_chunk(self.faults);
                if next.is_none() {
                    self.touched.answered(Question::Chunk, index);
                }
                Some((index, next?))
            })?;
        self.bulk_first = (index + 1) % self.count;
        let to = self.peers[index].node()?;
        let (session, number) = self.peers[index].numbering()?;
        let bytes = BLANK.get(..from.length)?;
        let message = Message::Data(bulk::Data {
            about,
            chunk,
            bytes,
        });
        let header = Header {
            kind: message.kind(),
            key: self.cipher.key(to, session),
            session,
            number,
        };
        let frame = message.emit(session, header.key, number, buffer)?;
        let start = bulk::Data::BYTES_IN_FRAME;
        fill(&from, frame.get_mut(start..start + from.length)?);
        self.cipher.seal(to, &header, frame);
        let length = frame.len();
        self.peers[index].sent_chunk();
        self.renew_key(now, index, to, session);
        self.touched.touch(index);
        Some(Transmit { to, length })
    }
}
