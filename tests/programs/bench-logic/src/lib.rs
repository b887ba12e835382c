//! What the benchmark's programs say to each other, and how their samples become figures: pure, tested on the host.
//!
//! It never measures: that is `bench`, on the machine. What each figure is stands in `docs/benchmarks.md`.
#![no_std]
#![forbid(unsafe_code)]

mod figure;
mod samples;

pub use figure::{Figure, Hundredths, Unit};
pub use isthmus_interface::abi::limits::MESSAGE_WORDS;
pub use samples::{Full, Samples, Summary};

use core::convert::Infallible;

use isthmus_interface::interface;

/// Words of the short message that still travels in registers.
pub const FOUR: usize = isthmus_interface::abi::limits::REGISTER_WORDS;
/// Words of a message that does not.
pub const TWELVE: usize = 12;

interface! {
    /// Calls that do next to nothing, of several lengths. The answer to each is [`answer_to`] its words.
    pub interface Bench as "bench", client BenchClient, error Infallible {
        /// No words.
        0 => call nothing();
        /// In registers.
        1 => call four(words: [u64; FOUR]) -> [u64; FOUR];
        /// In the IPC buffer.
        2 => call twelve(words: [u64; TWELVE]) -> [u64; TWELVE];
        /// The longest message.
        3 => call full(words: [u64; MESSAGE_WORDS]) -> [u64; MESSAGE_WORDS];
        /// How many of the calls above have run since the server's start.
        4 => call executed() -> u64;
    }
}

/// What the server answers: each word, and one more. Not the words themselves, so that an answer cannot be a message that
/// nobody has looked at.
#[must_use]
pub fn answer_to<const N: usize>(words: [u64; N]) -> [u64; N] {
    words.map(|word| word.wrapping_add(1))
}

/// Words to ask with: no two alike, and others in each round.
#[must_use]
pub fn question<const N: usize>(round: u64) -> [u64; N] {
    core::array::from_fn(|index| round.wrapping_mul(MESSAGE_WORDS as u64) + index as u64)
}
