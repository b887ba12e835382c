//! Every netipc frame, as a checked view and a representation.
//!
//! For each kind of frame there is a `Packet<T>`, a view over bytes whose `new_checked` looks at every length and every value
//! once, so that its accessors cannot panic afterwards, and a `Repr`, in which an illegal frame cannot be written down
//! (`parse` and `emit`). [`Message`] is the sum of them.
//!
//! This crate never decides anything, keeps no state, allocates nothing, and knows neither cipher nor time: the last
//! [`TAG_LENGTH`] bytes of a frame are room for the cipher's tag. Next: `netipc-protocol`, which gives the frames their
//! meaning; the prose is in `docs/netipc.md`.
#![no_std]
#![forbid(unsafe_code)]

mod bytes;
mod fault;
mod ids;
mod words;

pub mod bulk;
pub mod cancel;
pub mod capability;
pub mod frame;
pub mod grant;
pub mod handshake;
pub mod message;
pub mod ping;
pub mod rekey;
pub mod reply;
pub mod request;
pub mod slot;
pub mod view;

pub use cancel::Verdict;
pub use capability::{Capability, Descriptor, Grant};
#[cfg(feature = "planted-faults")]
pub use fault::plant;
pub use frame::{Header, Kind};
pub use ids::{BootId, ClusterId, NodeId, Nonce, Order, Sequence, SessionId, SlotIndex};
pub use message::Message;
pub use request::Way;
pub use words::Words;

use core::fmt;

/// The longest frame: what is left of an Ethernet frame's 1500 bytes after an IPv4 and a UDP header.
pub const FRAME_LENGTH_MAX: usize = 1472;
/// Bytes of the header that every frame begins with.
pub const HEADER_LENGTH: usize = 24;
/// Bytes at the end of every frame that belong to the cipher: as many as an AEAD's tag.
pub const TAG_LENGTH: usize = 16;
/// The version of this format.
pub const VERSION: u8 = 1;
/// Words of a message: what the kernel carries.
pub const WORDS_MAX: usize = isthmus_abi::limits::MESSAGE_WORDS;

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than its kind, or than the lengths in it, say.
    TooShort,
    /// Longer than any frame, or with bytes left over.
    TooLong,
    /// It does not begin as our frames do.
    NotOurs,
    /// A version that this crate does not speak.
    Version,
    /// A kind that does not exist.
    Kind,
    /// A field has a value that no sender writes.
    Field,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "the frame is too short",
            Self::TooLong => "the frame is too long",
            Self::NotOurs => "not a netipc frame",
            Self::Version => "a version of netipc that is not spoken here",
            Self::Kind => "a kind of frame that does not exist",
            Self::Field => "a field has an illegal value",
        })
    }
}

impl core::error::Error for Malformed {}

const _: () = assert!(
    HEADER_LENGTH + request::FIXED_LENGTH + WORDS_MAX * 8 + TAG_LENGTH <= FRAME_LENGTH_MAX,
    "a full message with its capability fits one frame"
);
