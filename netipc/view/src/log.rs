//! The entries that are not agreed yet, and the latest that are.

use heapless::Deque;

use crate::ids::{Index, Term};
use crate::limits::LOG;
use crate::table::Command;

/// A command, and the term of the leader that proposed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The leader's term.
    pub term: Term,
    /// What is to be done.
    pub command: Command,
}

/// A place in the log, and the term of the entry there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub index: Index,
    /// The term of the entry there.
    pub term: Term,
}

/// Entries `base + 1` to `last`; those up to `applied` are in the table.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    entries: Deque<Entry, LOG>,
    base: Place,
    applied: Index,
}

impl Log {
    pub(crate) const EMPTY: Self = Self {
        entries: Deque::new(),
        base: Place {
            index: Index(0),
            term: Term(0),
        },
        applied: Index(0),
    };

    /// Forgets everything but that the table has everything up to `base`. In place: it is large.
    pub(crate) fn begin_after(&mut self, base: Place) {
        self.entries.clear();
        self.base = base;
        self.applied = base.index;
    }

    pub(crate) const fn applied(&self) -> Index {
        self.applied
    }

    pub(crate) fn last(&self) -> Place {
        let index = Index(self.base.index.0.saturating_add(self.entries.len() as u64));
        let term = self
            .entries
            .back()
            .map_or(self.base.term, |entry| entry.term);
        Place { index, term }
    }

    pub(crate) fn get(&self, index: Index) -> Option<&Entry> {
        let place = index.0.checked_sub(self.base.index.0)?.checked_sub(1)?;
        self.entries.get(usize::try_from(place).ok()?)
    }

    /// The term of the entry at `index`, if it is known.
    pub(crate) fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        self.get(index).map(|entry| entry.term)
    }

    /// The place of what was applied last.
    pub(crate) fn applied_place(&self) -> Place {
        Place {
            index: self.applied,
            term: self.term_at(self.applied).unwrap_or(self.base.term),
        }
    }

    /// Adds an entry at the end; forgets the oldest that is applied if there is no room.
    pub(crate) fn push(&mut self, entry: Entry) -> Option<Index> {
        if self.entries.is_full() {
            if self.base.index >= self.applied {
                return None;
            }
            let oldest = self.entries.pop_front()?;
            self.base = Place {
                index: self.base.index.next(),
                term: oldest.term,
            };
        }
        self.entries.push_back(entry).ok()?;
        Some(self.last().index)
    }

    /// Takes the entry that belongs at `index`, which is at most one past the last. An entry there of another term, and all behind it, go.
    pub(crate) fn put(&mut self, index: Index, entry: Entry) -> bool {
        if index <= self.applied || self.term_at(index) == Some(entry.term) {
            return true;
        }
        while self.last().index >= index {
            let _ = self.entries.pop_back();
        }
        index == self.last().index.next() && self.push(entry).is_some()
    }

    /// The entries that are not applied, with their places.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (Index, &Entry)> {
        let skip = self.applied.0.saturating_sub(self.base.index.0);
        let first = self.base.index.0;
        let numbered = (1..)
            .map(move |n| Index(first.saturating_add(n)))
            .zip(self.entries.iter());
        numbered.skip(usize::try_from(skip).unwrap_or(usize::MAX))
    }

    /// The next entry up to `commit`, which from now on counts as applied.
    pub(crate) fn apply_next(&mut self, commit: Index) -> Option<Entry> {
        let next = self.applied.next();
        if next > commit {
            return None;
        }
        let entry = *self.get(next)?;
        self.applied = next;
        Some(entry)
    }
}
