//! What tests of whole machines are written with: start machines of either architecture around a switch, read what their components say, wait
//! for a word no longer than you mean to, kill, pause and restart machines, cut their links, look at their frames.
//!
//! It judges nothing. Whatever happens, no process and no socket is left behind: not after a panic, not after Ctrl-C. Every wait is bounded, and
//! every [`Failure`] carries what all machines said.
//!
//! ```no_run
//! use std::time::Duration;
//! use isthmus_testkit::{Arch, Cluster, Failure, says};
//!
//! # fn main() -> Result<(), Failure> {
//! // Builds the kernels, the programs and the images; then starts a PC and an Arm board at one switch.
//! let cluster = Cluster::build("system.toml", &[Arch::X86_64, Arch::Aarch64])?.start()?;
//! cluster.machine(2).wait_for(&says("hello-client", "answered"), Duration::from_secs(60))?;
//! cluster.cut(1, 2);
//! # Ok(())
//! # }
//! ```
//!
//! Read next: [`Cluster`], then `docs/testing.md`.

#![forbid(unsafe_code)]

mod agent;
mod build;
mod capabilities;
mod cluster;
mod component;
mod console;
mod failure;
mod host;
mod image;
mod keys;
mod logs;
mod machine;
mod monitor;
mod pattern;
mod scratch;
mod transcript;
mod words;

pub use agent::Agent;
pub use capabilities::CAPABILITIES;
pub use cluster::{Cluster, ClusterBuilder};
pub use component::Component;
pub use console::{ConsoleLine, Level, Location, Said};
pub use failure::Failure;
pub use host::Host;
pub use image::SystemImage;
pub use isthmus_process::{Isolated, cleanup, find_program};
pub use logs::{BuildId, LogDecoder, Programs};
pub use machine::{Killer, Machine};
pub use netipc_crypto::{Encryption, KeyLog, Voters};
pub use pattern::{Pattern, contains, says};
pub use qemu_machines::{Arch, Clock, Node, Randomness};
pub use qemu_switch::commands::GRAMMAR;
pub use qemu_switch::framing::{StreamDecoder, length_prefix};
pub use qemu_switch::{
    Bandwidth, Command, Counters, Delay, Faults, LinkState, PortId, Rate, Script, Sighting, Switch,
    Verdict,
};
pub use rustix::process::Signal;
pub use scheduler_interface::{Condition, How, Report};
pub use scratch::Scratch;
pub use words::{Figure, Word, understand};
