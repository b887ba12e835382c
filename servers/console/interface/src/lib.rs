//! The console server's typed calls: what is typed into the machine's serial line.
//!
//! Logs do not come this way: they go through rings that the console server drains (`docs/logs.md`). The server is `console-server`; `test-agent`
//! is who reads.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_interface::{Later, error_codes, interface};

/// Bytes that are kept while nobody reads; what is typed beyond waits in the hardware, and then in the emulator.
pub const TYPED_BYTES: usize = 512;

/// What was typed.
pub type Typed = heapless::Vec<u8, TYPED_BYTES>;

error_codes! {
    /// Why the console server refuses.
    pub enum ConsoleError {
        /// Another reader waits: there is one keyboard.
        Busy = 1, "another reader waits";
    }
}

/// The machine's keyboard, so to speak.
#[interface(name = "console")]
pub trait Console {
    /// What was typed since the last time, byte by byte as it came. The caller waits until there is something.
    #[method(0)]
    fn read(&mut self, later: Later<Typed, ConsoleError>);
}
