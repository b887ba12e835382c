//! Who is up and who owns what in the cluster, agreed by a majority of configured voters that have no disks: Raft as a pure state machine.
//!
//! A [`View`] is one machine's replica of a [`Table`]: members, homes, the epoch. It promises that a home never has two owners at one time, nor
//! two in one epoch; that epochs only grow; and that what is agreed is kept while a majority of voters has not failed at once. It does no I/O, reads
//! no clock and allocates nothing; it never decides that a *call* has failed (that is `netipc-protocol`), and never moves a home because one machine
//! suspects another.
//!
//! How it is driven:
//!
//! | verb | when |
//! |---|---|
//! | [`handle_message`](View::handle_message) | a message came from a peer |
//! | [`handle_local`](View::handle_local) | this machine wants to own something, or no more |
//! | [`poll_timeout`](View::poll_timeout), [`handle_timeout`](View::handle_timeout) | the time asked for has come |
//! | [`poll_event`](View::poll_event) | after each of the above, until `None` |
//! | [`poll_transmit`](View::poll_transmit) | then, until `None`: messages for peers |
//! | [`owns`](View::owns) | before each act as an owner; its epoch goes with the act, and a [`Fence`] at the resource looks at it |
//!
//! Start reading at `docs/view.md`; then `view` (the state), `replica` (following), `leader`, `election`, `founding` (without a memory), `local`
//! (requests and the lease), `message` (the bytes). `tests/` holds the simulator and the checkers.
#![no_std]
#![forbid(unsafe_code)]

mod assembly;
mod election;
mod fault;
mod fence;
mod founding;
mod ids;
mod leader;
pub mod limits;
mod local;
mod log;
pub mod message;
mod peer;
mod replica;
mod table;
mod transmit;
mod view;

#[cfg(feature = "planted-faults")]
pub use fault::PlantedFault;
pub use fence::{Fence, Fenced};
pub use ids::{Epoch, History, Id, Incarnation, Index, Nodes, Round, Sequence, Stamp, Term, Token};
pub use local::Busy;
pub use log::{Entry, Place};
pub use message::Part;
pub use netipc_protocol::Instant;
pub use netipc_wire::{BootId, Malformed, NodeId};
pub use table::{Action, Answer, Command, Home, Member, Seats, Table};
pub use view::{BadConfig, Config, Dropped, Event, Random, Role, Transmit, View};
