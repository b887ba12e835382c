//! What a component has: its quota, what it made and mapped, and where in its address space.

use alloc::vec::Vec;

use isthmus_abi::Slot;
use isthmus_abi::layout::{OBJECTS, OBJECTS_BYTES};

use crate::kernel::PAGE_BYTES;
use crate::limits::ACCOUNT_MAPPINGS;
use crate::memory::MappingId;
use crate::space::Tables;

/// A mapping's place in the window.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its first address.
    pub address: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Which mapping it is.
    pub mapping: MappingId,
}

/// An account. Its tables have their room before it is opened.
#[derive(Debug)]
pub struct Account {
    /// The component's address space; `None` while the account is closed.
    pub space: Option<Slot>,
    /// What it may have.
    pub quota_bytes: u64,
    /// What it has.
    pub used_bytes: u64,
    /// Objects that it made and did not destroy.
    pub made: usize,
    /// Its translation tables in the window.
    pub tables: Tables,
    /// Its mappings, by address.
    places: Vec<Place>,
}

impl Account {
    /// A closed one.
    #[must_use]
    pub fn closed() -> Self {
        Self {
            space: None,
            quota_bytes: 0,
            used_bytes: 0,
            made: 0,
            tables: Tables::new(),
            places: Vec::with_capacity(ACCOUNT_MAPPINGS),
        }
    }

    /// Whether it may have `bytes` more.
    #[must_use]
    pub const fn affords(&self, bytes: u64) -> bool {
        bytes <= self.quota_bytes.saturating_sub(self.used_bytes)
    }

    /// Its mappings.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The mapping that begins at `address`.
    #[must_use]
    pub fn at(&self, address: u64) -> Option<MappingId> {
        let index = self
            .places
            .binary_search_by_key(&address, |place| place.address);
        index.ok().map(|index| self.places[index].mapping)
    }

    /// The first address of `alignment` with room for `bytes`. A page below each mapping, and one behind it, stay unmapped.
    #[must_use]
    pub fn room(&self, bytes: u64, alignment: u64) -> Option<u64> {
        if self.places.len() == ACCOUNT_MAPPINGS {
            return None;
        }
        let mut from = OBJECTS;
        for place in &self.places {
            let address = (from + PAGE_BYTES).next_multiple_of(alignment);
            if address + bytes + PAGE_BYTES <= place.address {
                return Some(address);
            }
            from = place.address + place.bytes;
        }
        let address = (from + PAGE_BYTES).next_multiple_of(alignment);
        let end = address.checked_add(bytes)?.checked_add(PAGE_BYTES)?;
        (end <= OBJECTS + OBJECTS_BYTES).then_some(address)
    }

    /// Enters a mapping where [`room`](Self::room) has found room.
    pub fn enter(&mut self, place: Place) {
        let before = |other: &Place| other.address < place.address;
        let index = self.places.partition_point(before);
        self.places.insert(index, place);
    }

    /// Forgets a mapping.
    pub fn leave(&mut self, mapping: MappingId) {
        self.places.retain(|place| place.mapping != mapping);
    }
}
