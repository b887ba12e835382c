//! Everything that the memory server has, and what it does for each call. Each operation is all or nothing.

use alloc::vec::Vec;

use isthmus_abi::{ComponentId, ObjectId, Slot, SlotRange};
use memory_interface::{MemoryError, Statistics, Usage};

use crate::account::Account;
use crate::kernel::Kernel;
use crate::limits::{MAPPINGS, OBJECTS, RESERVATIONS};
use crate::mapping::Mapping;
use crate::object::Object;
use crate::slots::Slots;
use crate::table::Table;
use crate::untyped::{NodeId, Untyped};

/// The number of a mapping.
pub type MappingId = u16;

/// A reservation: its number, and where its capability lies, to be sent to who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The number, by which it is given back.
    pub number: u64,
    /// The untyped object.
    pub slot: Slot,
}

/// All of it.
#[derive(Debug)]
pub struct Memory<K> {
    pub(crate) kernel: K,
    pub(crate) untyped: Untyped,
    pub(crate) slots: Slots,
    /// By component number.
    pub(crate) accounts: Vec<Account>,
    pub(crate) objects: Table<Object>,
    pub(crate) mappings: Table<Mapping>,
    reservations: Table<NodeId>,
}

impl<K: Kernel> Memory<K> {
    /// Takes over untyped objects (each with log2 of its bytes) and empty slots. All its tables have their room from now on.
    pub fn new(kernel: K, untyped: impl Iterator<Item = (Slot, u8)>, empty: SlotRange) -> Self {
        let numbers = 0..=isthmus_abi::limits::COMPONENTS;
        Self {
            kernel,
            untyped: Untyped::new(untyped),
            slots: Slots::new(empty),
            accounts: numbers.map(|_| Account::closed()).collect(),
            objects: Table::new(OBJECTS as u16),
            mappings: Table::new(MAPPINGS as u16),
            reservations: Table::new(RESERVATIONS as u16),
        }
    }

    /// What asks the kernel.
    pub const fn kernel(&self) -> &K {
        &self.kernel
    }

    /// What asks the kernel.
    pub const fn kernel_mut(&mut self) -> &mut K {
        &mut self.kernel
    }

