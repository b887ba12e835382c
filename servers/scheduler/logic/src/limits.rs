//! The scheduler's limits, stated once.

use isthmus_abi::limits;

/// Component numbers, that of the root task included.
pub const COMPONENTS: usize = limits::COMPONENTS + 1;
/// Clients that wait for the ends of processes, all together.
pub const WAITERS: usize = 64;
/// Notifications that are signalled at the ends of processes, all together.
pub const WATCHERS: usize = 64;
/// Milliseconds after which a process that was started again counts as healthy: its next restart is the first in a row.
pub const HEALTHY_MILLISECONDS: u64 = 10_000;
/// Milliseconds after which processes with a share of the processor are looked at.
pub const PERIOD_MILLISECONDS: u64 = 50;
/// The priority of who has had more than its share.
pub const LOWERED_PRIORITY: u8 = 1;
/// Pieces into which the slots for processes can fall: each process takes one, and so does each gap.
pub const RUNS: usize = 2 * COMPONENTS + 1;
