//! What the shell has to do after a call, or when time has passed.

use heapless::{Deque, Vec};

use crate::Directory;
use crate::limits::{ENTRIES, WATCHES};

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<C> {
    /// Signal this watcher.
    Signal(C),
    /// Delete this capability: nothing needs it any more.
    Discard(C),
    /// The directory is gone: take its capabilities away from everybody.
    Revoke(Directory),
    /// The cluster-wide names of this machine have changed: poke the peers' naming.
    Poke,
}

/// What one call can cause at most, if the shell does it before the next: everything ends.
const EFFECTS: usize = ENTRIES + WATCHES;

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Effects<C> {
    signals: Vec<C, WATCHES>,
    queue: Deque<Effect<C>, EFFECTS>,
    poke: Poke,
}

/// Whether the peers are to be poked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poke {
    Wanted,
    No,
}

impl<C> Effects<C> {
    pub(crate) const fn new() -> Self {
        Self {
            signals: Vec::new(),
            queue: Deque::new(),
            poke: Poke::No,
        }
    }

    /// Each is a capability or a directory that was there, and is not any more: there is room for all.
    pub(crate) fn push(&mut self, effect: Effect<C>) {
        let pushed = self.queue.push_back(effect);
        debug_assert!(pushed.is_ok(), "the shell does what is to be done");
    }

    /// Several changes before the shell looks are one signal: that is what signals do anyway.
    pub(crate) fn signal(&mut self, watcher: C)
    where
        C: PartialEq,
    {
        if !self.signals.contains(&watcher) {
            let pushed = self.signals.push(watcher);
            debug_assert!(pushed.is_ok(), "there are no more watchers than watches");
        }
    }

    pub(crate) fn poke(&mut self) {
        self.poke = Poke::Wanted;
    }

    pub(crate) fn next(&mut self) -> Option<Effect<C>> {
        // Signals first: whoever is told that its watch ends is told through a capability that goes with it.
        if let Some(watcher) = self.signals.pop() {
            return Some(Effect::Signal(watcher));
        }
        self.queue.pop_front().or_else(|| {
            let poke = core::mem::replace(&mut self.poke, Poke::No);
            (poke == Poke::Wanted).then_some(Effect::Poke)
        })
    }
}
