//! What the root task hands over to the component that serves [`INTERFACE`]: the memory that is left, and who may have some of it.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::badge::ComponentId;
use crate::limits;
use crate::slots::{Slot, SlotRange};

/// The interface by which the memory server is known.
pub const INTERFACE: &str = "memory";

/// Everything that the memory server gets beyond what the description grants. It lies in a run of slots behind its free ones: first the
/// untyped objects, then the address spaces; the rest is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// The memory. Nothing was made of any of it, and nobody else has a capability to it but the root task, which uses none.
    pub untyped: Vec<UntypedObject, { limits::UNTYPED_OBJECTS }, u8>,
    /// The accounts of the components that the root task starts.
    pub accounts: Vec<Account, { limits::COMPONENTS }, u8>,
    /// Who reserves memory, and opens and closes accounts.
    pub scheduler: Option<ComponentId>,
    /// Empty slots, side by side, for what the server makes.
    pub empty: SlotRange,
}

/// A capability to untyped memory: RAM, of which nothing was made yet. Device memory stays with the root task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntypedObject {
    /// Where it lies.
    pub slot: Slot,
    /// It has 2 to the power of this many bytes.
    pub size_bits: u8,
}

/// A component with memory objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The component.
    pub component: ComponentId,
    /// A capability to its address space.
    pub space: Slot,
    /// What it may have, in bytes: objects, mappings, translation tables.
    pub quota_bytes: u64,
}

/// Slots that the hand-over takes in the memory server's CNode.
pub const HAND_OVER_SLOTS: u32 =
    (limits::UNTYPED_OBJECTS + limits::COMPONENTS) as u32 + limits::MEMORY_SLOTS;
