//! Runs whole clusters of the netipc protocol from a seed, under virtual time, and checks every promise.
//!
//! One seed makes one history: so many machines, calls, slow and stuck handlers, a network that loses, duplicates, delays,
//! reorders and damages, cuts, crashes and restarts at any event. The code that runs is `netipc-protocol` itself. The checkers
//! know the truth that the protocol cannot see (`docs/netipc.md` lists them). A seed replays exactly, so a failing one is
//! printed as a readable history.
//!
//! It never reads a clock and never touches a network. Start at [`run`]; then `world` (machines, network, time), `truth` (the
//! checkers), `profile` (what a seed draws).
#![forbid(unsafe_code)]

mod describe;
mod machine;
mod network;
mod people;
mod phases;
mod profile;
mod truth;
mod world;

use std::fmt;
use std::ops::AddAssign;

use netipc_protocol::{Instant, PlantedFault};

pub use truth::Checker;

/// Machines of a history, at most.
pub const NODES_MAX: u8 = 5;
/// Calls open at a peer in the simulated machines: few, so that every table is full now and then.
pub const SLOTS: usize = 4;
/// Exports to a peer in the simulated machines.
pub const ROWS: usize = 5;
/// Within so many seeds each planted fault must be found.
pub const SEEDS_PER_FAULT: u64 = 200;

/// What is asked of a history besides its seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// So many machines; otherwise the seed draws 2 to [`NODES_MAX`].
    pub nodes: Option<u8>,
    /// With this fault planted in every machine.
    pub fault: Option<PlantedFault>,
    /// Whether the history is written down.
    pub record: Record,
}

/// Whether a history is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// Not: it is fast.
    #[default]
    Nothing,
    /// Every frame, call, start, outcome and fault, a line each.
    Everything,
}

/// What happened in one or more histories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Histories.
    pub histories: u64,
    /// Things that happened at a point of virtual time.
    pub events: u64,
    /// Frames that were sent.
    pub frames: u64,
    /// Calls and messages that were accepted.
    pub calls: u64,
    /// Calls that ended with a reply.
    pub replies: u64,
    /// Calls that ended as not executed.
    pub not_executed: u64,
    /// Calls that ended as unknown.
    pub unknown: u64,
    /// Capabilities that arrived.
    pub capabilities: u64,
    /// Frames lost, doubled, damaged or held up; crashes; cuts.
    pub faults: u64,
    /// Crashes among them.
    pub crashes: u64,
    /// Sessions that began, counted on each side.
    pub sessions: u64,
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.histories += other.histories;
        self.events += other.events;
        self.frames += other.frames;
        self.calls += other.calls;
        self.replies += other.replies;
        self.not_executed += other.not_executed;
        self.unknown += other.unknown;
        self.capabilities += other.capabilities;
        self.faults += other.faults;
        self.crashes += other.crashes;
        self.sessions += other.sessions;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories, {} events, {} frames, {} calls ({} replies, {} not executed, {} unknown), {} capabilities, \
             {} sessions, {} faults ({} crashes)",
            self.histories,
            self.events,
            self.frames,
            self.calls,
            self.replies,
            self.not_executed,
            self.unknown,
            self.capabilities,
            self.sessions,
            self.faults,
            self.crashes,
        )
    }
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Who noticed.
    pub checker: Checker,
    /// When, in virtual time.
    pub at: Instant,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} at {}: {}",
            self.checker,
            milliseconds(self.at),
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
    /// A line for everything that happened, if that was asked for.
    pub lines: Vec<String>,
}

/// Runs the history of a seed.
#[must_use]
pub fn run(seed: u64, options: &Options) -> History {
    world::World::new(seed, options).run()
}

/// Runs seeds from `first` on until a promise is broken: what happened, and the seed with its violation.
pub fn hunt(
    first: u64,
    seeds: u64,
    options: &Options,
    mut progress: impl FnMut(u64, &Summary),
) -> (Summary, Option<(u64, Violation)>) {
    let mut summary = Summary::default();
    for seed in first..first.saturating_add(seeds) {
        let history = run(seed, options);
        summary += history.summary;
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
