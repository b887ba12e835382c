//! What the memory server decides: which piece of untyped memory becomes what, whose it is, and where it is mapped.
//!
//! It owns every number (slots, pieces, accounts, objects, mappings) and asks a [`Kernel`] to do what it has decided; on the host that is a
//! model, which checks that nothing is made twice, lost, or mapped where something is. Each operation is done as a whole or leaves
//! everything as it was. It never waits, and never allocates after [`Memory::new`]. The promises are in `docs/memory.md`; read [`memory`] first,
//! then [`untyped`]; the shell is `memory-server`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod account;
pub mod kernel;
pub mod limits;
pub mod mapping;
pub mod memory;
pub mod object;
pub mod slots;
pub mod space;
pub mod table;
pub mod untyped;

pub use kernel::{FrameSize, Kernel, Level, Refused};
pub use memory::{Memory, Reserved};
