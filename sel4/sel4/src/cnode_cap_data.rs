use crate::{WORD_SIZE, Word, sys};

/// The guard of a CNode capability: for [`mint`](crate::AbsoluteCPtr::mint) and for a thread's CSpace root. Corresponds to
/// `seL4_CapData_Guard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CNodeCapData(sys::seL4_CapData_Guard);

impl CNodeCapData {
    /// A guard of `guard_size` bits. This kernel keeps 18 bits of a guard.
    #[must_use]
    pub const fn new(guard: Word, guard_size: usize) -> Self {
        Self(sys::seL4_CapData_Guard::new(guard, guard_size as u64))
    }

    /// A guard of zeros, `num_bits` long.
    #[must_use]
    pub const fn skip(num_bits: usize) -> Self {
        Self::new(0, num_bits)
    }

    /// The guard that makes a capability pointer into a CNode of `2^cnode_size_bits` slots the plain index.
    #[must_use]
    pub const fn skip_high_bits(cnode_size_bits: usize) -> Self {
        Self::skip(WORD_SIZE - cnode_size_bits)
    }

    /// As the kernel takes it. No guard at all gives 0, which leaves a capability's guard as it is.
    #[must_use]
    pub const fn into_word(self) -> Word {
        // libsel4's tag bit says nothing to the kernel, and would make "no guard" something other than 0.
        let mut data = self.0;
        data.set_CapDataType(sys::seL4_CapData_Badge_tag);
        data.0[0]
    }
}
