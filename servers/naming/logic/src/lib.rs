//! A machine's naming: the tree of names, leases and watches, what the peers have, and whom to ask. Pure: time is handed in.
//!
//! A capability is whatever the shell names it by: each one that is handed over comes back once, as [`Effect::Discard`] or refused. It knows no
//! kernel and calls nobody: a path that leads to another machine is answered with a [`Question`]. Promises and bounds are in `docs/naming.md`;
//! next: `naming-server`.
#![no_std]
#![forbid(unsafe_code)]

mod asker;
mod cluster;
mod effects;
pub mod limits;
mod mirror;
mod names;
mod questions;
mod time;
mod tree;
mod watches;

pub use asker::{Asker, Client, Directory, DirectoryId};
pub use cluster::{Place, Question, Why};
pub use effects::Effect;
pub use names::{NAMES, Names, Owner, Refused, id_of};
pub use questions::Questions;
pub use time::{Time, drift};
