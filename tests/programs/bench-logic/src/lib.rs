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

use isthmus_interface::{Anything, Cap, interface};
use serde::{Deserialize, Serialize};

/// Words of the short message that still travels in registers.
pub const FOUR: usize = isthmus_interface::abi::limits::REGISTER_WORDS;
/// Words of a message that does not.
pub const TWELVE: usize = 12;

/// Calls that do next to nothing, of several lengths. The answer to each is [`answer_to`] its words.
#[interface(name = "bench")]
pub trait Bench {
    /// No words.
    #[method(0)]
    fn nothing(&mut self) -> Result<(), Infallible>;
    /// In registers.
    #[method(1)]
    fn four(&mut self, words: [u64; FOUR]) -> Result<[u64; FOUR], Infallible>;
    /// In the IPC buffer.
    #[method(2)]
    fn twelve(&mut self, words: [u64; TWELVE]) -> Result<[u64; TWELVE], Infallible>;
    /// The longest message.
    #[method(3)]
    fn full(&mut self, words: [u64; MESSAGE_WORDS]) -> Result<[u64; MESSAGE_WORDS], Infallible>;
    /// How many of the calls above have run since the server's start.
    #[method(4)]
    fn executed(&mut self) -> Result<u64, Infallible>;
    /// One number there, one back.
    #[method(5)]
    fn one(&mut self, word: u64) -> Result<u64, Infallible>;
    /// 64 bytes there and back, by `serde`.
    #[method(6)]
    fn encoded(&mut self, block: Block) -> Result<Block, Infallible>;
    /// Takes a capability, and gives it back to netipc at once.
    #[method(7)]
    fn take(&mut self, capability: Cap<Anything>) -> Result<(), Infallible>;
}

/// 64 bytes that `serde` carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block(pub [[u8; 32]; 2]);

impl Block {
    /// Bytes to ask with: others in each round.
    #[must_use]
    pub fn question(round: u64) -> Self {
        let byte = |index: usize| (round as u8).wrapping_add(index as u8);
        Self(core::array::from_fn(|half| {
            core::array::from_fn(|index| byte(half * 32 + index))
        }))
    }

    /// What the server answers: every bit the other way round, for the same reason as [`answer_to`].
    #[must_use]
    pub fn answer(self) -> Self {
        Self(self.0.map(|half| half.map(|byte| !byte)))
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
