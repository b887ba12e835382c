//! What the programs of the tests of remote calls say to each other, and what the tests themselves know of it: the calls, the numbers of requests,
//! the points at which the server's machine is killed.
//!
//! It decides nothing: the tests in `tests/machines` kill, and judge. Read next: `tests/machines/src/kill_server_machine.rs`, then
//! `tests/programs/remote`.
#![no_std]
#![forbid(unsafe_code)]

mod point;

use core::convert::Infallible;

use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer, interface};

pub use point::{Call, Point};

/// The server's name.
pub const NAME: &str = "remote";
/// Bytes of the longest argument: with its length it fills a message.
pub const BYTES: usize = 800;
/// Bytes that come back as they went.
pub type Bytes = heapless::Vec<u8, BYTES>;

/// The answer to a request: no other number has the same, and no request's number is an answer.
#[must_use]
pub const fn answer_to(request: u64) -> u64 {
    !request
}

/// What a server does with a request besides running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Hold {
    /// Nothing.
    Nowhere = 0,
    /// Says that it has arrived, and stays there for ever: it does not run it.
    BeforeRunning = 1,
    /// Says that it has run, and stays there for ever: it does not answer.
    BeforeAnswering = 2,
}

impl Wire for Hold {
    const MAX_WORDS: usize = 1;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        writer.word(*self as u64)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let word = reader.word()?;
        [Self::Nowhere, Self::BeforeRunning, Self::BeforeAnswering]
            .into_iter()
            .find(|hold| *hold as u64 == word)
            .ok_or(Malformed)
    }
}

/// Allocations from the heaps on the server's machine, each since its component's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// The server's.
    pub program: u64,
    /// The netipc proxy's.
    pub netipc: u64,
    /// The network server's.
    pub network: u64,
}

impl Wire for Allocations {
    const MAX_WORDS: usize = 3;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        (self.program, self.netipc, self.network).write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (program, netipc, network) = Wire::read(reader)?;
        Ok(Self {
            program,
            netipc,
            network,
        })
    }
}

interface! {
    /// A server to be called from another machine.
    pub interface Remote as "remote", client RemoteClient, error Infallible {
        /// Runs a request; returns [`answer_to`] it.
        0 => call run(request: u64, hold: Hold) -> u64;
        /// Returns what it gets.
        1 => call echo(bytes: Bytes) -> Bytes;
        /// What was allocated on its machine, as far as can be known there; `None` if somebody could not be asked.
        2 => call allocations() -> Option<Allocations>;
        /// Allocates once from the server's heap, so that a test can see that the counter counts.
        3 => call allocate();
    }
}
