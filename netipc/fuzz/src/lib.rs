//! Throws mutated frames at every parser of `netipc-wire`, and at whole endpoints with their ciphers.
//!
//! Each case is one number: the same number is the same case. What is thrown was legal once (a frame of each kind with any content, and every frame that the
//! machines themselves send) and is then changed: bits, lengths, counts, kinds, ends, parts of other frames, replays ([`mutate`]). Four
//! targets: the parsers, two machines with somebody on their network ([`Target::Outsider`]), two machines with a third that has
//! gone mad ([`Target::Member`]), and two voters of a view with such a third ([`Target::Voter`], of which less is asked). Nothing may panic, no table and no heap may grow beyond what is stated, honest calls must be answered,
//! every call must end in time, and in the end every table must be empty.
//!
//! It looks at no clock and at no coverage; broken promises among machines that follow the protocol are `netipc-simulator`'s business. Next:
//! `cluster` (the machines, and what holds of each), `outsider`, `member`, `voter`, `parsers`; what is found when a mistake is planted: `tests/planted.rs`.
#![forbid(unsafe_code)]

mod cluster;
mod member;
pub mod mutate;
mod outsider;
mod parsers;
mod samples;
mod shield;
mod voter;

use std::fmt;
use std::ops::AddAssign;

use fastrand::Rng;

pub use cluster::HEAP_MAX;

/// The cluster that the machines belong to.
const CLUSTER: u64 = 0x1577;

/// What is thrown at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Every parser of `netipc-wire`.
    Parsers,
    /// Two machines, by somebody without keys: before authentication.
    Outsider,
    /// Two machines, by a third that has keys: after it.
    Member,
    /// Two voters of a view, by the third.
    Voter,
}

impl Target {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Parsers, Self::Outsider, Self::Member, Self::Voter];
}

/// What protects the frames of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    Sum,
    Real,
}

/// A mistake on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plant {
    /// None.
    #[default]
    Nothing,
    /// In the keys.
    Crypto(netipc_crypto::PlantedFault),
    /// In the protocol.
    Protocol(netipc_protocol::PlantedFault),
}

/// What is asked of a case besides its number.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many bytes of heap are in use now; if it does not say, the heap is not watched.
    pub heap: fn() -> usize,
    /// What is planted in every machine.
    pub plant: Plant,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            heap: || 0,
            plant: Plant::Nothing,
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that no honest machine would have sent, or not then.
    pub frames: u64,
    /// Those that had an effect: that were read, replayed handshakes, words of a member.
    pub accepted: u64,
    /// Calls that were answered meanwhile.
    pub calls: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.frames += other.frames;
        self.accepted += other.accepted;
        self.calls += other.calls;
    }
}

/// What should not have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    what: String,
}

impl Failure {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// Runs one case.
///
/// # Errors
/// What should not have happened. A panic is one, too, and is the caller's to catch.
pub fn run(target: Target, case: u64, options: &Options) -> Result<Counts, Failure> {
    // Neighbouring numbers are cases that have nothing in common.
    let mut rng = Rng::with_seed(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ target as u64);
    match target {
        Target::Parsers => parsers::run(&mut rng),
        Target::Outsider => outsider::run(&mut rng, options),
        Target::Member => member::run(&mut rng, options),
        Target::Voter => voter::run(&mut rng),
    }
}
