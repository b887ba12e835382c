//! What the calls carry.

use isthmus_interface::{Kind, OwnEndpoint, Wire};

/// What a capability to a memory object leads to: `Cap<MemoryObject>`, in any interface.
#[derive(Clone, Copy, Debug)]
pub enum MemoryObject {}

impl Kind for MemoryObject {
    const KIND: &'static str = "a memory object";
    // To the memory server it always is; to whoever gets one from it, it is a capability.
    const OWN: OwnEndpoint = OwnEndpoint::Maybe;
}

/// What a mapping allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
}

/// Where an object was mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire)]
pub struct Mapped {
    /// Its first byte.
    pub address: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// What an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire)]
pub struct Usage {
    /// What it may have, in bytes.
    pub quota_bytes: u64,
    /// What it has: the objects that it made or maps, and its translation tables.
    pub used_bytes: u64,
}

/// What the machine has. Everything given back, it is what it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire)]
pub struct Statistics {
    /// Memory that was handed over.
    pub total_bytes: u64,
    /// What nobody has.
    pub free_bytes: u64,
    /// The largest piece of it.
    pub largest_bytes: u64,
    /// Slots that nobody has.
    pub free_slots: u64,
    /// Open accounts.
    pub accounts: u64,
    /// Objects, those included that live only because somebody maps them.
    pub objects: u64,
    /// Mappings.
    pub mappings: u64,
    /// Reservations.
    pub reservations: u64,
    /// What the server's own heap has handed out since its start: after that it stands still.
    pub allocations: u64,
}
