//! The timer server's typed calls: one deadline for each client. All are one-way, so that nobody ever waits for the timer.
//!
//! It keeps no deadline and signals nobody: that is the server's. When the deadline has passed, the client's event from
//! `timer` comes. Promises are in `docs/timer.md`.
#![no_std]
#![forbid(unsafe_code)]

use core::convert::Infallible;

use isthmus_interface::interface;

interface! {
    /// The timer.
    pub interface Timer as "timer", client TimerClient, error Infallible {
        /// Wakes the caller when the machine's counter has passed `deadline` (ticks); replaces the deadline before. One that has
        /// passed already wakes at once.
        0 => send arm(deadline: u64);
        /// Takes the deadline away. A signal that is under way still comes.
        1 => send disarm();
    }
}
