//! Revocations that importers have not confirmed yet, for whoever asks how far they are.

use heapless::Vec;
use netipc_protocol::{NodeId, Object};

use crate::exports::EXPORTS;

/// Revocations that are not complete.
#[derive(Debug)]
pub struct Revocations<const N: usize = EXPORTS> {
    open: Vec<Open, N>,
    last: u64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    object: Object,
    importer: NodeId,
    number: u64,
}

impl<const N: usize> Revocations<N> {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            open: Vec::new(),
            last: 0,
        }
    }

    /// Somebody has revoked: the number under which this can be asked about.
    pub const fn begin(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// An export is revoked from now on; it counts for the last number.
    pub fn note(&mut self, object: Object, importer: NodeId) {
        let open = Open {
            object,
            importer,
            number: self.last,
        };
        let pushed = self.open.push(open);
        debug_assert!(pushed.is_ok(), "the protocol keeps a row for each");
    }

    /// The importer has confirmed it.
    pub fn complete(&mut self, object: Object) {
        self.open.retain(|open| open.object != object);
    }

    /// The session with an importer is over: it has nothing any more.
    pub fn end(&mut self, importer: NodeId) {
        self.open.retain(|open| open.importer != importer);
    }

    /// How many revocations that were noted up to a number are not confirmed.
    #[must_use]
    pub fn unconfirmed(&self, number: u64) -> usize {
        self.open
            .iter()
            .filter(|open| open.number <= number)
            .count()
    }
}

impl<const N: usize> Default for Revocations<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(2);
    const B: NodeId = NodeId(3);

    #[test]
    fn a_revocation_is_complete_when_every_importer_has_confirmed_or_is_gone() {
        let mut revocations = Revocations::<4>::new();
        let first = revocations.begin();
        revocations.note(Object(1), A);
        revocations.note(Object(2), B);
        let second = revocations.begin();
        revocations.note(Object(3), B);
        assert_eq!(revocations.unconfirmed(first), 2);
        assert_eq!(revocations.unconfirmed(second), 3);
        revocations.complete(Object(1));
        revocations.complete(Object(1));
        assert_eq!(revocations.unconfirmed(first), 1);
        revocations.end(B);
        assert_eq!(revocations.unconfirmed(second), 0);
        let empty = revocations.begin();
        assert_eq!(revocations.unconfirmed(empty), 0);
    }
}