    /// What there is. Of a heap nothing is known here.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let open = self.accounts.iter().filter(|a| a.space.is_some()).count();
        Statistics {
            total_bytes: self.untyped.total_bytes(),
            free_bytes: self.untyped.free_bytes(),
            largest_bytes: self.untyped.largest_bits().map_or(0, |bits| 1 << bits),
            free_slots: (self.slots.free() + self.untyped.idle_slots()).into(),
            accounts: open as u64,
            objects: self.objects.count() as u64,
            mappings: self.mappings.count() as u64,
            reservations: self.reservations.count() as u64,
            allocations: 0,
        }
    }

    /// What a component has.
    ///
    /// # Errors
    /// [`MemoryError::NoAccount`]
    pub fn usage(&self, of: ComponentId) -> Result<Usage, MemoryError> {
        let account = self.account(of)?;
        Ok(Usage {
            quota_bytes: account.quota_bytes,
            used_bytes: account.used_bytes,
        })
    }

    /// Opens an account; the slot with the address space stays in use until it is closed.
    ///
    /// # Errors
    /// [`MemoryError::NoSuchObject`] if there can be no such component, [`MemoryError::AlreadyOpen`].
    pub fn open(
        &mut self,
        component: ComponentId,
        space: Slot,
        quota_bytes: u64,
    ) -> Result<(), MemoryError> {
        let account = self.accounts.get_mut(usize::from(component.0));
        let account = account
            .filter(|_| component != ComponentId::ROOT_TASK)
            .ok_or(MemoryError::NoSuchObject)?;
        if account.space.is_some() {
            return Err(MemoryError::AlreadyOpen);
        }
        account.space = Some(space);
        account.quota_bytes = quota_bytes;
        Ok(())
    }

    /// Closes an account: its mappings go, and its objects as far as nobody else has mapped them. Answers the address space's slot, which is
    /// the caller's again.
    ///
    /// # Errors
    /// [`MemoryError::NoAccount`]
    pub fn close(&mut self, component: ComponentId) -> Result<Slot, MemoryError> {
        let space = self.account(component)?.space;
        let space = space.ok_or(MemoryError::NoAccount)?;
        while let Some(place) = self.account(component)?.places().last() {
            let mapping = place.mapping;
            self.take_mapping_back(mapping);
        }
        let mut from = 0;
        while let Some(number) = self.objects.find(from, |o| o.maker == Some(component)) {
            self.abandon(number);
            from = number + 1;
        }
        let account = &mut self.accounts[usize::from(component.0)];
        debug_assert!(account.used_bytes == 0 && account.made == 0);
        account.space = None;
        Ok(space)
    }

    /// Reserves 2^`bits` bytes.
    ///
    /// # Errors
    /// [`MemoryError::BadSize`], [`MemoryError::TooMany`], [`MemoryError::OutOfMemory`], [`MemoryError::KernelRefused`]
    pub fn reserve(&mut self, bits: u8) -> Result<Reserved, MemoryError> {
        if bits < crate::kernel::PAGE_BITS {
            return Err(MemoryError::BadSize);
        }
        if self.reservations.next().is_none() {
            return Err(MemoryError::TooMany);
        }
        let node = self.with_room(|all| all.untyped.take(bits, &mut all.slots, &mut all.kernel))?;
        let number = self.reservations.insert(node).ok_or(MemoryError::TooMany)?;
        Ok(Reserved {
            number: number.into(),
            slot: self.untyped.slot(node),
        })
    }

    /// Gives a reservation back: whatever was made of it is gone.
    ///
    /// # Errors
    /// [`MemoryError::NoSuchObject`]
    pub fn give_back(&mut self, number: u64) -> Result<(), MemoryError> {
        let number = u16::try_from(number).ok();
        let node = number.and_then(|number| self.reservations.remove(number));
        let node = node.ok_or(MemoryError::NoSuchObject)?;
        self.untyped.give(node, &mut self.kernel);
        Ok(())
    }

    /// A component's account, if it is open.
    pub(crate) fn account(&self, of: ComponentId) -> Result<&Account, MemoryError> {
        let account = self.accounts.get(usize::from(of.0));
        account
            .filter(|account| account.space.is_some())
            .ok_or(MemoryError::NoAccount)
    }

    pub(crate) fn account_mut(&mut self, of: ComponentId) -> &mut Account {
        &mut self.accounts[usize::from(of.0)]
    }

    /// Does what needs slots and pieces of memory; where these have run out because memory lies about in pieces, puts the pieces together
    /// and tries again. What fails must have undone itself.
    pub(crate) fn with_room<T>(
        &mut self,
        attempt: impl Fn(&mut Self) -> Result<T, MemoryError>,
    ) -> Result<T, MemoryError> {
        match attempt(self) {
            Err(MemoryError::TooMany) if self.untyped.idle_slots() > 0 => {
                self.untyped.reunite_all(&mut self.slots, &mut self.kernel);
                attempt(self)
            }
            result => result,
        }
    }

    /// The entry of an object that can still be had.
    pub(crate) fn object(&self, id: ObjectId) -> Result<(u16, &Object), MemoryError> {
        let number = number_of(id).ok_or(MemoryError::NoSuchObject)?;
        let object = self.objects.get(number);
        object
            .filter(|object| object.maker.is_some())
            .map(|object| (number, object))
            .ok_or(MemoryError::NoSuchObject)
    }
}

/// Object numbers begin at 1: 0 is the service.
pub(crate) const fn id_of(number: u16) -> ObjectId {
    ObjectId::new(number as u32 + 1).expect("there are more ids than entries")
}

fn number_of(id: ObjectId) -> Option<u16> {
    id.number()
        .checked_sub(1)
        .and_then(|number| u16::try_from(number).ok())
}
