//! Mappings: an object in a component's address space.

use isthmus_abi::{ComponentId, ObjectId, Slot};
use memory_interface::{Access, Mapped, MemoryError};

use crate::account::Place;
use crate::kernel::{Kernel, LARGE_PAGE_BITS, PAGE_BITS};
use crate::limits::ACCOUNT_MAPPINGS;
use crate::memory::{MappingId, Memory};
use crate::object::Frames;
use crate::space::Covered;

/// An object that an account has mapped.
#[derive(Clone, Debug)]
pub struct Mapping {
    account: ComponentId,
    object: u16,
    covered: Covered,
    /// The first of a run of slots with a copy of each frame.
    copies: Slot,
    count: u32,
}

/// Takes frames out of an address space, and deletes the capabilities by which they were mapped.
fn delete_copies(first: Slot, count: u32, kernel: &mut impl Kernel) {
    for slot in (first.0..first.0 + count).map(Slot) {
        kernel.unmap_frame(slot);
        kernel.delete(slot);
    }
}

impl<K: Kernel> Memory<K> {
    /// Maps an object. The asker pays for it as its maker does, and for the translation tables that are missing.
    ///
    /// # Errors
    /// [`MemoryError::NoAccount`], [`MemoryError::NoSuchObject`], [`MemoryError::AlreadyMapped`], [`MemoryError::QuotaExceeded`],
    /// [`MemoryError::TooMany`], [`MemoryError::OutOfMemory`], [`MemoryError::KernelRefused`]
    pub fn map(
        &mut self,
        asker: ComponentId,
        object: ObjectId,
        access: Access,
    ) -> Result<Mapped, MemoryError> {
        let account = self.account(asker)?;
        let (number, object) = self.object(object)?;
        if self.mapping_of(asker, number).is_some() {
            return Err(MemoryError::AlreadyMapped);
        }
        let frames = object.frames;
        let alignment = match frames.large_bytes {
            0 => 1 << PAGE_BITS,
            _ => 1 << LARGE_PAGE_BITS,
        };
        if account.places().len() == ACCOUNT_MAPPINGS || self.mappings.next().is_none() {
            return Err(MemoryError::TooMany);
        }
        let address = account.room(frames.bytes, alignment);
        let address = address.ok_or(MemoryError::TooMany)?;
        let covered = Covered::new(address, frames.bytes, frames.large_bytes);
        let shared_bytes = match object.maker == Some(asker) {
            true => 0,
            false => frames.bytes,
        };
        let table_bytes = account.tables.missing_bytes(&covered);
        if !account.affords(shared_bytes + table_bytes) {
            return Err(MemoryError::QuotaExceeded);
        }
        let copies = self.with_room(|all| all.enter_space(asker, &frames, &covered, access))?;

        let mapping = self.mappings.insert(Mapping {
            account: asker,
            object: number,
            covered,
            copies,
            count: frames.count,
        });
        let mapping = mapping.ok_or(MemoryError::TooMany)?;
        if let Some(object) = self.objects.get_mut(number) {
            object.mappings += 1;
        }
        let account = self.account_mut(asker);
        account.used_bytes += shared_bytes + table_bytes;
        account.enter(Place {
            address,
            bytes: frames.bytes,
            mapping,
        });
        Ok(Mapped {
            address,
            bytes: frames.bytes,
        })
    }

    /// Tables and frames, in the kernel; answers the frames' copies.
    fn enter_space(
        &mut self,
        asker: ComponentId,
        frames: &Frames,
        covered: &Covered,
        access: Access,
    ) -> Result<Slot, MemoryError> {
        let account = &mut self.accounts[usize::from(asker.0)];
        let space = account.space.ok_or(MemoryError::NoAccount)?;
        let (untyped, slots, kernel) = (&mut self.untyped, &mut self.slots, &mut self.kernel);
        account
            .tables
            .hold(covered, space, untyped, slots, kernel)?;
        let Some(copies) = slots.take(frames.count) else {
            account.tables.release(covered, untyped, slots, kernel);
            return Err(MemoryError::TooMany);
        };
        let mut address = covered.all.start;
        for (index, size) in (0..).zip(frames.sizes()) {
            let (frame, copy) = (Slot(frames.first.0 + index), Slot(copies.0 + index));
            let mapped = kernel
                .copy_frame(frame, copy)
                .and_then(|()| kernel.map_frame(copy, size, space, address, access));
            if mapped.is_err() {
                delete_copies(copies, index + 1, kernel);
                slots.give(copies, frames.count);
                account.tables.release(covered, untyped, slots, kernel);
                return Err(MemoryError::KernelRefused);
            }
            address += 1 << size.bits();
        }
        Ok(copies)
    }

    /// Takes the mapping back that begins at `address` in the asker's address space.
    ///
    /// # Errors
    /// [`MemoryError::NoAccount`], [`MemoryError::NotMapped`]
    pub fn unmap(&mut self, asker: ComponentId, address: u64) -> Result<(), MemoryError> {
        let mapping = self.account(asker)?.at(address);
        self.take_mapping_back(mapping.ok_or(MemoryError::NotMapped)?);
        Ok(())
    }

    pub(crate) fn take_mapping_back(&mut self, id: MappingId) {
        let Some(mapping) = self.mappings.remove(id) else {
            return;
        };
        let (untyped, slots, kernel) = (&mut self.untyped, &mut self.slots, &mut self.kernel);
        delete_copies(mapping.copies, mapping.count, kernel);
        slots.give(mapping.copies, mapping.count);
        let account = &mut self.accounts[usize::from(mapping.account.0)];
        account.used_bytes -= account
            .tables
            .release(&mapping.covered, untyped, slots, kernel);
        account.leave(id);
        if let Some(object) = self.objects.get_mut(mapping.object) {
            object.mappings -= 1;
            if object.maker != Some(mapping.account) {
                account.used_bytes -= object.frames.bytes;
            }
        }
        self.drop_unless_held(mapping.object);
    }

    /// The account's mapping of an object.
    pub(crate) fn mapping_of(&self, account: ComponentId, object: u16) -> Option<MappingId> {
        let places = self.accounts.get(usize::from(account.0))?.places();
        let mappings = places.iter().map(|place| place.mapping);
        let is_of = |&mapping: &MappingId| {
            let mapping = self.mappings.get(mapping);
            mapping.is_some_and(|mapping| mapping.object == object)
        };
        mappings.filter(is_of).last()
    }
}
