//! What every component starts with: entry, heap, thread-locals, threads, receive loop, saved replies, log, time, panic.
//!
//! A program says `isthmus_runtime::entry!(main)`, and `main` gets the start-up block that names everything it was given.
//! Nothing here acts on its own: no hidden thread, no message that the program did not ask for (but the wake-up of the
//! console when something was logged). Nothing here allocates after the start, other than what the program allocates.
//!
//! It never decides what a component may do; that is the root task's, from the system description. Read next:
//! `docs/components.md`, `docs/death.md`, `docs/logs.md`; `isthmus-abi` for what the start-up block holds.
#![no_std]
#![feature(thread_local)]

extern crate alloc;

mod arch;
mod bitmap;
pub mod c;
pub mod calls;
pub mod capabilities;
pub mod devices;
pub mod entry;
pub mod grants;
pub mod heap;
pub mod linger;
pub mod log;
pub mod memory;
pub mod names;
mod panic;
pub mod replies;
pub mod service;
pub mod slots;
mod staged;
pub mod thread;
pub mod time;
pub mod timer;

pub use defmt;
pub use isthmus_abi as abi;
pub use isthmus_interface as interface;
pub use sel4;

pub use calls::Kernel;
pub use capabilities::Signal;
pub use entry::{Never, Termination, exit, startup};
pub use isthmus_abi::{EndpointBadge, EventBit, Events, ExitCode, Slot, Startup};
pub use replies::SavedReply;
pub use service::{Arrival, Incoming, Service};
pub use thread::Thread;
pub use time::{Duration, Instant};
