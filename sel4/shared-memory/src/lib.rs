//! Memory that two components share: bounded views of it, and rings of records in it.
//!
//! The other side is not trusted: whatever it writes, nothing here reads or writes out of bounds, panics or loops for ever. Nothing here
//! knows a kernel object; a ring says when the other side must be woken, and its owner signals.
//!
//! What it never does: hand out a reference to shared bytes. They are copied, by whole atomic words.
//!
//! Read next: `docs/rings.md` (layout, argument against lost wake-ups, the checker), then [`ring`].
#![no_std]

mod atomic {
    //! The atomics that [`crate::ring`] is built on. `tests/model_*.rs` put `loom`'s, or deliberately broken ones, in their place.
    pub use core::sync::atomic::{AtomicU64, Ordering, fence};
}
mod memory;
pub mod ring;

pub use memory::{MemoryError, OutOfBounds, SharedMemory};
pub use ring::{
    AttachError, Consumer, Corrupt, Producer, Record, Reservation, ReserveError, Wait, Wake,
};
