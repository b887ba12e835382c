//! Where kernel objects come from.

use sel4::{AbsoluteCPtr, CPtr, CapRights, ObjectBlueprint, Word, cap};

use crate::error::{Doing, Result};

/// Objects made by one system call, at most (`CONFIG_RETYPE_FAN_OUT_LIMIT`).
const FAN_OUT: usize = 256;

/// Objects of one kind, made together: their capabilities lie side by side, and so do they.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// The first capability.
    pub first: CPtr,
    /// The physical address of the first object; 0 from a supply that does not know it.
    pub address: u64,
}

impl Made {
    /// The capability number `index` of those made together.
    #[must_use]
    pub const fn nth(self, index: usize) -> CPtr {
        CPtr::from_bits(self.first.bits() + index as Word)
    }
}

/// A supply of kernel objects, and of slots in the builder's own CNode to hold them. What it gives is not given back piece by piece: a
/// process's reservation goes as a whole, and the root task's memory lives as long as the machine.
pub trait Supply {
    /// The builder's own CNode, in which the slots lie.
    fn cnode(&self) -> cap::CNode;

    /// The pool that address spaces get their identifiers from.
    fn asid_pool(&self) -> cap::AsidPool;

    /// Takes `count` empty slots, side by side.
    ///
    /// # Errors
    /// [`Error::OutOfSlots`](crate::Error::OutOfSlots)
    fn slots(&mut self, count: usize) -> Result<CPtr>;

    /// Makes `count` objects, physically contiguous.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory), [`Error::OutOfSlots`](crate::Error::OutOfSlots), or what the kernel refuses.
    fn make_all(&mut self, blueprint: ObjectBlueprint, count: usize) -> Result<Made>;

    /// Takes one empty slot.
    ///
    /// # Errors
    /// As [`slots`](Self::slots).
    fn slot(&mut self) -> Result<CPtr> {
        self.slots(1)
    }

    /// Makes one object.
    ///
    /// # Errors
    /// As [`make_all`](Self::make_all).
    fn make(&mut self, blueprint: ObjectBlueprint) -> Result<CPtr> {
        Ok(self.make_all(blueprint, 1)?.first)
    }

    /// A slot of the builder's, as CNode operations want it.
    fn place(&self, slot: CPtr) -> AbsoluteCPtr {
        self.cnode().absolute_cptr(slot)
    }

    /// A copy of `source` in a slot of its own, as a frame needs for each mapping.
    ///
    /// # Errors
    /// As [`slots`](Self::slots), or what the kernel refuses.
    fn copy(&mut self, source: CPtr, rights: CapRights) -> Result<CPtr> {
        let slot = self.slot()?;
        self.place(slot)
            .copy(&self.place(source), rights)
            .doing("a copy of a capability")?;
        Ok(slot)
    }

    /// A copy of `source` with a badge (or other capability data).
    ///
    /// # Errors
    /// As [`copy`](Self::copy).
    fn mint(&mut self, source: CPtr, rights: CapRights, badge: Word) -> Result<CPtr> {
        let slot = self.slot()?;
        self.place(slot)
            .mint(&self.place(source), rights, badge)
            .doing("a badged copy of a capability")?;
        Ok(slot)
    }
}

/// Makes `count` objects from `untyped`, their capabilities in the slots of `cnode` from `first` on.
///
/// # Errors
/// What the kernel refuses.
pub fn retype(
    untyped: cap::Untyped,
    blueprint: &ObjectBlueprint,
    cnode: cap::CNode,
    first: CPtr,
    count: usize,
) -> Result<()> {
    let cnode = cnode.absolute_cptr_for_self();
    let mut done = 0;
    while done < count {
        let now = (count - done).min(FAN_OUT);
        untyped
            .untyped_retype(blueprint, &cnode, first.bits() as usize + done, now)
            .doing("new objects")?;
        done += now;
    }
    Ok(())
}
