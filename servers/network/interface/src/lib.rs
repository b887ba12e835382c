//! What a client of the network server needs: the addresses of nodes, the datagram channel, and the typed calls.
//!
//! It never touches a device and knows no kernel object: whoever uses the channel signals when a call answers `Wake::Needed`.
//!
//! Read next: [`channel`]; `docs/network.md` for what the server does with a datagram; `docs/rings.md` for the rings.
#![no_std]
#![forbid(unsafe_code)]

pub mod address;
pub mod calls;
pub mod channel;
pub mod counters;
pub mod echo;

pub use address::{NETIPC_PORT, Node, Peer};
pub use calls::{Network, NetworkClient, NetworkError};
pub use channel::{Channel, ChannelError, Datagram, MAX_PAYLOAD, ReceiveError, SendError, Side};
pub use counters::{Counters, Drop};
pub use echo::EchoReport;

/// Bytes of the shortest echo frame: Ethernet's shortest frame without its check sequence is 60; 64 is what everybody measures.
pub const MIN_ECHO_FRAME: usize = 64;
/// Bytes of the longest echo frame.
pub const MAX_ECHO_FRAME: usize = 1514;
