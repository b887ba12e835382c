//! The component's free slots: for capabilities that it mints, or takes from the receive slot.

use core::cell::Cell;

use isthmus_abi::{Slot, limits, slots};
use sel4::{AbsoluteCPtr, Cap, CapType, cap};

use crate::bitmap::Bitmap;
use crate::startup;

static TAKEN: Bitmap<{ limits::FREE_SLOTS.div_ceil(64) }> = Bitmap::new();

/// Every slot of a kind is taken; the description says how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

impl core::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no free slot is left: raise `slots` in the description")
    }
}

impl core::error::Error for Exhausted {}

/// Takes a free slot. It is empty.
pub fn allocate() -> Result<Slot, Exhausted> {
    let free = startup().free;
    TAKEN
        .take(free.count)
        .and_then(|index| free.get(index))
        .ok_or(Exhausted)
}

/// Deletes what is in a slot that [`allocate`] gave, and frees the slot.
pub fn free(slot: Slot) {
    let range = startup().free;
    if !range.contains(slot) {
        return;
    }
    // Deleting an empty slot succeeds; a slot of our own CNode is always there.
    let _ = absolute(slot).delete();
    TAKEN.give(slot.0 - range.first.0);
}

/// The capability in `slot`, which the caller says to be a `T`. The kernel checks it at every use.
#[must_use]
pub const fn cap<T: CapType>(slot: Slot) -> Cap<T> {
    Cap::from_bits(slot.bits())
}

/// The slot as a place in this component's CNode, for `copy`, `mint`, `move_`, `delete`, `revoke`, `save_caller`.
#[must_use]
pub fn absolute(slot: Slot) -> AbsoluteCPtr {
    cap::CNode::from_bits(slots::CNODE.bits())
        .absolute_cptr_from_bits_with_depth(slot.bits(), DEPTH)
}

/// Whether nothing is in a slot: never, or not any more, for what was in it may have been revoked.
#[must_use]
pub fn is_empty(slot: Slot) -> bool {
    // A probe that changes nothing: the destination, which the kernel looks at first, would have to be empty for the copy to go on, and then the source is empty, too.
    let here = absolute(slot);
    matches!(
        here.copy(&here, sel4::CapRights::all()),
        Err(sel4::Error::FailedLookup)
    )
}

/// The CNode's guard takes up the rest of the word, so a slot is named at full depth.
pub const DEPTH: usize = u64::BITS as usize;

/// Where this thread's capabilities arrive: a slot for each thread, for what one receives must not be another's.
#[thread_local]
static RECEIVE: Cell<Slot> = Cell::new(slots::NULL);

/// Where a capability arrives that comes with a message to this thread; null if no free slot was left when it started.
#[must_use]
pub fn receive_slot() -> Slot {
    RECEIVE.get()
}

/// Deletes what has arrived.
pub fn discard_received() {
    // Deleting an empty slot succeeds.
    let _ = absolute(receive_slot()).delete();
}

/// Gives the calling thread its receive slot. A thread that is started anew keeps its own.
pub(crate) fn open_receive_slot(thread: usize) {
    if receive_slot() == slots::NULL {
        RECEIVE.set(match thread {
            0 => slots::RECEIVE,
            _ => allocate().unwrap_or(slots::NULL),
        });
    }
    let slot = receive_slot();
    if slot != slots::NULL {
        sel4::with_ipc_buffer_mut(|buffer| buffer.set_recv_slot(&absolute(slot)));
    }
}

/// Moves the capability that has arrived in this thread's receive slot to a free slot, so that the next one can arrive.
pub fn take_received() -> Result<Slot, TakeError> {
    let slot = allocate().map_err(|_| TakeError::Exhausted)?;
    match absolute(slot).move_(&absolute(receive_slot())) {
        Ok(()) => Ok(slot),
        Err(_) => {
            free(slot);
            Err(TakeError::NothingReceived)
        }
    }
}

/// Why no received capability could be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeError {
    /// No free slot is left.
    Exhausted,
    /// The receive slot is empty.
    NothingReceived,
}
