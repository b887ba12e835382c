//! Sets of components.

use isthmus_abi::ComponentId;

use crate::limits::COMPONENTS;

/// A set of components of one machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set(u64);

const _: () = assert!(COMPONENTS <= 64, "a bit for each component number");

impl Set {
    /// No component.
    pub const EMPTY: Self = Self(0);

    /// Adds one. A number that no component has is none.
    pub const fn insert(&mut self, id: ComponentId) {
        if (id.0 as usize) < COMPONENTS {
            self.0 |= 1 << id.0;
        }
    }

    /// Whether it is one of them.
    #[must_use]
    pub const fn contains(self, id: ComponentId) -> bool {
        (id.0 as usize) < COMPONENTS && self.0 & (1 << id.0) != 0
    }

    /// Each of them, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = ComponentId> {
        (0..COMPONENTS as u8)
            .map(ComponentId)
            .filter(move |&id| self.contains(id))
    }
}

impl FromIterator<ComponentId> for Set {
    fn from_iter<I: IntoIterator<Item = ComponentId>>(ids: I) -> Self {
        let mut set = Self::EMPTY;
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}
