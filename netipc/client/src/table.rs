//! The calls that are out, and what became of them.

use alloc::vec::Vec;
use core::task::Waker;

use netipc_interface::ring::{CALLS, Completion, Words};

/// Which of the calls that are out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(usize);

// The places are made once, each with room for the longest answer: nothing is allocated when one comes.
#[allow(clippy::large_enum_variant)]
enum Place {
    Free,
    /// Submitted; who waits is woken.
    Out(Option<Waker>),
    /// Submitted, and nobody waits any more.
    Abandoned,
    /// It has ended.
    Done {
        label: u64,
        words: Words,
    },
}

/// What a submission lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacks {
    /// A place in the table.
    Place,
    /// Room in the ring.
    Room,
}

/// A place for each call.
pub struct Table {
    places: Vec<(Place, u32)>,
    /// This start of the component: in the upper half of a token.
    start: u64,
    /// Who found no place, or no room in the ring.
    starved: Vec<Waker>,
    /// Whether one of them found no room in the ring.
    wants_room: bool,
    progress: bool,
}

/// Bits of a token below the start's: the place, and how often it was used.
const PLACE_BITS: u32 = 16;
const USE_BITS: u32 = 16;

impl Table {
    /// Empty. `start` is a number that no other start of the component has.
    pub fn new(start: u64) -> Self {
        Self {
            places: (0..CALLS).map(|_| (Place::Free, 0)).collect(),
            start: start << (PLACE_BITS + USE_BITS),
            starved: Vec::with_capacity(CALLS),
            wants_room: false,
            progress: false,
        }
    }

    /// A place for a call, and the call's token.
    pub fn take(&mut self) -> Option<(Ticket, u64)> {
        let free = |(place, _): &(Place, u32)| matches!(place, Place::Free);
        let at = self.places.iter().position(free)?;
        let (place, uses) = &mut self.places[at];
        *place = Place::Out(None);
        *uses = uses.wrapping_add(1);
        Some((Ticket(at), token(self.start, at, *uses)))
    }

    /// It was not submitted after all.
    pub fn give_back(&mut self, ticket: Ticket) {
        self.places[ticket.0].0 = Place::Free;
    }

    /// A completion has come. One of an earlier start, or for a call that has ended, is passed over.
    pub fn complete(&mut self, completion: &Completion) {
        let at = (completion.token & ((1 << PLACE_BITS) - 1)) as usize;
        let start = self.start;
        let Some((place, uses)) = self.places.get_mut(at) else {
            return;
        };
        if completion.token != token(start, at, *uses) {
            return;
        }
        match core::mem::replace(place, Place::Free) {
            Place::Out(waker) => {
                *place = Place::Done {
                    label: completion.label,
                    words: completion.words.clone(),
                };
                self.progress = true;
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            Place::Abandoned => self.wake_submitters(),
            done @ (Place::Done { .. } | Place::Free) => *place = done,
        }
    }

    /// What became of a call; until it has ended, `waker` is kept.
    pub fn poll(&mut self, ticket: Ticket, waker: &Waker) -> Option<(u64, Words)> {
        let place = &mut self.places[ticket.0].0;
        match core::mem::replace(place, Place::Free) {
            Place::Done { label, words } => {
                // Here is a place.
                self.wake_submitters();
                Some((label, words))
            }
            other => {
                *place = match other {
                    Place::Out(Some(old)) if old.will_wake(waker) => Place::Out(Some(old)),
                    Place::Out(_) => Place::Out(Some(waker.clone())),
                    other => other,
                };
                None
            }
        }
    }

    /// Nobody wants to know any more.
    pub fn abandon(&mut self, ticket: Ticket) {
        let place = &mut self.places[ticket.0].0;
        *place = match place {
            Place::Out(_) => Place::Abandoned,
            _ => Place::Free,
        };
    }

    /// Somebody could not submit, and will try again when there is a place, or room in the ring.
    pub fn starve(&mut self, waker: &Waker, lacks: Lacks) {
        self.wants_room |= lacks == Lacks::Room;
        if self.starved.len() < CALLS && !self.starved.iter().any(|other| other.will_wake(waker)) {
            self.starved.push(waker.clone());
        }
    }

    /// Whether somebody waits for room in the ring.
    pub const fn wants_room(&self) -> bool {
        self.wants_room
    }

    /// Has them try again.
    pub fn wake_submitters(&mut self) {
        self.wants_room = false;
        for waker in self.starved.drain(..) {
            self.progress = true;
            waker.wake();
        }
    }

    /// Whether anything has happened since this was asked.
    pub fn take_progress(&mut self) -> bool {
        core::mem::replace(&mut self.progress, false)
    }
}

const fn token(start: u64, place: usize, uses: u32) -> u64 {
    start | ((uses as u64) & ((1 << USE_BITS) - 1)) << PLACE_BITS | place as u64
}
