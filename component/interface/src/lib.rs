//! Typed calls: a pure codec between Rust values and messages, and the stubs on both sides of a call.
//!
//! An interface is a list of methods ([`interface!`]). Of each method there is a type that implements [`Method`]: label,
//! arguments, reply, error. [`call`] encodes, has a [`Transport`] carry the message, and decodes the answer; the generated
//! `dispatch` does the same on the server's side. Scalars take a word each and travel in registers as long as arguments and
//! reply have at most four words; whatever is longer follows in the message's other words.
//!
//! It never touches the kernel: `isthmus-runtime` is the transport on the target, [`loopback`] the one of host tests. It
//! never allocates. Next: `docs/labels.md`; `examples/kv/interface` for an interface in use.
#![no_std]
#![forbid(unsafe_code)]

mod bytes;
mod client;
pub mod loopback;
mod macros;
mod server;
mod wire;

pub use bytes::Encoded;
pub use client::{CallError, Called, Incoming, Outgoing, ShortAnswer, Transport, call, send};
pub use isthmus_abi as abi;
pub use server::{Answer, Disposition, Request, decode, refuse};
pub use wire::{Malformed, Reader, TooLong, Wire, Writer};

use isthmus_abi::Label;

/// Whether a message carries a capability. The kernel passes one, and drops the rest without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// No capability.
    Nothing,
    /// One.
    Capability,
}

/// One method of an interface.
pub trait Method {
    /// Its name, for people.
    const NAME: &'static str;
    /// What identifies it: a hash of its signature, its ordinal, whether it is one-way.
    const LABEL: Label;
    /// Whether the request carries a capability.
    const TAKES: Passes;
    /// Whether the reply carries a capability. An error never does.
    const GIVES: Passes;
    /// The arguments, as a tuple.
    type Arguments: Wire;
    /// The result.
    type Reply: Wire;
    /// The interface's own error.
    type Error: Wire;
}

/// Words that fit the registers, on every architecture.
pub(crate) const SHORT: usize = isthmus_abi::limits::REGISTER_WORDS;
/// Words of the longest message.
pub(crate) const LONG: usize = isthmus_abi::limits::MESSAGE_WORDS;
