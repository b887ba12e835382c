//! What goes in and out of an [`Endpoint`](crate::Endpoint) about lent memory. The prose is in `docs/bulk.md`.

use core::fmt;
use core::ops::Range;

use netipc_wire::bulk;

use crate::types::{Execution, Token};

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
