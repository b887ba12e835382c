//! What the programs of the tests of remote calls say to each other, and what the tests themselves know of it: the calls, the numbers of requests,
//! the points at which the server's machine is killed.
//!
//! It decides nothing: the tests in `tests/machines` kill, and judge. Read next: `tests/machines/src/kill_server_machine.rs`, then
//! `tests/programs/remote`.
#![no_std]
#![forbid(unsafe_code)]

mod point;

use core::convert::Infallible;

use isthmus_interface::{Cap, Notification, Wire, interface};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
#[repr(u64)]
pub enum Hold {
    /// Nothing.
    Nowhere = 0,
    /// Says that it has arrived, and stays there for seconds, or without a timer for ever, before it runs it.
    BeforeRunning = 1,
    /// Says that it has run, and stays there for seconds, or without a timer for ever, before it answers.
    BeforeAnswering = 2,
}

/// Allocations from the heaps on the server's machine, each since its component's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire)]
pub struct Allocations {
    /// The server's.
    pub program: u64,
    /// The netipc proxy's.
    pub netipc: u64,
    /// The network server's.
    pub network: u64,
}

/// A server to be called from another machine.
#[interface(name = "remote")]
pub trait Remote {
    /// Runs a request; returns [`answer_to`] it.
    #[method(0)]
    fn run(&mut self, request: u64, hold: Hold) -> Result<u64, Infallible>;
    /// Returns what it gets.
    #[method(1)]
    fn echo(&mut self, bytes: Bytes) -> Result<Bytes, Infallible>;
    /// What was allocated on its machine, as far as can be known there; `None` if somebody could not be asked.
    #[method(2)]
    fn allocations(&mut self) -> Result<Option<Allocations>, Infallible>;
    /// Allocates once from the server's heap, so that a test can see that the counter counts.
    #[method(3)]
    fn allocate(&mut self) -> Result<(), Infallible>;
    /// To be signalled by [`ring`](Remote::ring) from now on; the one before is no more.
    #[method(4)]
    fn watch(&mut self, bell: Cap<Notification>) -> Result<(), Infallible>;
    /// Signals whoever watches.
    #[method(5)]
    #[one_way]
    fn ring(&mut self);
    /// Gives both back, the other way round: two capabilities there, two back.
    #[method(7)]
    fn turn(
        &mut self,
        first: Cap<Notification>,
        second: Cap<Notification>,
    ) -> Result<(Cap<Notification>, Cap<Notification>), Infallible>;
    /// How many requests it has run.
    #[method(6)]
    fn executed(&mut self) -> Result<u64, Infallible>;
}
