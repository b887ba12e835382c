//! The keys of one peer's sessions, and which of them is used.

use netipc_protocol::{Instant, SessionId};

use crate::key::Key;
use crate::limits::KEYS;

/// Which side asked for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// We did: the peer has shown that it has the key, by its answer.
    Us,
    /// The peer did: that it has the key we know only when a frame comes under it.
    Them,
}

/// One key of a session.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) session: SessionId,
    pub(crate) id: u32,
    pub(crate) key: Key,
    pub(crate) asker: Asker,
    pub(crate) since: Instant,
    /// Of which generation the cluster's keys were by which it was agreed on.
    pub(crate) generation: u64,
    /// When another one was last wanted.
    pub(crate) wanted: Option<Instant>,
    heard: bool,
    /// From when it is good for nothing.
    retires_at: Option<Instant>,
}

impl Entry {
    pub(crate) const fn new(
        session: SessionId,
        id: u32,
        key: Key,
        asker: Asker,
        since: Instant,
        generation: u64,
    ) -> Self {
        Self {
            session,
            id,
            key,
            asker,
            since,
            generation,
            wanted: None,
            heard: false,
            retires_at: None,
        }
    }

    /// Whether frames under it are still taken.
    pub(crate) fn is_good(&self, now: Instant) -> bool {
        self.retires_at.is_none_or(|at| now < at)
    }

    /// A frame came under it; `true` if it is the first.
    pub(crate) const fn heard(&mut self) -> bool {
        !core::mem::replace(&mut self.heard, true)
    }

    /// Whether the peer has it for certain.
    const fn is_proven(&self) -> bool {
        matches!(self.asker, Asker::Us) || self.heard
    }
}

/// The keys of one peer.
#[derive(Debug, Default)]
pub(crate) struct Ring(heapless::Vec<Entry, KEYS>);

impl Ring {
    pub(crate) fn find(&mut self, session: SessionId, id: u32) -> Option<&mut Entry> {
        let mut entries = self.0.iter_mut();
        entries.find(|entry| entry.session == session && entry.id == id)
    }

    /// The key that frames of a session are sealed with: the newest that the peer has for certain.
    // [N14]
    pub(crate) fn sealing(&self, session: SessionId) -> Option<&Entry> {
        let of = |entry: &&Entry| entry.session == session && entry.is_proven();
        self.0.iter().filter(of).max_by_key(|entry| entry.id)
    }

    pub(crate) fn sealing_mut(&mut self, session: SessionId) -> Option<&mut Entry> {
        let id = self.sealing(session)?.id;
        self.find(session, id)
    }

    /// A new key. One that the peer has asked for before and never used gives way to it; if there is no room, the oldest does.
    pub(crate) fn insert(&mut self, entry: Entry) {
        self.0.retain(|other| {
            other.session != entry.session || (other.is_proven() && other.id != entry.id)
        });
        if self.0.is_full() {
            let oldest = (0..self.0.len())
                .min_by_key(|&at| (self.0[at].retires_at.is_none(), self.0[at].since));
            if let Some(oldest) = oldest {
                self.0.swap_remove(oldest);
            }
        }
        // There is room now.
        let _ = self.0.push(entry);
    }

    /// A key is in use on both sides: those before it are good only for what is still on its way.
    // [N15]
    pub(crate) fn retire_before(&mut self, session: SessionId, id: u32, at: Instant) {
        for entry in &mut self.0 {
            if entry.session == session && entry.id < id {
                entry.retires_at.get_or_insert(at);
            }
        }
    }

    pub(crate) fn forget(&mut self, session: SessionId) {
        self.0.retain(|entry| entry.session != session);
    }
}
