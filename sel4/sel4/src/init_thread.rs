//! The CSpace of the thread that the kernel starts.

use core::marker::PhantomData;
use core::ops::Range;

use crate::cptr::CPtrBits;
use crate::{CPtr, Cap, CapType, cap_type, sys};

/// A slot of the initial thread's CNode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot<T: CapType = cap_type::Unspecified> {
    index: usize,
    phantom: PhantomData<T>,
}

impl<T: CapType> Slot<T> {
    /// The slot of an index.
    #[must_use]
    pub const fn from_index(index: usize) -> Self {
        Self {
            index,
            phantom: PhantomData,
        }
    }

    /// Its index.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Its address's bits.
    #[must_use]
    pub const fn cptr_bits(&self) -> CPtrBits {
        self.index as CPtrBits
    }

    /// Its address.
    #[must_use]
    pub const fn cptr(&self) -> CPtr {
        CPtr::from_bits(self.cptr_bits())
    }

    /// The capability in it.
    #[must_use]
    pub const fn cap(&self) -> Cap<T> {
        self.cptr().cast()
    }

    /// The same slot, for another type.
    #[must_use]
    pub const fn cast<U: CapType>(&self) -> Slot<U> {
        Slot::from_index(self.index)
    }

    /// The same slot, without its type.
    #[must_use]
    pub const fn upcast(&self) -> Slot {
        self.cast()
    }
}

impl Slot {
    /// The same slot, with a type.
    #[must_use]
    pub const fn downcast<T: CapType>(&self) -> Slot<T> {
        self.cast()
    }
}

/// Slots in a row. Corresponds to `seL4_SlotRegion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotRegion<T: CapType> {
    start: usize,
    end: usize,
    phantom: PhantomData<T>,
}

impl<T: CapType> SlotRegion<T> {
    pub(crate) const fn from_sys(region: sys::seL4_SlotRegion) -> Self {
        Self {
            start: region.start as usize,
            end: region.end as usize,
            phantom: PhantomData,
        }
    }

    /// The first slot's index.
    #[must_use]
    pub const fn start(&self) -> usize {
        self.start
    }

    /// The index after the last slot's.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.end
    }

    /// The indices.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// How many slots.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The slot `i` of the row.
    ///
    /// # Panics
    /// When the row has no such slot.
    #[must_use]
    pub const fn index(&self, i: usize) -> Slot<T> {
        assert!(i < self.len(), "the region has no such slot");
        Slot::from_index(self.start + i)
    }
}

/// The slots that the kernel fills.
pub mod slot {
    use super::Slot;
    use crate::{cap_type, sys};

    macro_rules! slots {
        ($($(#[$attribute:meta])* $name:ident: $ty:ident = $sys:ident),* $(,)?) => {$(
            $(#[$attribute])*
            pub const $name: Slot<cap_type::$ty> = Slot::from_index(sys::$sys as usize);
        )*};
    }

    slots! {
        /// Nothing, for ever.
        NULL: Null = seL4_CapNull,
        /// The initial thread.
        TCB: Tcb = seL4_CapInitThreadTCB,
        /// Its CNode.
        CNODE: CNode = seL4_CapInitThreadCNode,
        /// Its address space.
        VSPACE: VSpace = seL4_CapInitThreadVSpace,
        /// Authority over interrupts.
        IRQ_CONTROL: IrqControl = seL4_CapIRQControl,
        /// Authority over ASID pools.
        ASID_CONTROL: AsidControl = seL4_CapASIDControl,
        /// An ASID pool.
        ASID_POOL: AsidPool = seL4_CapInitThreadASIDPool,
        /// The frame of the boot information.
        BOOT_INFO_FRAME: Granule = seL4_CapBootInfoFrame,
        /// The frame of the initial thread's IPC buffer.
        IPC_BUFFER: Granule = seL4_CapInitThreadIPCBuffer,
        /// Authority over scheduling domains.
        DOMAIN_SET: DomainSet = seL4_CapDomain,
    }

    #[cfg(target_arch = "x86_64")]
    slots! {
        /// All I/O ports: on this kernel the capability to them, where newer ones have the authority to make such capabilities.
        IO_PORT_CONTROL: IOPort = seL4_CapIOPort,
        /// All devices' address spaces; empty without an IOMMU.
        IO_SPACE: IOSpace = seL4_CapIOSpace,
    }
}

/// Stops the initial thread for good.
pub fn suspend_self<T>() -> T {
    loop {
        // The kernel refuses only if the capability is gone, and then there is nothing better to try.
        let _ = slot::TCB.cap().tcb_suspend();
    }
}
