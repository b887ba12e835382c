//! A machine's place on the wire: the network card and what is spoken there (`network-logic`), for the component that was given the card.
//!
//! That is the network server, or netipc's proxy where the description gives the card to it. A port never waits, never allocates after its opening, and
//! knows nothing of clients: received datagrams go where its user says, at each call.
//!
//! Read next: [`Port`]; `docs/network.md` for what is done with a frame, and for when it is safe to sleep.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod calls;
mod outlet;
mod port;

pub use port::{OpenError, Port};
