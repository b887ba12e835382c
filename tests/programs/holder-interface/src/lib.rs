//! A server that makes capabilities, keeps those of others, and gives them on: what the tests of capabilities across machines call on every machine.
//!
//! It decides nothing: the tests say who gives what to whom, and judge. Read next: `tests/machines/src/hand_over.rs`.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_interface::{Caller, Cap, Wire, error_codes, interface};

/// The server's name on each machine.
pub const NAME: &str = "holder";
/// Capabilities that it keeps at once.
pub const PLACES: usize = 32;
/// Objects that it makes: their numbers are below this. The first numbers are taken: 0 is the service, 1 its name.
pub const OBJECTS: usize = 512;
/// The number of the first object.
pub const FIRST_OBJECT: u16 = 2;

error_codes! {
    /// Why it does not do it.
    pub enum HolderError {
        /// There is no such place, or nothing in it.
        Empty = 1, "there is nothing in that place";
        /// No such object can be made, or it is there already, or it is not there.
        BadObject = 2, "that object cannot be made, or is not there";
        /// No slot is left.
        NoSlot = 3, "no slot is left";
        /// It has no netipc to tell.
        NoNetipc = 4, "netipc did not answer";
        /// Somebody did not confirm a revocation in time.
        Unconfirmed = 5, "a revocation was not confirmed in time";
    }
}

/// Who has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Ran {
    /// The server's machine.
    pub node: u8,
    /// The object whose capability was called.
    pub object: u16,
    /// What was asked.
    pub request: u64,
}

/// What the server sees of a capability that was given to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Seen {
    /// The number of its own object, if it is one of its own; 0 if it is not.
    pub own: u16,
}

/// What a revocation took, in nanoseconds of the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Took {
    /// Until no call came through any more.
    pub effective: u64,
    /// Until every importer had confirmed.
    pub complete: u64,
}

/// Who is told of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
#[repr(u64)]
pub enum Tell {
    /// Nobody.
    Nobody = 0,
    /// Netipc.
    Netipc = 1,
}

/// The server.
#[interface(name = "holder")]
pub trait Holder {
    /// Makes an object, and a capability to it, to be revoked one day.
    #[method(0)]
    fn make(&mut self, object: u16) -> Result<Cap<dyn Holder>, HolderError>;
    /// Keeps a capability in a place; what was there before is deleted.
    #[method(1)]
    fn keep(&mut self, place: u8, capability: Cap<dyn Holder>) -> Result<Seen, HolderError>;
    /// Gives what is in a place, and keeps it.
    #[method(2)]
    fn show(&mut self, place: u8) -> Result<Cap<dyn Holder>, HolderError>;
    /// Runs a request at the object whose capability is called.
    #[method(3)]
    fn run(&mut self, caller: Caller, request: u64) -> Result<Ran, HolderError>;
    /// How many requests have run at an object since it was made; of one that was revoked, too.
    #[method(4)]
    fn ran(&mut self, object: u16) -> Result<u64, HolderError>;
    /// Takes an object's capability back from everybody; netipc's number for that, if it was told.
    #[method(5)]
    fn revoke(&mut self, object: u16, tell: Tell) -> Result<u64, HolderError>;
    /// How many machines have not confirmed a revocation.
    #[method(6)]
    fn unconfirmed(&mut self, number: u64) -> Result<u64, HolderError>;
    /// Takes an object's capability back from everybody, and waits until all have confirmed.
    #[method(7)]
    fn revoke_and_wait(&mut self, object: u16) -> Result<Took, HolderError>;
}
