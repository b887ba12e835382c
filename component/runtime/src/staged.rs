//! Capabilities that were sent ahead of a message, or wait to be fetched after one: `isthmus_interface::staging`.
//!
//! A table without locks, for several threads of a component may serve. What is never asked for is deleted when newer ones need its place.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use isthmus_abi::{EndpointBadge, Slot, limits};
use isthmus_interface::{Capability, Exhausted};
use sel4::CapRights;

use crate::calls::Kernel;
use crate::{slots, time};

const FREE: u32 = 0;
/// Somebody writes, or takes out.
const BUSY: u32 = 1;
const KEPT: u32 = 2;
/// Set in a place that is a badge of this component's own endpoint, and no slot.
const OWN: u64 = 1 << 63;

struct Entry {
    state: AtomicU32,
    ticket: AtomicU64,
    badge: AtomicU64,
    place: AtomicU64,
}

static TABLE: [Entry; limits::STAGED] = [const {
    Entry {
        state: AtomicU32::new(FREE),
        ticket: AtomicU64::new(0),
        badge: AtomicU64::new(0),
        place: AtomicU64::new(0),
    }
}; limits::STAGED];

/// Tickets that were given out.
static TICKETS: AtomicU64 = AtomicU64::new(0);

impl Entry {
    fn seize(&self, from: u32) -> bool {
        let change = self
            .state
            .compare_exchange(from, BUSY, Ordering::Acquire, Ordering::Relaxed);
        change.is_ok()
    }

    /// What it holds; the entry is free afterwards.
    fn empty(&self) -> Capability {
        let place = self.place.load(Ordering::Relaxed);
        self.state.store(FREE, Ordering::Release);
        if place & OWN == 0 {
            Kernel::owned(Slot(place as u32))
        } else {
            Capability::own(place & !OWN)
        }
    }
}

/// Keeps a capability for callers with this badge.
pub fn stage(badge: u64, capability: Capability) -> Result<u64, Exhausted> {
    let place = match capability.own_badge() {
        Some(own) => OWN | own,
        None => own_slot(capability)?.bits(),
    };
    let client = EndpointBadge::from_bits(badge).client;
    let of_client = |entry: &&Entry| {
        entry.state.load(Ordering::Relaxed) == KEPT
            && EndpointBadge::from_bits(entry.badge.load(Ordering::Relaxed)).client == client
    };
    // A client that asks for more than its share loses its own oldest; if all places are taken, the oldest of all goes.
    if TABLE.iter().filter(of_client).count() >= limits::STAGED_OF_ONE {
        drop(oldest(TABLE.iter().filter(of_client)));
    }
    let free = || TABLE.iter().find(|entry| entry.seize(FREE));
    let entry = match free() {
        Some(entry) => entry,
        None => {
            drop(oldest(TABLE.iter()));
            let Some(entry) = free() else {
                drop(Kernel::owned(Slot(place as u32)));
                return Err(Exhausted);
            };
            entry
        }
    };
    // Not to be guessed by who was given none: the counter's reading is in it.
    let count = TICKETS.fetch_add(1, Ordering::Relaxed);
    let ticket = time::now().ticks() << u16::BITS | count & u64::from(u16::MAX);
    entry.ticket.store(ticket, Ordering::Relaxed);
    entry.badge.store(badge, Ordering::Relaxed);
    entry.place.store(place, Ordering::Relaxed);
    entry.state.store(KEPT, Ordering::Release);
    Ok(ticket)
}

/// What is kept under a ticket for callers with this badge.
pub fn unstage(badge: u64, ticket: u64) -> Option<Capability> {
    TABLE.iter().find_map(|entry| {
        if entry.ticket.load(Ordering::Relaxed) != ticket || !entry.seize(KEPT) {
            return None;
        }
        let right = entry.ticket.load(Ordering::Relaxed) == ticket
            && entry.badge.load(Ordering::Relaxed) == badge;
        if right {
            return Some(entry.empty());
        }
        entry.state.store(KEPT, Ordering::Release);
        None
    })
}

fn oldest<'e>(entries: impl Iterator<Item = &'e Entry>) -> Option<Capability> {
    let kept = entries.filter(|entry| entry.state.load(Ordering::Relaxed) == KEPT);
    let oldest = kept.min_by_key(|entry| entry.ticket.load(Ordering::Relaxed))?;
    oldest.seize(KEPT).then(|| oldest.empty())
}

/// A slot that is ours to free: the capability's own, or a copy of what its owner keeps.
fn own_slot(capability: Capability) -> Result<Slot, Exhausted> {
    if capability.is_owned() {
        return Ok(capability.into_slot());
    }
    let slot = slots::allocate().map_err(|_| Exhausted)?;
    let copy = Kernel::owned(slot);
    slots::absolute(slot)
        .copy(&slots::absolute(capability.slot()), CapRights::all())
        .map_err(|_| Exhausted)?;
    Ok(copy.into_slot())
}
