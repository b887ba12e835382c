//! What the root task hands over to the component that serves [`INTERFACE`]: what it starts the others with. `docs/processes.md` has the why.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::badge::ComponentId;
use crate::limits;
use crate::slots::{Slot, SlotRange};

/// The interface by which the scheduler is known.
pub const INTERFACE: &str = "scheduler";

/// Everything that the scheduler gets beyond what the description grants. The capabilities lie in a run of slots behind its free ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// The pool that address spaces get their identifiers from.
    pub asid_pool: Slot,
    /// Its own address space, to fill frames in: the tables for the page at [`crate::layout::WINDOW`] are there.
    pub space: Slot,
    /// The undertaker's address space.
    pub undertaker: Slot,
    /// The CNode of a thread that has answered whom it owed: nobody calls there.
    pub grave: Slot,
    /// Where the boot archive lies, and its bytes.
    pub archive: Archive,
    /// The lasting part of every component of this machine, in the plan's order.
    pub components: Vec<Lasting, { limits::COMPONENTS }, u8>,
    /// The frames of channels, for each end that the scheduler starts.
    pub channels: Vec<SharedFrames, { 2 * limits::CHANNELS }, u8>,
    /// Empty slots, side by side, for what processes are made of.
    pub empty: SlotRange,
}

/// The boot archive, mapped read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Its address.
    pub address: u64,
    /// Its length.
    pub bytes: u64,
}

/// What lasts of a component. Of one of the base, which the root task starts, only what connects others with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lasting {
    /// The component.
    pub component: ComponentId,
    /// Its service endpoint, all rights; null if it serves nothing.
    pub service: Slot,
    /// Its notification, all rights.
    pub notification: Slot,
    /// The thread that stands at its endpoint while no process does; null for the base, and if it serves nothing.
    pub deputy: Slot,
    /// The first of the frames of its log rings, side by side; null for the base.
    pub logs: Slot,
}

/// The frames of a channel, for one of its ends: a capability for each end, because each is mapped once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedFrames {
    /// The end.
    pub component: ComponentId,
    /// The channel's place in the plan.
    pub channel: u8,
    /// The first of the frames, side by side.
    pub first: Slot,
}

/// Slots that the hand-over takes in the scheduler's CNode: four of its own, three for each component, frames, and what processes are made of.
pub const HAND_OVER_SLOTS: u32 =
    4 + 3 * limits::COMPONENTS as u32 + limits::SHARED_FRAMES + limits::PROCESS_SLOTS;
