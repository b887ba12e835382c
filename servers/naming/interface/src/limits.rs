//! Limits of naming's calls. What a machine's naming has room for: `naming-logic`.

use core::time::Duration;

use isthmus_interface::abi::limits::NAME_BYTES;

/// Bytes of a path, at most, its first slash not counted.
pub const PATH_BYTES: usize = 96;
/// Bytes of one part of a path, at most.
pub const PART_BYTES: usize = NAME_BYTES;
/// Names of one page of a listing.
pub const ITEMS_IN_PAGE: usize = 16;
/// Cluster-wide names of one page that one naming server tells another.
pub const CLAIMS_IN_PAGE: usize = 7;
/// The shortest lease.
pub const LEASE_MIN: Duration = Duration::from_millis(100);
/// The longest lease.
pub const LEASE_MAX: Duration = Duration::from_secs(3600);
