//! The typed calls. Datagrams do not go this way: they have the [channel](crate::channel).
use isthmus_interface::abi::limits::MESSAGE_BYTES;
use isthmus_interface::{Later, error_codes, interface};

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

// A report fits one message: no round trip takes 2 to the power of 35 ticks, for it is given up after a second.
const _: () = assert!(5 * crate::echo::MAX_SAMPLES + 2 <= MESSAGE_BYTES - 8);

/// The network of one machine.
#[interface(name = "network")]
pub trait Network {
    /// What was counted since the start.
    #[method(0)]
    fn counters(&mut self) -> Result<Counters, NetworkError>;

    /// Sends `count` raw frames of `length` bytes to `node`, each after the answer to the one before, and tells how long each took.
    /// Answered when the last one is back: up to three seconds when the node is gone.
    #[method(1)]
    fn wire_echo(
        &mut self,
        node: u8,
        length: u16,
        count: u8,
        later: Later<EchoReport, NetworkError>,
    );

    /// Allocations from the server's heap since its start: none after it.
    #[method(2)]
    fn allocations(&mut self) -> Result<u64, NetworkError>;
}
