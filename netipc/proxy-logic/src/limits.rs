//! Limits of the proxy about lent memory.

use core::time::Duration;

/// Loans of this machine's components at a time.
pub const LOANS: usize = 16;
/// Requests of peers at a time that have come with a loan.
pub const BORROWED: usize = 32;
/// Fetches and stores of this machine's servers at a time.
pub const TRANSFERS: usize = 16;
/// Data frames that are opened in one slice of the work with lent memory, and as many that are sent.
pub const SLICE_CHUNKS: usize = 2;
/// Bytes that are moved in one slice between components of this machine.
pub const SLICE_BYTES: usize = 8 << 10;
/// However busy the machine is, the next slice comes no later than this.
pub const SLICE_WITHIN: Duration = Duration::from_millis(1);
/// Data frames that have come and wait for a slice; more are lost. Two transfers' windows.
pub const BACKLOG: usize = 2 * netipc_protocol::limits::BULK_WINDOW_MAX as usize;
/// No data frame is given to the card while it has so many frames: a call's frame waits behind no more of them.
pub const CHUNKS_WAITING: usize = 8;
/// By so much for each MiB that it lends a call may take longer than another.
pub const BUDGET_PER_MIB: Duration = Duration::from_secs(1);
