//! Processes and folders that do not outlive this program, however it ends.
//!
//! It knows nothing of machines: compilers and emulators are started alike. Read next: [`Isolated`], [`cleanup`], then `isthmus-testkit`.

#![forbid(unsafe_code)]

pub mod cleanup;
mod process;

pub use process::{Isolated, find_program};
