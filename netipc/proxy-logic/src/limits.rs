//! Limits of the proxy about lent memory.

use core::time::Duration;

/// Loans of this machine's components at a time.
pub const LOANS: usize = 16;
/// Requests of peers at a time that have come with a loan.
pub const BORROWED: usize = 32;
/// Fetches and stores of this machine's servers at a time.
pub const TRANSFERS: usize = 16;
/// Data frames that are sent in one turn, when there is nothing else to send.
pub const CHUNKS_PER_TURN: usize = 4;
/// No data frame is given to the card while it has so many frames: a call's frame waits behind no more of them.
pub const CHUNKS_WAITING: usize = 8;
/// Bytes that are moved in one turn between components of this machine.
pub const LOCAL_PER_TURN: usize = 32 << 10;
/// By so much for each MiB that it lends a call may take longer than another.
pub const BUDGET_PER_MIB: Duration = Duration::from_secs(1);
