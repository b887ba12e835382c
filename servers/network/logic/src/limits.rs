//! Every bound and every duration of the network logic.
use core::time::Duration;

/// Datagrams that wait for a neighbour's address, in all.
pub const HELD: usize = 8;
/// Datagrams that wait for the address of one neighbour.
pub const HELD_EACH: usize = 2;
/// Neighbours whose address is being asked for at one time.
pub const ASKING: usize = 16;
/// How often a neighbour's address is asked for before it counts as unreachable.
pub const ASK_TIMES: u8 = 3;
/// Time from one of these requests to the next.
pub const ASK_EVERY: Duration = Duration::from_millis(200);
/// An address that is used, but was not heard from for this long, is asked for again.
pub const STALE_AFTER: Duration = Duration::from_secs(30);
/// How long the wire echo waits for a reply.
pub const ECHO_TIMEOUT: Duration = Duration::from_secs(1);
/// Echoes lost in a row after which a run of the wire echo ends.
pub const ECHO_LOST: u8 = 3;
