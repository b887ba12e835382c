//! How log streams of many components share one serial line: an encoder for the console server and the root task, a
//! decoder for the host.
//!
//! One entry is one line of printable text, so that the line stays readable in any terminal and what a component prints can
//! neither look like another's nor move the cursor. It knows no device and no kernel, and never interprets a `defmt` frame. The
//! format is in `docs/logs.md`; the rings that feed it are filled by `isthmus-runtime`.
#![no_std]
#![forbid(unsafe_code)]

mod decode;
mod encode;

pub use decode::{Decoded, Line, decode};
pub use encode::{Entry, encode, encode_record};

use isthmus_abi::limits::NAME_BYTES;

/// Starts every line that is an entry (the record separator of ASCII): nothing else prints it.
pub const MARK: char = '\x1e';
/// Bytes of a build id, at most (SHA-256).
pub const BUILD_ID_BYTES: usize = 32;

const ANNOUNCE: char = '=';
const TEXT: char = ':';
const FRAME: char = '#';
const LOST: char = '!';

/// Whose entry a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// The component's name; at most [`NAME_BYTES`] bytes.
    pub component: &'a str,
    /// Its thread; 0 is the main thread.
    pub thread: u8,
}

const _: () = assert!(NAME_BYTES < 32, "a line's head stays short");
