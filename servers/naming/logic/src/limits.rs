//! Every limit of a machine's naming, stated once.

use core::time::Duration;

use isthmus_abi::limits::NODES;

/// Entries and directories of one machine, the root not counted.
pub const ENTRIES: usize = 128;
/// Entries and directories of one component.
pub const ENTRIES_OF_ONE: usize = 32;
/// Cluster-wide names of one machine.
pub const CLAIMS: usize = 32;
/// Cluster-wide names of all peers.
pub const MIRRORED: usize = CLAIMS * (NODES - 1);
/// Watches of one machine.
pub const WATCHES: usize = 32;
/// Watches of one component; all who come from other machines count as one.
pub const WATCHES_OF_ONE: usize = 8;
/// Directories that are open, each counted once for each component and access.
pub const OPEN: usize = 64;
/// Directories that one component has open; all who come from other machines count as one.
pub const OPEN_OF_ONE: usize = 16;
/// Look-ups that wait for other machines.
pub const QUESTIONS: usize = 16;
/// Look-ups of one component that wait for other machines, one for each of its threads that asks.
pub const QUESTIONS_OF_ONE: usize = 8;
/// Workers that ask other machines; the description may give fewer.
pub const WORKERS: usize = 8;
/// Machines that are asked for one look-up: the one that the mirror names, and others if it had the name no more.
pub const ATTEMPTS: u8 = 3;
/// A peer that did not tell its names is asked again by look-ups that miss, but no sooner than after this.
pub const ASK_AGAIN: Duration = Duration::from_millis(500);
/// Clocks of two machines run apart by at most one part in so many.
pub const DRIFT_PART: u32 = 100;
/// What is added to the drift of clocks: the way of an answer.
pub const DRIFT_BASE: Duration = Duration::from_millis(50);
