//! Sessions, slots, retransmission and at-most-once: the protocol of netipc as a pure state machine.
//!
//! An [`Endpoint`] is one machine with its peers. It does no I/O, reads no clock, allocates nothing and knows no kernel:
//! time, randomness and cipher are handed in, so that the same code runs in the simulator, on Linux and on seL4. It promises
//! at most one execution per request, and a truthful outcome within a bound for each call; it never retries into a new
//! session and never waits.
//!
//! How it is driven (quinn's verbs):
//!
//! | verb | when |
//! |---|---|
//! | [`handle_frame`](Endpoint::handle_frame) | a frame came from a peer |
//! | [`call`](Endpoint::call), [`cancel`](Endpoint::cancel), [`start`](Endpoint::start), [`finish`](Endpoint::finish), [`export`](Endpoint::export), [`revoke`](Endpoint::revoke), [`release`](Endpoint::release) | something happened on this machine |
//! | [`poll_timeout`](Endpoint::poll_timeout), [`handle_timeout`](Endpoint::handle_timeout) | the time asked for has come |
//! | [`poll_event`](Endpoint::poll_event) | after each of the above, until `None`: what this machine has to do |
//! | [`poll_transmit`](Endpoint::poll_transmit) | then, until `None`: frames for peers |
//! | [`arrived`](Endpoint::arrived), [`poll_bulk`](Endpoint::poll_bulk), [`transfer`](Endpoint::transfer) | for bytes that are too many for a message (`docs/bulk.md`) |
//!
//! Beside calls it carries what machines' views of the cluster (`netipc-view`) say to each other: [`take_frame`](Endpoint::take_frame) and
//! [`send_view`](Endpoint::send_view).
//!
//! Start reading at [`Endpoint`], then `peer/`; what a frame is stands in `netipc-wire`; the prose, with the invariants and
//! the checker of each, is in `docs/netipc.md`; `netipc-simulator` hunts for violations.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "planted-faults")]
extern crate alloc;

pub mod bulk;
mod cipher;
pub mod coverage;
mod endpoint;
mod exports;
mod fault;
mod hand_off;
mod imports;
pub mod limits;
mod maybe;
mod order;
#[cfg(feature = "planted-faults")]
mod overheard;
mod peer;
mod set;
mod time;
mod touched;
mod types;
mod view;

pub use cipher::{Admission, Cipher, Crowd, Exchange, Extension, NoKeys, Transparent, Unreadable};
pub use endpoint::{Config, Endpoint, Random};
#[cfg(feature = "planted-faults")]
pub use fault::PlantedFault;
#[cfg(feature = "planted-faults")]
pub use overheard::Overheard;
pub use peer::Occupancy;
pub use time::Instant;
pub use types::{
    Answer, Asked, Call, CallId, DownReason, Dropped, Event, Execution, ExportId, Given, ImportId,
    Object, Received, Reply, Request, Stale, Target, Token, Transmit,
};

pub use isthmus_abi::{NotExecuted, Outcome, Unknown};
pub use netipc_wire::view::LENGTH_MAX as VIEW_LENGTH_MAX;
pub use netipc_wire::{BootId, ClusterId, FRAME_LENGTH_MAX, NodeId, SessionId, WORDS_MAX, Way};
