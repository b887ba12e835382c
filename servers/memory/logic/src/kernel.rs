//! What the memory server asks of the kernel: a few operations on slots of its own CNode.

use isthmus_abi::{ObjectId, Slot};
use memory_interface::Access;

/// log2 of a page's bytes.
pub const PAGE_BITS: u8 = 12;
/// log2 of a large page's bytes.
pub const LARGE_PAGE_BITS: u8 = 21;
/// Bytes of a page, and of a translation table of any level.
pub const PAGE_BYTES: u64 = 1 << PAGE_BITS;

/// Sizes of frames. Both architectures have these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameSize {
    /// 4 KiB.
    Page,
    /// 2 MiB.
    Large,
}

impl FrameSize {
    /// log2 of its bytes.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Page => PAGE_BITS,
            Self::Large => LARGE_PAGE_BITS,
        }
    }

    /// What a piece of 2^`bits` bytes is made into.
    #[must_use]
    pub const fn of(bits: u8) -> Self {
        if bits < LARGE_PAGE_BITS {
            Self::Page
        } else {
            Self::Large
        }
    }
}

/// Levels of translation tables below the root, from the top. Both architectures have these three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Spans 512 GiB.
    Upper = 1,
    /// Spans 1 GiB.
    Directory = 2,
    /// Spans 2 MiB.
    Table = 3,
}

impl Level {
    /// log2 of the bytes that a table spans.
    #[must_use]
    pub const fn span_bits(self) -> u8 {
        match self {
            Self::Upper => 39,
            Self::Directory => 30,
            Self::Table => LARGE_PAGE_BITS,
        }
    }
}

/// The kernel refused. It should not have: who implements [`Kernel`] logs why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// The kernel's operations. Each is all or nothing.
pub trait Kernel {
    /// Makes two untyped objects of half the size, in `halves` and the slot behind it.
    fn split(&mut self, untyped: Slot, size_bits: u8, halves: Slot) -> Result<(), Refused>;

    /// Makes `count` zeroed frames, side by side from slot `first` on.
    fn make_frames(
        &mut self,
        untyped: Slot,
        size: FrameSize,
        first: Slot,
        count: u32,
    ) -> Result<(), Refused>;

    /// Makes a translation table.
    fn make_table(&mut self, untyped: Slot, level: Level, to: Slot) -> Result<(), Refused>;

    /// Puts a table into an address space.
    fn map_table(
        &mut self,
        table: Slot,
        level: Level,
        space: Slot,
        address: u64,
    ) -> Result<(), Refused>;

    /// Copies a frame's capability: each is mapped once.
    fn copy_frame(&mut self, from: Slot, to: Slot) -> Result<(), Refused>;

    /// Maps a frame.
    fn map_frame(
        &mut self,
        frame: Slot,
        size: FrameSize,
        space: Slot,
        address: u64,
        access: Access,
    ) -> Result<(), Refused>;

    /// Takes a frame out of the address space where it is mapped, if it is; its capability stays. (Deleting the capability is not enough: on
    /// `x86_64` this kernel takes a page out only with the last capability to its frame.)
    fn unmap_frame(&mut self, frame: Slot);

    /// Makes the capability that stands for an object.
    fn mint(&mut self, object: ObjectId, to: Slot) -> Result<(), Refused>;

    /// Deletes whatever was made of the capability in `slot`, wherever it is.
    fn revoke(&mut self, slot: Slot);

    /// Deletes the capability in `slot`.
    fn delete(&mut self, slot: Slot);
}
