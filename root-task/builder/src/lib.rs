//! How a process is made: a [`Body`] (address space, capability space, threads) is built from a component of the plan out of a
//! [`Supply`] of kernel objects, filled with a [`Program`], and in the end undone by the [`Undertaker`].
//!
//! Both who start processes use it: the root task, whose supply is the memory that the kernel left it, and the scheduler, whose supply for
//! each process is what the memory server reserved for it. It decides nothing: what a component gets says the plan. It never waits, and
//! reads no memory that a running component can write. Read next: `docs/processes.md`, `docs/death.md`.
#![no_std]

extern crate alloc;

pub mod body;
pub mod error;
pub mod inventory;
pub mod lasting;
pub mod need;
pub mod program;
pub mod space;
pub mod supply;
mod thread_locals;
pub mod undertaker;

pub use body::Body;
pub use error::{BadElf, Doing, Error, Result};
pub use lasting::Lasting;
pub use need::Need;
pub use program::Program;
pub use space::{Access, PAGE, Space, Window};
pub use supply::{Made, Supply};
pub use undertaker::{Grave, Undertaker};
