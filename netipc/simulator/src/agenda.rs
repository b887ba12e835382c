//! What will happen, in the order of its time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use netipc_protocol::Instant;

use crate::faults::Trouble;
use crate::machine::Held;

/// Something that happens at a point of virtual time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A frame reaches a machine.
    Arrive { from: u8, to: u8, frame: u32 },
    /// A machine's timer.
    Timer { node: usize, incarnation: u32 },
    /// A machine looks, whatever is due.
    Look { node: usize, incarnation: u32 },
    /// An application makes a call.
    Issue { node: usize },
    /// An application gives a call up.
    Cancel {
        node: usize,
        incarnation: u32,
        id: usize,
    },
    /// A worker is done.
    Done {
        node: usize,
        incarnation: u32,
        id: usize,
    },
    /// An application has no more use for a capability.
    GiveUp {
        node: usize,
        incarnation: u32,
        held: Held,
    },
    /// A machine starts.
    Restart { node: usize },
    /// A trouble begins.
    Trouble(Trouble),
    /// An application wants to own something, or no more.
    Want { node: usize },
    /// A machine is not heard for longer than a lease.
    Silence {
        node: usize,
        lasting: Duration,
        deaf: bool,
    },
    /// A direction is mended.
    Heal { from: usize, to: usize },
    /// A direction is wide again.
    Widen { from: usize, to: usize },
    /// A direction is quick again.
    Quicken { from: usize, to: usize },
}

/// When, in which order among what happens then, and where it lies: small, because a heap moves it all the time.
type Planned = (Instant, u32, u32);

/// What is planned.
#[derive(Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Reverse<Planned>>,
    events: Vec<Event>,
    spare: Vec<u32>,
    planned: u32,
}

impl Agenda {
    /// Something will happen; after everything that is planned for the same time.
    pub(crate) fn plan(&mut self, at: Instant, event: Event) {
        self.planned += 1;
        let place = match self.spare.pop() {
            Some(place) => {
                self.events[place as usize] = event;
                place
            }
            None => {
                self.events.push(event);
                self.events.len() as u32 - 1
            }
        };
        self.heap.push(Reverse((at, self.planned, place)));
    }

    /// What happens next, if it does until then.
    pub(crate) fn next(&mut self, until: Instant) -> Option<(Instant, Event)> {
        let Reverse((at, ..)) = self.heap.peek()?;
        if *at > until {
            return None;
        }
        let Reverse((at, _, place)) = self.heap.pop()?;
        self.spare.push(place);
        Some((at, self.events[place as usize]))
    }

    /// Nothing is planned.
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.events.clear();
        self.spare.clear();
        self.planned = 0;
    }
}
