//! A virtual Ethernet switch between QEMU machines: it learns addresses, loses, repeats, reorders, delays and corrupts frames from a
//! seed, cuts and mends links, records what it saw, and lets a test look at each frame before it goes on.
//!
//! It never looks above Ethernet, never invents a frame, and never decides by wall-clock time: [`fabric::Fabric`] is pure (frames and the time
//! go in, frames come out) and is where all decisions are made; [`Switch`] is the thin shell around it, one thread and QEMU's unix sockets.
//!
//! Read next: [`fabric`], then `shell.rs`, then `docs/switch.md`.

#![forbid(unsafe_code)]

pub mod commands;
pub mod fabric;
pub mod faults;
pub mod framing;
pub mod pcap;

mod address;
mod capture;
mod counters;
mod port;
mod script;
mod shell;
mod worker;

pub use address::{Mac, PortId};
pub use commands::{Command, CommandError};
pub use counters::Counters;
pub use fabric::{Fabric, LinkState, Sighting, Verdict};
pub use faults::{Bandwidth, Delay, Faults, Rate, RateError};
pub use port::Attachment;
pub use script::{Script, ScriptError};
pub use shell::{Config, Switch, SwitchError};
