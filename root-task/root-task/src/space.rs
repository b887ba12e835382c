//! Address spaces: translation tables as they are needed, and the window through which the root task fills frames.

use alloc::collections::BTreeSet;

use sel4::{
    CapRights, CapTypeForObjectOfFixedSize, FrameObjectType, TranslationTableObjectType,
    VmAttributes, cap, cap_type, init_thread, vspace_levels,
};

use crate::error::{Doing, Result};
use crate::objects::{Objects, PAGE_BITS};

/// Bytes of a page.
pub const PAGE: u64 = 1 << PAGE_BITS;

/// An address space and the tables that it has already.
pub struct Space {
    root: cap::VSpace,
    /// Level and first address of each table below the root.
    tables: BTreeSet<(usize, u64)>,
}

/// What a component may do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read it.
    Read,
    /// Read it and run it.
    Execute,
    /// Read and write it.
    Write,
    /// Read and write a device's registers: uncached.
    Device,
}

impl Access {
    fn rights(self) -> CapRights {
        match self {
            Self::Read | Self::Execute => CapRights::read_only(),
            Self::Write | Self::Device => CapRights::read_write(),
        }
    }
}

impl Space {
    /// A new, empty address space.
    pub fn new(objects: &mut Objects) -> Result<Self> {
        let root: cap::VSpace = objects.make(cap_type::VSpace::object_blueprint())?.cast();
        init_thread::slot::ASID_POOL
            .cap()
            .asid_pool_assign(root)
            .doing("an address space")?;
        Ok(Self::of(root))
    }

    /// An address space whose tables, where it is going to be used, are all missing.
    const fn of(root: cap::VSpace) -> Self {
        Self {
            root,
            tables: BTreeSet::new(),
        }
    }

    /// Its root.
    #[must_use]
    pub const fn root(&self) -> cap::VSpace {
        self.root
    }

    /// Maps a page.
    pub fn map(
        &mut self,
        objects: &mut Objects,
        frame: cap::Granule,
        address: u64,
        access: Access,
    ) -> Result<()> {
        self.map_frame(
            objects,
            frame.cast(),
            FrameObjectType::GRANULE,
            address,
            access,
        )
    }

    /// Maps a large page.
    pub fn map_large(
        &mut self,
        objects: &mut Objects,
        frame: cap::LargePage,
        address: u64,
        access: Access,
    ) -> Result<()> {
        self.map_frame(
            objects,
            frame.cast(),
            FrameObjectType::LargePage,
            address,
            access,
        )
    }

    fn map_frame(
        &mut self,
        objects: &mut Objects,
        frame: cap::UnspecifiedPage,
        kind: FrameObjectType,
        address: u64,
        access: Access,
    ) -> Result<()> {
        self.tables_above(objects, kind.bits(), address)?;
        frame
            .frame_map(
                self.root,
                address as usize,
                access.rights(),
                attributes(access),
            )
            .doing("the mapping of a page")
    }

    /// Makes the tables that a frame of 2^`bits` bytes at `address` needs.
    fn tables_above(&mut self, objects: &mut Objects, bits: usize, address: u64) -> Result<()> {
        for level in 1..vspace_levels::NUM_LEVELS {
            let span = vspace_levels::span_bits(level);
            if span <= bits {
                break;
            }
            let start = address >> span << span;
            if self.tables.contains(&(level, start)) {
                continue;
            }
            let Some(kind) = TranslationTableObjectType::from_level(level) else {
                break;
            };
            let table: cap::UnspecifiedIntermediateTranslationTable =
                objects.make(kind.blueprint())?.cast();
            table
                .generic_intermediate_translation_table_map(
                    kind,
                    self.root,
                    start as usize,
                    VmAttributes::default(),
                )
                .doing("the mapping of a translation table")?;
            self.tables.insert((level, start));
        }
        Ok(())
    }
}

/// On x86_64 this kernel cannot forbid execution, so `EXECUTE_NEVER` has no effect there.
fn attributes(access: Access) -> VmAttributes {
    match access {
        Access::Execute => VmAttributes::DEFAULT,
        Access::Read | Access::Write => VmAttributes::DEFAULT | VmAttributes::EXECUTE_NEVER,
        Access::Device => VmAttributes::DEVICE | VmAttributes::EXECUTE_NEVER,
    }
}

/// The part of the root task's own address space where it maps things: far from its image, with tables of its own.
pub struct Window {
    space: Space,
    next: u64,
}

/// Where the window begins: the second 512 GiB, where the kernel maps nothing for the root task.
const WINDOW: u64 = 1 << 39;
/// The window's first page is for frames that are filled and let go.
const SCRATCH: u64 = WINDOW;

impl Window {
    /// Opens the window.
    pub const fn new() -> Self {
        Self {
            space: Space::of(init_thread::slot::VSPACE.cap()),
            next: WINDOW + PAGE,
        }
    }

    /// Maps frames side by side, for good; answers where.
    pub fn keep(
        &mut self,
        objects: &mut Objects,
        frames: &[cap::Granule],
        access: Access,
    ) -> Result<u64> {
        let start = self.next;
        for &frame in frames {
            self.space.map(objects, frame, self.next, access)?;
            self.next += PAGE;
        }
        // A page between one thing and the next stays unmapped.
        self.next += PAGE;
        Ok(start)
    }

    /// Writes `bytes` into a frame that nobody uses yet, from byte `offset` of it on; what does not fit is cut off.
    pub fn fill(
        &mut self,
        objects: &mut Objects,
        frame: cap::Granule,
        offset: usize,
        bytes: &[u8],
    ) -> Result<()> {
        let room = (PAGE as usize).saturating_sub(offset);
        let bytes = &bytes[..bytes.len().min(room)];
        self.space.map(objects, frame, SCRATCH, Access::Write)?;
        // SAFETY: the page at SCRATCH is mapped read-write, used only here, and offset + length stay within it.
        unsafe {
            let to = (SCRATCH as *mut u8).add(offset.min(PAGE as usize));
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        #[cfg(target_arch = "aarch64")]
        frame
            .frame_unify_instruction(0, PAGE as usize)
            .doing("the cleaning of a page")?;
        frame.frame_unmap().doing("the unmapping of a page")
    }
}
