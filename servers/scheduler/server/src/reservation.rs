//! The supply of one process: the memory that the memory server reserved for it, and a run of the scheduler's slots.

use builder::supply::retype;
use builder::{Error, Made, Result, Supply};
use isthmus_abi::slots;
use isthmus_runtime::sel4::{CPtr, ObjectBlueprint, Word, cap};
use isthmus_runtime::{Slot, slots as runtime_slots};
use scheduler_logic::Run;

/// A reservation, as the memory server and the kernel know it.
#[derive(Debug)]
pub struct Reservation {
    /// The memory server's number of it.
    pub number: u64,
    /// The capability to the untyped memory.
    pub untyped: Slot,
    /// Its bytes.
    bytes: u64,
    /// Bytes in use: the kernel's own watermark.
    used: u64,
    /// The slots for what is made of it.
    pub slots: Run,
    used_slots: u32,
    asid_pool: cap::AsidPool,
}

impl Reservation {
    /// An untouched one.
    pub const fn new(
        number: u64,
        untyped: Slot,
        bits: u8,
        slots: Run,
        asid_pool: cap::AsidPool,
    ) -> Self {
        Self {
            number,
            untyped,
            bytes: 1 << bits,
            used: 0,
            slots,
            used_slots: 0,
            asid_pool,
        }
    }
}

impl Supply for Reservation {
    fn cnode(&self) -> cap::CNode {
        runtime_slots::cap(slots::CNODE)
    }

    fn asid_pool(&self) -> cap::AsidPool {
        self.asid_pool
    }

    fn slots(&mut self, count: usize) -> Result<CPtr> {
        let count = u32::try_from(count).map_err(|_| Error::OutOfSlots)?;
        let end = self.used_slots.checked_add(count);
        let end = end.filter(|&end| end <= self.slots.count);
        let first = self.slots.first + self.used_slots;
        self.used_slots = end.ok_or(Error::OutOfSlots)?;
        Ok(CPtr::from_bits(Word::from(first)))
    }

    fn make_all(&mut self, blueprint: ObjectBlueprint, count: usize) -> Result<Made> {
        let bits = blueprint.physical_size_bits();
        let start = self.used.next_multiple_of(1 << bits);
        let end = start + ((count as u64) << bits);
        if end > self.bytes {
            return Err(Error::OutOfMemory { bits, count });
        }
        let first = Supply::slots(self, count)?;
        self.used = end;
        let untyped = runtime_slots::cap(self.untyped);
        retype(untyped, &blueprint, self.cnode(), first, count)?;
        Ok(Made { first, address: 0 })
    }
}
