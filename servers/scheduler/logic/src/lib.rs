//! What the scheduler decides: in which state each process is, when an ended one is started again and with whom, who is told of an end, and
//! which slots a process is made in.
//!
//! Pure: time is handed in, and nothing here starts or stops anything. The thin shell that does is `scheduler-server`; the states are in
//! `docs/processes.md`.
#![no_std]
#![forbid(unsafe_code)]

pub mod limits;
pub mod processes;
pub mod runs;
pub mod set;
pub mod share;

pub use processes::{AlsoEnded, NotStarted, Policy, Processes, State};
pub use runs::{Run, Runs};
pub use set::Set;
pub use share::{Share, Standing};
