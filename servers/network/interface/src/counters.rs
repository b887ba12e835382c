//! What the network server counts.
use serde::{Deserialize, Serialize};

/// Why a frame or a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Drop {
    /// A frame for another machine's MAC, or too short to be one.
    NotForUs,
    /// A datagram whose lengths contradict each other or the frame.
    BadLength,
    /// A datagram whose IPv4 header checksum is wrong.
    BadHeaderChecksum,
    /// A datagram whose UDP checksum is wrong.
    BadDatagramChecksum,
    /// A datagram from outside the cluster's network, or from a MAC that is nobody's.
    ForeignSource,
    /// An echo frame that is neither a request nor the reply that is awaited.
    BadEcho,
    /// The client's ring was full, or there is no client.
    ClientFull,
    /// The client wrote something that is no datagram.
    BadRecord,
    /// Too many datagrams wait for the address of their neighbour.
    HeldFull,
    /// The neighbour did not answer.
    Unreachable,
    /// The device had no free transmit buffer for an answer of the IP stack or of the echo.
    TransmitFull,
}

impl Drop {
    /// Every reason, in the order of [`Counters::drops`].
    pub const ALL: [Self; 11] = [
        Self::NotForUs,
        Self::BadLength,
        Self::BadHeaderChecksum,
        Self::BadDatagramChecksum,
        Self::ForeignSource,
        Self::BadEcho,
        Self::ClientFull,
        Self::BadRecord,
        Self::HeldFull,
        Self::Unreachable,
        Self::TransmitFull,
    ];
}

/// Counts since the server's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Frames that the device received.
    pub frames_in: u64,
    /// Frames that the device was given to send.
    pub frames_out: u64,
    /// Datagrams given to the client.
    pub datagrams_in: u64,
    /// Datagrams of the client that were put on the wire.
    pub datagrams_out: u64,
    /// Echo requests of other machines that were answered.
    pub echoes: u64,
    /// Frames that the IP stack handled.
    pub stack_frames: u64,
    /// What was dropped, by [`Drop`].
    pub drops: [u64; Drop::ALL.len()],
}

impl Counters {
    /// Counts a drop.
    pub fn drop(&mut self, reason: Drop) {
        self.drops[reason as usize] += 1;
    }

    /// How much was dropped for this reason.
    #[must_use]
    pub const fn dropped(&self, reason: Drop) -> u64 {
        self.drops[reason as usize]
    }
}
