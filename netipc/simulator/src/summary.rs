//! What happened in one or more histories, in numbers.

use std::fmt;
use std::ops::AddAssign;

use netipc_protocol::Dropped;
use netipc_wire::Kind;

use crate::faults::{FAULTS, Fault};

/// Kinds of frames.
const KINDS: usize = Kind::ALL.len();
/// Accepted, and the reasons of [`Dropped`].
const FATES: usize = 12;
const FATE_NAMES: [&str; FATES] = [
    "accepted",
    "stranger",
    "malformed",
    "corrupt",
    "misdirected",
    "unknown session",
    "stale",
    "no room",
    "violation",
    "replayed",
    "busy",
    "twin",
];

/// What happened in one or more histories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Capabilities among them that came home.
    pub homecomings: u64,
    /// Capabilities among them that were handed on by a third machine.
    pub hand_offs: u64,
    /// Transfers from and into lent memory that began.
    pub transfers: u64,
    /// Chunks of them that were written.
    pub chunks: u64,
    /// Sessions that began, counted on each side.
    pub sessions: u64,
    /// Faults of every kind.
    pub faults: u64,
    /// Histories in which machines have views of the cluster.
    pub with_views: u64,
    /// Times that something had another owner than before.
    pub moves: u64,
    /// By kind, in the order of [`Fault::ALL`].
    pub by_fault: [u64; FAULTS],
    /// What the smallest of the histories had of each.
    pub least: Least,
    /// What was done with frames that arrived, by kind and fate.
    pub(crate) handled: [[u64; FATES]; KINDS],
}

/// What every history had at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Least {
    /// Machines.
    pub nodes: u64,
    /// Calls and messages that were accepted.
    pub calls: u64,
    /// Capabilities that arrived.
    pub capabilities: u64,
    /// Faults.
    pub faults: u64,
}

impl Least {
    fn min(self, other: Self) -> Self {
        Self {
            nodes: self.nodes.min(other.nodes),
            calls: self.calls.min(other.calls),
            capabilities: self.capabilities.min(other.capabilities),
            faults: self.faults.min(other.faults),
        }
    }
}

impl Summary {
    /// A frame has arrived, and this was done with it.
    pub(crate) fn handled(&mut self, kind: Kind, result: &Result<(), Dropped>) {
        let fate = match result {
            Ok(()) => 0,
            Err(Dropped::Stranger) => 1,
            Err(Dropped::Malformed(_)) => 2,
            Err(Dropped::Corrupt) => 3,
            Err(Dropped::Misdirected) => 4,
            Err(Dropped::UnknownSession) => 5,
            Err(Dropped::Stale) => 6,
            Err(Dropped::NoRoom) => 7,
            Err(Dropped::Violation) => 8,
            Err(Dropped::Replayed) => 9,
            Err(Dropped::Busy) => 10,
            Err(Dropped::Twin) => 11,
        };
        let place = Kind::ALL.iter().position(|other| *other == kind);
        self.handled[place.unwrap_or(0)][fate] += 1;
    }

    /// How often a fault struck.
    #[must_use]
    pub fn fault(&self, fault: Fault) -> u64 {
        self.by_fault[fault as usize]
    }

    /// A line for each kind of frame: what was done with those that arrived.
    pub fn frames_by_fate(&self) -> impl Iterator<Item = String> {
        Kind::ALL.iter().zip(&self.handled).map(|(kind, fates)| {
            let fates: Vec<String> = FATE_NAMES
                .iter()
                .zip(fates)
                .filter(|(_, count)| **count > 0)
                .map(|(name, count)| format!("{count} {name}"))
                .collect();
            format!("{kind:?}: {}", fates.join(", "))
        })
    }

    /// Every kind of fault with its count.
    #[must_use]
    pub fn faults_by_kind(&self) -> String {
        let each: Vec<String> = Fault::ALL
            .iter()
            .map(|fault| format!("{} {}", self.fault(*fault), fault.text()))
            .collect();
        each.join(", ")
    }
}

impl AddAssign<&Self> for Summary {
    fn add_assign(&mut self, other: &Self) {
        self.least = match self.histories {
            0 => other.least,
            _ => self.least.min(other.least),
        };
        self.histories += other.histories;
        self.events += other.events;
        self.frames += other.frames;
        self.calls += other.calls;
        self.replies += other.replies;
        self.not_executed += other.not_executed;
        self.unknown += other.unknown;
        self.capabilities += other.capabilities;
        self.homecomings += other.homecomings;
        self.hand_offs += other.hand_offs;
        self.transfers += other.transfers;
        self.chunks += other.chunks;
        self.sessions += other.sessions;
        self.faults += other.faults;
        self.with_views += other.with_views;
        self.moves += other.moves;
        for (sum, more) in self.by_fault.iter_mut().zip(other.by_fault) {
            *sum += more;
        }
        for (sum, more) in self.handled.iter_mut().zip(other.handled) {
            for (sum, more) in sum.iter_mut().zip(more) {
                *sum += more;
            }
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories, {} events, {} frames, {} calls ({} replies, {} not executed, {} unknown), {} capabilities ({} came home, {} handed on), \
             {} transfers of {} chunks, {} sessions, {} faults",
            self.histories,
            self.events,
            self.frames,
            self.calls,
            self.replies,
            self.not_executed,
            self.unknown,
            self.capabilities,
            self.homecomings,
            self.hand_offs,
            self.transfers,
            self.chunks,
            self.sessions,
            self.faults,
        )?;
        write!(
            f,
            "\n{} histories with views of the cluster: {} times another owner",
            self.with_views, self.moves
        )?;
        write!(
            f,
            "\nevery history has at least {} machines, {} calls, {} capabilities that arrived, {} faults",
            self.least.nodes, self.least.calls, self.least.capabilities, self.least.faults
        )
    }
}
