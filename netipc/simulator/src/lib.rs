//! Runs whole clusters of the netipc protocol from a seed, under virtual time, and checks every promise.
//!
//! One seed makes one history: so many machines, calls, capabilities, slow and stuck handlers, a network that loses, duplicates,
//! delays, reorders, damages and chokes, cuts, clocks that run wrong, crashes and restarts at any event, components that die.
//! The code that runs is `netipc-protocol` itself, and in some histories `netipc-view` on top of it. The checkers know the truth that the protocol cannot see
//! (`docs/netipc.md` lists them). A seed replays exactly, so a failing one is printed as a message-sequence picture.
//!
//! It never reads a clock and never touches a network. Start at [`run`]; then `world` (machines, network, time), `wire` (frames), `proxies`, `servers` and `clients` (what machines do), `truth` (the
//! checkers), `profile` and `faults` (what a seed draws), `mutants` (deliberate mistakes that must be found).
#![forbid(unsafe_code)]

mod agenda;
mod bulk;
mod cipher;
mod clients;
mod clock;
mod describe;
mod faults;
mod hash;
mod machine;
pub mod mutants;
mod network;
mod phases;
pub mod picture;
mod profile;
mod proxies;
mod servers;
mod summary;
mod tag;
mod truth;
mod views;
mod wire;
mod workshop;
mod world;

use std::fmt;

use netipc_protocol::Instant;

pub use cipher::Protection;
pub use faults::{FAULTS, Fault};
pub use summary::{Least, Summary};
pub use truth::Checker;
pub use views::WithViews;

use picture::Entry;
use workshop::Workshop;

/// Machines of a history, at most.
pub const NODES_MAX: u8 = 7;
/// Machines of a history, unless fewer are asked for.
pub const NODES_LEAST: u8 = 5;
/// Calls and messages that are accepted in each history.
pub const CALLS_LEAST: u64 = 200;
/// Capabilities that arrive in each history.
pub const CAPABILITIES_LEAST: u64 = 20;
/// Faults in each history.
pub const FAULTS_LEAST: u64 = 20;
/// Calls open at a peer in the simulated machines: few, so that every table is full now and then.
pub const SLOTS: usize = 4;
/// Exports to a peer in the simulated machines.
pub const ROWS: usize = 5;

/// What is asked of a history besides its seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// So many machines; otherwise the seed draws [`NODES_LEAST`] to [`NODES_MAX`].
    pub nodes: Option<u8>,
    /// With this mistake planted in every machine.
    pub mistake: Option<mutants::Mistake>,
    /// What protects its frames.
    pub protection: Protection,
    /// Whether its machines have views of the cluster.
    pub views: WithViews,
    /// Whether the history is written down.
    pub record: Record,
}

/// Whether a history is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// Not: it is fast.
    #[default]
    Nothing,
    /// Every frame, call, start, outcome and fault.
    Everything,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Who noticed.
    pub checker: Checker,
    /// When, in virtual time.
    pub at: Instant,
    /// The call that it is about.
    pub call: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} at {}: {}",
            self.checker,
            milliseconds(self.at).trim_start(),
            self.what
        )
    }
}

impl std::error::Error for Violation {}

/// A history that has ended.
#[derive(Clone, Debug)]
pub struct History {
    /// What happened.
    pub summary: Summary,
    /// The first broken promise; the history ends there.
    pub violation: Option<Violation>,
    /// How many machines it had.
    pub nodes: usize,
    /// Everything that happened, if that was asked for.
    pub entries: Vec<Entry>,
}

/// Runs the history of a seed.
#[must_use]
pub fn run(seed: u64, options: &Options) -> History {
    world::World::new(seed, options, Workshop::default())
        .run()
        .0
}

/// Runs seeds from `first` on until a promise is broken: what happened, and the seed with its violation.
pub fn hunt(
    first: u64,
    seeds: u64,
    options: &Options,
    mut progress: impl FnMut(u64, &Summary),
) -> (Summary, Option<(u64, Violation)>) {
    let mut summary = Summary::default();
    let mut workshop = Workshop::default();
    for seed in first..first.saturating_add(seeds) {
        let (history, used) = world::World::new(seed, options, workshop).run();
        workshop = used;
        summary += &history.summary;
        if let Some(violation) = history.violation {
            return (summary, Some((seed, violation)));
        }
        progress(seed, &summary);
    }
    (summary, None)
}

/// A point of virtual time for people.
#[must_use]
pub fn milliseconds(at: Instant) -> String {
    let micros = at.as_nanos() / 1000;
    format!("{:5}.{:03} ms", micros / 1000, micros % 1000)
}
