use core::ops::{BitAnd, BitOr, Not};

use crate::sys;

/// How a page is cached, and whether it may be executed. Corresponds to `seL4_ARM_VMAttributes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmAttributes(u64);

impl VmAttributes {
    /// Nothing set: not cached.
    pub const NONE: Self = Self(0);
    /// Ordinary memory.
    pub const DEFAULT: Self = Self(sys::seL4_ARM_Default_VMAttributes);
    /// Cached.
    pub const PAGE_CACHEABLE: Self = Self(sys::seL4_ARM_PageCacheable);
    /// With parity.
    pub const PARITY_ENABLED: Self = Self(sys::seL4_ARM_ParityEnabled);
    /// For data, on every architecture. Or it to others.
    pub const EXECUTE_NEVER: Self = Self(sys::seL4_ARM_ExecuteNever);
    /// For devices, on every architecture.
    pub const DEVICE: Self = Self(sys::seL4_ARM_ExecuteNever);

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
