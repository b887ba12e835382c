//! Every limit and every time of the view, stated once.

use core::time::Duration;

/// Machines of a cluster: each keeps a copy of the table.
pub const NODES: usize = isthmus_abi::limits::NODES;
/// Configured voters. An even number tolerates no more failures than the odd one below it.
pub const VOTERS: usize = 7;
/// Names and objects that have an owner, in the whole cluster: as many as cluster-wide names of all machines. A claim beyond is answered `Full`.
pub const HOMES: usize = 256;
/// Requests of one machine that wait for the view; more are refused with `Busy`.
pub const REQUESTS: usize = 8;
/// Entries of the log that a machine keeps: those that are not agreed yet, and the latest that are, for machines that are a little behind.
pub const LOG: usize = 64;
/// Entries of the log that one message carries.
pub const ENTRIES: usize = 8;
/// Homes that one message of a snapshot carries.
pub const CHUNK_HOMES: usize = 48;

/// A member that is not heard for this long (and the drift) is removed, and what it owned may be claimed.
pub const LEASE: Duration = Duration::from_millis(1000);
/// How far two machines' clocks may run apart, in parts per million of the time that has passed. Nothing else is assumed of clocks.
pub const CLOCK_DRIFT_PPM: u64 = 10_000;
/// The drift over one lease, rounded up to twice the above: a holder stops so much earlier, a granter waits so much longer.
pub const LEASE_DRIFT: Duration = Duration::from_millis(20);
/// The leader speaks to a node at least this often, and asks its majority whether it still leads.
pub const HEARTBEAT: Duration = Duration::from_millis(50);
/// Who hears no leader for so long may ask for votes, and gives its own to others.
pub const ELECTION_MIN: Duration = Duration::from_millis(200);
/// Who hears no leader for so long asks for votes; the time is drawn between the two.
pub const ELECTION_MAX: Duration = Duration::from_millis(400);
/// A leader that no majority acknowledges for so long steps down.
pub const LEADER_WITHOUT_QUORUM: Duration = Duration::from_millis(400);
/// Who hears no leader for so long asks the voters whether its history is still alive.
pub const LOST_AFTER: Duration = Duration::from_millis(600);
/// One round of questions to the voters: by chance between half of this and one and a half.
pub const PROBE: Duration = Duration::from_millis(100);
/// An empty voter that might found waits up to this long first, by chance, for others to be the only one.
pub const FOUND_SPREAD: Duration = Duration::from_millis(300);
/// Epochs that a new history leaves out above the highest that its founders know: more than any machine can be behind.
pub const EPOCH_GAP: u64 = 1 << 32;

const _: () = assert!(VOTERS <= NODES && NODES <= 8);
const _: () = assert!(
    LEASE.as_micros() as u64 * CLOCK_DRIFT_PPM / 1_000_000 <= LEASE_DRIFT.as_micros() as u64
);
const _: () = assert!(HEARTBEAT.as_millis() * 4 <= ELECTION_MIN.as_millis());
const _: () = assert!(ELECTION_MIN.as_millis() < ELECTION_MAX.as_millis());
const _: () = assert!(LEADER_WITHOUT_QUORUM.as_millis() < LEASE.as_millis());
// Every entry that may be under way at once has room: a request and a change of membership per node, a change of a seat, of the epoch, and
// one beginning for each of several leaders in a row.
const _: () = assert!(LOG >= 2 * NODES + 2 + 16);
