//! Kernel objects from untyped memory, and slots of the root task's CNode to hold them. Nothing is ever given back: what lives as
//! long as the machine needs no free list.
//!
//! Memory is taken from the smallest untyped that has room: the kernel zeroes a whole untyped when it is first used, which takes seconds
//! for a large one under emulation. Device memory is cut so that any page can be had at any time, in any order.

use alloc::vec::Vec;

use sel4::init_thread::{self, slot};
use sel4::{AbsoluteCPtr, CPtr, CapRights, FrameObjectType, ObjectBlueprint, Word, cap};

use crate::error::{Doing, Error, Result};

/// Bits of a page.
pub const PAGE_BITS: usize = 12;
/// Objects made by one system call, at most (`CONFIG_RETYPE_FAN_OUT_LIMIT`).
const FAN_OUT: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Untyped {
    cap: cap::Untyped,
    address: u64,
    bits: usize,
    /// Bytes in use: the kernel's own watermark.
    used: u64,
}

impl Untyped {
    /// Where `count` objects of 2^`bits` bytes would start, if they fit.
    fn place(&self, bits: usize, count: usize) -> Option<u64> {
        let start = (self.address + self.used).next_multiple_of(1 << bits);
        let end = start.checked_add((count as u64) << bits)?;
        (end <= self.end()).then_some(start)
    }

    const fn end(&self) -> u64 {
        self.address + (1 << self.bits)
    }

    const fn contains(&self, address: u64) -> bool {
        self.address <= address && address < self.end()
    }
}

/// What kernel objects are made from.
pub struct Objects {
    next_slot: usize,
    end_slot: usize,
    memory: Vec<Untyped>,
    devices: Vec<Untyped>,
}

/// Objects of one kind, made together: their capabilities lie side by side, and so do they.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// The first capability.
    pub first: CPtr,
    /// The physical address of the first object.
    pub address: u64,
}

impl Made {
    /// The capability number `index` of those made together.
    #[must_use]
    pub const fn nth(self, index: usize) -> CPtr {
        CPtr::from_bits(self.first.bits() + index as Word)
    }
}

impl Objects {
    /// Takes everything that the kernel left to the root task.
    pub fn new(bootinfo: &sel4::BootInfo) -> Self {
        let empty = bootinfo.empty();
        let first = bootinfo.untyped().start();
        let mut memory = Vec::new();
        let mut devices = Vec::new();
        for (index, desc) in bootinfo.untyped_list().iter().enumerate() {
            let untyped = Untyped {
                cap: cap::Untyped::from_bits((first + index) as Word),
                address: desc.paddr() as u64,
                bits: desc.size_bits(),
                used: 0,
            };
            if desc.is_device() {
                devices.push(untyped);
            } else {
                memory.push(untyped);
            }
        }
        memory.sort_by_key(|untyped| untyped.bits);
        Self {
            next_slot: empty.start(),
            end_slot: empty.end(),
            memory,
            devices,
        }
    }

    /// Bytes of memory that are left.
    pub fn free_bytes(&self) -> u64 {
        self.memory.iter().map(|u| (1 << u.bits) - u.used).sum()
    }

    /// Takes `count` empty slots, side by side.
    fn slots(&mut self, count: usize) -> Result<CPtr> {
        let first = self.next_slot;
        let end = first.checked_add(count).filter(|&end| end <= self.end_slot);
        self.next_slot = end.ok_or(Error::OutOfSlots)?;
        Ok(CPtr::from_bits(first as Word))
    }

    /// Takes one empty slot.
    pub fn slot(&mut self) -> Result<CPtr> {
        self.slots(1)
    }

    /// Makes one object.
    pub fn make(&mut self, blueprint: ObjectBlueprint) -> Result<CPtr> {
        Ok(self.make_all(blueprint, 1)?.first)
    }

    /// Makes `count` objects, physically contiguous.
    pub fn make_all(&mut self, blueprint: ObjectBlueprint, count: usize) -> Result<Made> {
        let bits = blueprint.physical_size_bits();
        let found = self
            .memory
            .iter()
            .enumerate()
            .find_map(|(i, u)| Some((i, u.place(bits, count)?)));
        let (index, address) = found.ok_or(Error::OutOfMemory { bits, count })?;
        let first = self.slots(count)?;
        let untyped = &mut self.memory[index];
        untyped.used = address + ((count as u64) << bits) - untyped.address;
        let untyped = untyped.cap;
        let mut done = 0;
        while done < count {
            let now = (count - done).min(FAN_OUT);
            retype(untyped, &blueprint, first.bits() as usize + done, now)?;
            done += now;
        }
        Ok(Made { first, address })
    }

    /// The page of device memory at physical `address`, a whole number of pages. To be asked for once for each page.
    pub fn device_page(&mut self, address: u64) -> Result<cap::Granule> {
        let index = self.device_untyped(address)?;
        let slot = self.slot()?;
        let untyped = &mut self.devices[index];
        untyped.used = address + (1 << PAGE_BITS) - untyped.address;
        retype(
            untyped.cap,
            &FrameObjectType::GRANULE.blueprint(),
            slot.bits() as usize,
            1,
        )?;
        Ok(slot.cast())
    }

    /// The device untyped whose next free byte is `address`. What lies before is cut into untypeds of their own, so that
    /// nothing is lost when a page below is asked for later.
    fn device_untyped(&mut self, address: u64) -> Result<usize> {
        let holds = |u: &Untyped| u.contains(address) && u.address + u.used <= address;
        let index = self
            .devices
            .iter()
            .position(holds)
            .ok_or(Error::NoDeviceMemory(address))?;
        loop {
            let untyped = self.devices[index];
            let start = untyped.address + untyped.used;
            if start == address {
                return Ok(index);
            }
            let aligned = start.trailing_zeros() as usize;
            let bits = aligned.min((address - start).ilog2() as usize);
            let slot = self.slot()?;
            retype(
                untyped.cap,
                &ObjectBlueprint::Untyped { size_bits: bits },
                slot.bits() as usize,
                1,
            )?;
            self.devices[index].used += 1 << bits;
            self.devices.push(Untyped {
                cap: slot.cast(),
                address: start,
                bits,
                used: 0,
            });
        }
    }

    /// A copy of `source` in a slot of its own, as a frame needs for each mapping.
    pub fn copy(&mut self, source: CPtr, rights: CapRights) -> Result<CPtr> {
        let slot = self.slot()?;
        place(slot)
            .copy(&place(source), rights)
            .doing("a copy of a capability")?;
        Ok(slot)
    }

    /// A copy of `source` with a badge (or other capability data).
    pub fn mint(&mut self, source: CPtr, rights: CapRights, badge: Word) -> Result<CPtr> {
        let slot = self.slot()?;
        place(slot)
            .mint(&place(source), rights, badge)
            .doing("a badged copy of a capability")?;
        Ok(slot)
    }
}

fn retype(
    untyped: cap::Untyped,
    blueprint: &ObjectBlueprint,
    first: usize,
    count: usize,
) -> Result<()> {
    let cnode = slot::CNODE.cap().absolute_cptr_for_self();
    untyped
        .untyped_retype(blueprint, &cnode, first, count)
        .doing("new objects")
}

/// A slot of the root task's CNode, as CNode operations want it.
#[must_use]
pub fn place(slot: CPtr) -> AbsoluteCPtr {
    init_thread::slot::CNODE.cap().absolute_cptr(slot)
}
