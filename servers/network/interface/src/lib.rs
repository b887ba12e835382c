//! What a client of the network server needs: the addresses of nodes, the datagram channel, and the typed calls.
//!
//! It never touches a device and knows no kernel object: whoever uses the channel signals when a call answers `Wake::Needed`.
//!
//! Read next: [`channel`]; `docs/network.md` for what the server does with a datagram; `docs/rings.md` for the rings.
#![no_std]
#![forbid(unsafe_code)]

pub mod address;
pub mod channel;

pub use address::{NETIPC_PORT, Node, Peer};
pub use channel::{Channel, ChannelError, Datagram, MAX_PAYLOAD, ReceiveError, SendError, Side};
