//! Typed calls: a pure codec between Rust values and messages, and the stubs on both sides of a call.
//!
//! An interface is a trait under the attribute [`macro@interface`]. Of each of its methods there is a type that implements [`Method`] and
//! holds the arguments: a request. [`call`] encodes one, has a [`Transport`] carry the message, and decodes the answer; the generated
//! `dispatch` does the same on the server's side. Scalars take a word each and travel in registers as long as arguments, reply
//! and error have at most four words each; whatever is longer follows in the message's other words.
//!
//! It never touches the kernel: `isthmus-runtime` is the transport on the target, [`loopback`] the one of host tests. It
//! never allocates. Next: `docs/interfaces.md`; `examples/kv/interface` for an interface in use.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(not(target_os = "none"))]
extern crate std;

mod bytes;
mod capability;
mod carried;
mod client;
mod errors;
#[cfg(not(target_os = "none"))]
pub mod header;
mod later;
#[cfg(not(target_os = "none"))]
pub mod loopback;
#[cfg(not(target_os = "none"))]
pub mod mistreat;
mod server;
mod shape;
#[doc(hidden)]
pub mod staging;
mod wire;

pub use bytes::Encoded;
pub use capability::{
    Anything, Cap, Capability, Exhausted, Kind, Notification, Own, OwnEndpoint, System,
};
pub use client::{
    CallError, Called, Incoming, Outgoing, ShortAnswer, Transport, call, read_incoming, send,
};
pub use isthmus_abi as abi;
pub use isthmus_interface_macros::{Wire, interface};
pub use later::Later;
pub use server::{Answer, Caller, Disposition, Request, decode, refuse};
pub use shape::Shape;
pub use wire::{Malformed, Reader, TooLong, Wire, Writer};

/// What the macros' output needs and nobody else.
#[doc(hidden)]
pub mod private {
    pub use crate::carried::{BySerde, Carried, must_fit};
}

use isthmus_abi::Label;

/// Whether a message carries a capability. The kernel passes one, and drops the rest without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// No capability.
    Nothing,
    /// One or none.
    Optional,
    /// One.
    Capability,
}

/// How many words a value takes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many.
    Words(usize),
    /// It depends on the value: it is looked at when it is sent.
    Unknown,
}

impl Size {
    /// Values one after the other.
    #[must_use]
    pub const fn sum(sizes: &[Self]) -> Self {
        let mut sum = 0;
        let mut i = 0;
        while i < sizes.len() {
            match sizes[i] {
                Self::Words(words) => sum += words,
                Self::Unknown => return Self::Unknown,
            }
            i += 1;
        }
        Self::Words(sum)
    }

    /// Whether it travels in registers.
    #[must_use]
    pub const fn is_short(self) -> bool {
        matches!(self, Self::Words(words) if words <= SHORT)
    }

    /// Whether it cannot fit one message.
    #[must_use]
    pub const fn is_too_long(self) -> bool {
        matches!(self, Self::Words(words) if words > LONG)
    }
}

/// One method of an interface; a value of it is a request, with its arguments but for the capability.
pub trait Method: Sized {
    /// Its name, for people.
    const NAME: &'static str;
    /// What identifies it: a hash of its signature, its ordinal, whether it is one-way.
    const LABEL: Label;
    /// Whether the request carries a capability.
    const TAKES: Passes;
    /// Whether the reply carries a capability. An error never does.
    const GIVES: Passes;
    /// The arguments' size.
    const ARGUMENTS: Size;
    /// The reply's size.
    const REPLY: Size;
    /// The error's size.
    const ERROR: Size;
    /// The interface that it belongs to: `dyn Trait`.
    type Interface: ?Sized;
    /// The result, but for the capability.
    type Reply;
    /// The interface's own error.
    type Error;

    /// Writes the arguments.
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong>;
    /// Reads the arguments.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
    /// Writes a reply.
    fn write_reply(reply: &Self::Reply, writer: &mut Writer<'_>) -> Result<(), TooLong>;
    /// Reads a reply.
    fn read_reply(reader: &mut Reader<'_>) -> Result<Self::Reply, Malformed>;
    /// Writes an error.
    fn write_error(error: &Self::Error, writer: &mut Writer<'_>) -> Result<(), TooLong>;
    /// Reads an error.
    fn read_error(reader: &mut Reader<'_>) -> Result<Self::Error, Malformed>;
}

/// What an interface says about one of its methods, for tools and tests.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// Its label.
    pub label: Label,
    /// Whether the request carries a capability.
    pub takes: Passes,
    /// Whether the reply carries one.
    pub gives: Passes,
    /// The arguments' size.
    pub arguments: Size,
    /// The arguments in words: names and types, as they are written.
    pub parameters: &'static [(&'static str, &'static str)],
    /// What the arguments look like in words; `None` for what `serde` carries.
    pub shapes: &'static [Option<Shape>],
    /// What the reply looks like.
    pub reply_shape: Option<Shape>,
    /// What the error looks like.
    pub error_shape: Option<Shape>,
    /// The reply's type in words, as it is written.
    pub reply: &'static str,
    /// The error's.
    pub error: &'static str,
}

impl Described {
    /// A method.
    #[must_use]
    #[doc(hidden)]
    pub const fn of<M: Method>(
        name: &'static str,
        parameters: &'static [(&'static str, &'static str)],
        shapes: &'static [Option<Shape>],
        (reply, reply_shape): (&'static str, Option<Shape>),
        (error, error_shape): (&'static str, Option<Shape>),
    ) -> Self {
        Self {
            name,
            label: M::LABEL,
            takes: M::TAKES,
            gives: M::GIVES,
            arguments: M::ARGUMENTS,
            parameters,
            shapes,
            reply_shape,
            error_shape,
            reply,
            error,
        }
    }
}

/// Words that fit the registers, on every architecture.
pub(crate) const SHORT: usize = isthmus_abi::limits::REGISTER_WORDS;
/// Words of the longest message.
pub(crate) const LONG: usize = isthmus_abi::limits::MESSAGE_WORDS;
