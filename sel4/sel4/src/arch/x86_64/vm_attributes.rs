use core::ops::{BitAnd, BitOr, Not};

use crate::sys;

/// How a page is cached. Corresponds to `seL4_X86_VMAttributes`.
///
/// This kernel cannot forbid execution on `x86_64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmAttributes(u64);

impl VmAttributes {
    /// Nothing set.
    pub const NONE: Self = Self(0);
    /// Ordinary memory.
    pub const DEFAULT: Self = Self(sys::seL4_X86_Default_VMAttributes);
    /// Not cached.
    pub const CACHE_DISABLED: Self = Self(sys::seL4_X86_CacheDisabled);
    /// For devices, on every architecture.
    pub const DEVICE: Self = Self(sys::seL4_X86_Uncacheable);
    /// For data, on every architecture: without effect here.
    pub const EXECUTE_NEVER: Self = Self::NONE;

    /// As the kernel takes it.
    #[must_use]
    pub const fn into_inner(self) -> u64 {
        self.0
    }

    /// Whether all of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Default for VmAttributes {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Not for VmAttributes {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl BitOr for VmAttributes {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for VmAttributes {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
