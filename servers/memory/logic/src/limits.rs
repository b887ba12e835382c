//! What the memory server has room for. The sizes of its slots and of the hand-over are in `isthmus_abi::limits`.

use isthmus_abi::limits::COMPONENTS;

/// Bytes of the largest object: the kernel zeroes it while everybody waits.
pub const OBJECT_BYTES: u64 = 64 << 20;
/// Objects that one component may have made.
pub const ACCOUNT_OBJECTS: usize = 64;
/// Objects that one component may have mapped.
pub const ACCOUNT_MAPPINGS: usize = 64;
/// Objects of one machine.
pub const OBJECTS: usize = COMPONENTS * ACCOUNT_OBJECTS;
/// Mappings of one machine.
pub const MAPPINGS: usize = COMPONENTS * ACCOUNT_MAPPINGS;
/// Reservations: two for each process, so that one can be started while its predecessor is being ended.
pub const RESERVATIONS: usize = 2 * COMPONENTS;
/// Untyped objects that the server may have made by splitting, those included that were split again.
pub const NODES: usize = 16_384;
