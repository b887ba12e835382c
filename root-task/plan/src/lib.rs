//! A system, compiled: the [`Plan`] in which every slot, address and event bit is a number already, and the [`archive`] that
//! carries it to the root task beside the programs.
//!
//! Pure. The host writes both (`isthmus-description` makes the plan, `isthmus-image` the archive), the root task reads them.
//! Reading never panics, whatever the bytes. It never looks at a device or a machine: what differs from machine to machine
//! is asked for ([`Here`], [`isthmus_abi::startup::Machine`]). Next: `root-task/root-task`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod archive;
pub mod base;
pub mod check;
pub mod placement;
pub mod plan;
pub mod startup;

pub use archive::{Archive, ArchiveBuilder};
pub use base::Starter;
pub use placement::{Here, Placement};
pub use plan::Plan;
