//! The wire echo: round trips of raw frames between two machines' drivers, the floor under every figure about remote calls.
use serde::{Deserialize, Serialize};

/// The most round trips of one call: their times fit one message.
pub const MAX_SAMPLES: usize = 100;

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoReport {
    /// The time of each round trip, in ticks of the machine's counter, in order.
    pub round_trips: heapless::Vec<u64, MAX_SAMPLES, u8>,
    /// Echoes that did not come back within a second. After three in a row, or when the machine has no address, the run ends early.
    pub lost: u8,
}
