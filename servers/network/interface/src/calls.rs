//! The typed calls. Datagrams do not go this way: they have the [channel](crate::channel).
use isthmus_interface::{Encoded, error_codes, interface};

use crate::counters::Counters;
use crate::echo::EchoReport;

error_codes! {
    /// Why a call was refused.
    pub enum NetworkError {
        /// Another wire echo is running.
        Busy = 1, "another wire echo is running";
        /// A node, a length or a count that is not offered.
        Invalid = 2, "there is no such node, length or count";
    }
}

/// Bytes of encoded counters, at most: postcard's longest integers.
pub const COUNTERS_BYTES: usize = 10 * (6 + crate::Drop::ALL.len());
/// Bytes of an encoded report, at most: no round trip takes 2 to the power of 35 ticks, for it is given up after a second.
pub const REPORT_BYTES: usize = 5 * crate::echo::MAX_SAMPLES + 2;

interface! {
    /// The network of one machine.
    pub interface Network as "network", client NetworkClient, error NetworkError {
        /// What was counted since the start.
        0 => call counters() -> Encoded<Counters, COUNTERS_BYTES>;
        /// Sends `count` raw frames of `length` bytes to `node`, each after the answer to the one before, and tells how long each took.
        /// Answered when the last one is back: up to three seconds when the node is gone.
        1 => call wire_echo(node: u8, length: u16, count: u8) -> Encoded<EchoReport, REPORT_BYTES>;
        /// Allocations from the server's heap since its start: none after it.
        2 => call allocations() -> u64;
    }
}
