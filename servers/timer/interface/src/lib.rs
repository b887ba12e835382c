//! The timer's typed calls: each client has one deadline, and an event when it has passed.
//!
//! What time it is needs no call: programs read the counter themselves. So it never says the time, and nobody ever waits for an answer
//! about it. What is promised stands in `docs/timer.md`; the server is `timer-server`.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_interface::{Caller, error_codes, interface};

error_codes! {
    /// Why the timer cannot serve a component.
    pub enum TimerError {
        /// The system description has no `[[event]]` from the timer to the caller.
        NotHeard = 1, "the timer cannot signal the caller: add an [[event]] from the timer to it";
    }
}

/// One deadline for each client.
#[interface(name = "timer")]
pub trait Timer {
    /// Signals the caller once when the machine's counter has reached `deadline` (ticks), in place of the deadline before. A deadline
    /// in the past signals at once.
    #[method(0)]
    #[one_way]
    fn arm(&mut self, caller: Caller, deadline: u64);

    /// Takes the caller's deadline away. A signal may be on its way already.
    #[method(1)]
    #[one_way]
    fn disarm(&mut self, caller: Caller);

    /// Whether the timer can signal the caller: to be asked once, at the start, for [`arm`](Timer::arm) has no answer.
    #[method(2)]
    fn attach(&mut self, caller: Caller) -> Result<(), TimerError>;
}
