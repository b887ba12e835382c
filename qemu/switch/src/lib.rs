//! A virtual Ethernet switch between QEMU machines: it learns addresses, loses, repeats, reorders, delays and corrupts frames from a
//! seed, cuts and mends links, records what it saw, and lets a test look at each frame before it goes on.
//!
//! It never looks above Ethernet, never invents a frame, and never decides by wall-clock time: [`fabric::Fabric`] is pure (frames and the time
//! go in, frames come out) and is where all decisions are made; [`Switch`] is the thin shell around it, one thread and QEMU's unix sockets.
//!
//! Read next: [`fabric`], then `shell.rs`, then `docs/switch.md`.

#![forbid(unsafe_code)]

pub mod fabric;
pub mod faults;
pub mod framing;
pub mod pcap;

mod address;
mod port;
mod shell;

pub use address::{Mac, PortId};
pub use fabric::{Counters, Fabric, LinkState, Sighting, Verdict};
pub use faults::{Delay, Faults, Rate, RateError};
pub use port::Attachment;
pub use shell::{Config, Switch, SwitchError};
