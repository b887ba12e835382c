//! Kernel objects from untyped memory, and slots of the root task's CNode to hold them. Nothing is ever given back: what lives as
//! long as the machine needs no free list.
//!
//! Memory is taken from the smallest untyped that has room: the kernel zeroes a whole untyped when it is first used, which takes seconds
//! for a large one under emulation. Device memory is cut so that any page can be had at any time, in any order.

use alloc::vec::Vec;

use builder::space::PAGE_BITS;
use builder::supply::retype;
use builder::{Made, Supply};
use sel4::init_thread::{self, slot};
use sel4::{AbsoluteCPtr, CPtr, FrameObjectType, ObjectBlueprint, Word, cap};

use crate::error::{Error, Result};
use crate::hand_over::Left;

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

    /// Takes all memory that is left, in pieces of a power of two bytes, at least a page. From then on nothing can be made.
    pub fn take_memory(&mut self) -> Result<Left> {
        let mut left = Left::new();
        for untyped in core::mem::take(&mut self.memory) {
            if untyped.used == 0 {
                left.push((untyped.cap.cptr(), untyped.bits));
                continue;
            }
            let mut start = (untyped.address + untyped.used).next_multiple_of(1 << PAGE_BITS);
            while start < untyped.end() {
                let aligned = start.trailing_zeros() as usize;
                let bits = aligned.min((untyped.end() - start).ilog2() as usize);
                let slot = self.slot()?;
                let kind = ObjectBlueprint::Untyped { size_bits: bits };
                retype(untyped.cap, &kind, slot::CNODE.cap(), slot, 1)?;
                left.push((slot, bits));
                start += 1 << bits;
            }
        }
        Ok(left)
    }

    /// The page of device memory at physical `address`, a whole number of pages. To be asked for once for each page.
    pub fn device_page(&mut self, address: u64) -> Result<cap::Granule> {
        let index = self.device_untyped(address)?;
        let slot = self.slot()?;
        let untyped = &mut self.devices[index];
        untyped.used = address + (1 << PAGE_BITS) - untyped.address;
        let kind = FrameObjectType::GRANULE.blueprint();
        retype(untyped.cap, &kind, slot::CNODE.cap(), slot, 1)?;
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
            let kind = ObjectBlueprint::Untyped { size_bits: bits };
            retype(untyped.cap, &kind, slot::CNODE.cap(), slot, 1)?;
            self.devices[index].used += 1 << bits;
            self.devices.push(Untyped {
                cap: slot.cast(),
                address: start,
                bits,
                used: 0,
            });
        }
    }
}

impl Supply for Objects {
    fn cnode(&self) -> cap::CNode {
        slot::CNODE.cap()
    }

    fn asid_pool(&self) -> cap::AsidPool {
        slot::ASID_POOL.cap()
    }

    fn slots(&mut self, count: usize) -> builder::Result<CPtr> {
        let first = self.next_slot;
        let end = first.checked_add(count).filter(|&end| end <= self.end_slot);
        self.next_slot = end.ok_or(builder::Error::OutOfSlots)?;
        Ok(CPtr::from_bits(first as Word))
    }

    fn make_all(&mut self, blueprint: ObjectBlueprint, count: usize) -> builder::Result<Made> {
        let bits = blueprint.physical_size_bits();
        let found = self
            .memory
            .iter()
            .enumerate()
            .find_map(|(i, u)| Some((i, u.place(bits, count)?)));
        let (index, address) = found.ok_or(builder::Error::OutOfMemory { bits, count })?;
        let first = self.slots(count)?;
        let untyped = &mut self.memory[index];
        untyped.used = address + ((count as u64) << bits) - untyped.address;
        retype(untyped.cap, &blueprint, slot::CNODE.cap(), first, count)?;
        Ok(Made { first, address })
    }
}

/// A slot of the root task's CNode, as CNode operations want it.
#[must_use]
pub fn place(slot: CPtr) -> AbsoluteCPtr {
    init_thread::slot::CNODE.cap().absolute_cptr(slot)
}
