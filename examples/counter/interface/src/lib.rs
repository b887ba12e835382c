//! What the counter can be asked: an example of a server that is started again, and of state that outlives it.
//!
//! What a component has in its own memory dies with it. The counter keeps its count in a *channel*: shared memory that belongs to the description and not to a process,
//! so the next start finds what the last one left there. Its client holds the same capability all the time: it leads to whatever process serves. The programs are `counter-server`
//! and `counter-client`; the policy is two lines of `systems/counter.toml`.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_interface::{error_codes, interface};

error_codes! {
    /// Why the counter refuses.
    pub enum CounterError {
        /// It cannot count further.
        Overflow = 1, "it cannot count further";
    }
}

/// Counts.
#[interface(name = "counter")]
pub trait Counter {
    /// Adds one; answers the count.
    #[method(0)]
    fn increment(&mut self) -> Result<u64, CounterError>;

    /// The count.
    #[method(1)]
    fn value(&mut self) -> Result<u64, CounterError>;

    /// Panics.
    #[method(2)]
    fn fail(&mut self) -> Result<(), CounterError>;
}
