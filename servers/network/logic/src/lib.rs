//! What the network server does with frames and datagrams, without a device, a kernel or a clock.
//!
//! [`Network`] is handed every received frame and every datagram to send, with the time; it writes frames through [`Transmit`], hands netipc's
//! datagrams to [`Deliver`], and says when it wants to be called again. smoltcp answers everything that is not on the fast path.
//!
//! What it never does: allocate, block, or trust a frame. Its tables are bounded by the number of nodes and by the constants in [`limits`].
//!
//! Read next: `docs/network.md`; then [`Network`], [`datagram`] (the fast path), [`neighbour`].
#![no_std]
#![forbid(unsafe_code)]

mod arp;
pub mod datagram;
pub mod echo;
pub mod limits;
pub mod neighbour;
mod network;
mod port;
mod stack;
pub mod time;

pub use echo::{EchoError, EchoRequest};
pub use network::{Configuration, Deliver, Network, Refused, Undelivered};
pub use port::{Full, Transmit};
pub use smoltcp::wire::EthernetAddress as Mac;
pub use time::{Clock, Ticks};
