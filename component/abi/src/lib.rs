//! What every part of Isthmus agrees on: message labels, outcomes, badges, capability slots, addresses, limits, and the
//! start-up block that tells a component what it was given.
//!
//! Pure numbers and their encodings: no kernel, no I/O, no allocation. It never decides anything; it only says what the
//! numbers mean, once. Next: `isthmus-interface` (typed calls over these labels) and `isthmus-runtime` (which reads the
//! start-up block). The prose is in `docs/labels.md` and `docs/architecture.md`.
#![no_std]
#![forbid(unsafe_code)]

pub mod badge;
pub mod ending;
pub mod label;
pub mod layout;
pub mod limits;
pub mod log;
pub mod memory;
pub mod names;
pub mod outcome;
pub mod runs;
pub mod scheduler;
pub mod slots;
pub mod startup;

pub use badge::{ComponentId, EndpointBadge, EventBit, Events, ObjectId, Received};
pub use ending::{Ending, ExitCode};
pub use label::Label;
pub use names::{Directory, Name};
pub use outcome::{NotExecuted, Outcome, Unknown};
pub use slots::{Slot, SlotRange};
pub use startup::Startup;
