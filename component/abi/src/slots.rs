//! Where a component's capabilities lie. Its CSpace is one CNode whose guard is zero and takes up the rest of the word, so
//! a slot's number is the capability pointer.

use serde::{Deserialize, Serialize};

/// A slot of the component's own CNode; its number is also the `CPtr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(pub u32);

impl Slot {
    /// The capability pointer.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0 as u64
    }
}

/// Always empty.
pub const NULL: Slot = Slot(0);
/// The component's own CNode.
pub const CNODE: Slot = Slot(1);
/// The service endpoint, all rights. Empty in a component that serves nothing.
pub const SERVICE: Slot = Slot(2);
/// The component's own notification, all rights, bound to the main thread.
pub const NOTIFICATION: Slot = Slot(3);
/// Where a capability that arrives in a message is put.
pub const RECEIVE: Slot = Slot(4);
/// The first of the grants.
pub const FIRST_GRANT: Slot = Slot(5);

/// A run of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRange {
    /// The first one.
    pub first: Slot,
    /// How many there are.
    pub count: u32,
}

impl SlotRange {
    /// No slots, at `first`.
    #[must_use]
    pub const fn empty(first: Slot) -> Self {
        Self { first, count: 0 }
    }

    /// The slot at `index` of the run, if there is one.
    #[must_use]
    pub const fn get(self, index: u32) -> Option<Slot> {
        if index < self.count {
            Some(Slot(self.first.0 + index))
        } else {
            None
        }
    }

    /// One past the last slot.
    #[must_use]
    pub const fn end(self) -> Slot {
        Slot(self.first.0 + self.count)
    }

    /// Whether `slot` is one of the run.
    #[must_use]
    pub const fn contains(self, slot: Slot) -> bool {
        slot.0 >= self.first.0 && slot.0 - self.first.0 < self.count
    }

    /// All slots of the run.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Slot> + ExactSizeIterator {
        let first = self.first.0;
        (0..self.count).map(move |index| Slot(first + index))
    }
}
