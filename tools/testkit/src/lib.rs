//! What tests of whole machines are written with: start machines of either architecture around a switch, read what their components say, wait
//! for a word no longer than you mean to, kill, pause and restart machines, cut their links, look at their frames.
//!
//! It builds nothing ([`SystemImage::open`] takes what `./isthmus build` made) and judges nothing. Whatever happens, no process and no socket is left
//! behind: not after a panic, not after Ctrl-C. Every [`Failure`] carries what all machines said.
//!
//! ```no_run
//! use std::time::Duration;
//! use isthmus_testkit::{Cluster, Failure, SystemImage, says};
//!
//! # fn main() -> Result<(), Failure> {
//! let image = SystemImage::open("images/x86_64".as_ref())?;
//! let cluster = Cluster::of([&image, &image]).start()?;
//! cluster.machine(2).wait_for(&says("kv-client", "ok"), Duration::from_secs(20))?;
//! cluster.cut(1, 2);
//! # Ok(())
//! # }
//! ```
//!
//! Read next: [`Cluster`], then `docs/testing.md`.

#![forbid(unsafe_code)]

pub mod cleanup;

mod cluster;
mod console;
mod failure;
mod image;
mod logs;
mod machine;
mod process;
mod scratch;
mod words;

pub use cluster::{Cluster, ClusterBuilder};
pub use console::{ConsoleLine, Level, Location, Pattern, Said, contains, says};
pub use failure::Failure;
pub use image::SystemImage;
pub use logs::{BuildId, LogDecoder, Programs};
pub use machine::{Killer, Machine};
pub use process::{Isolated, find_program};
pub use qemu_machines::{Arch, Clock, Node};
pub use qemu_switch::{
    Counters, Delay, Faults, LinkState, PortId, Rate, Sighting, Switch, Verdict,
};
pub use rustix::process::Signal;
pub use scratch::Scratch;
pub use words::{Figure, Word, understand};
