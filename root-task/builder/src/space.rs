//! Address spaces: translation tables as they are needed, and the window through which the builder fills frames.

use alloc::collections::BTreeSet;

use sel4::{
    CapRights, CapTypeForObjectOfFixedSize, FrameObjectType, TranslationTableObjectType,
    VmAttributes, cap, cap_type, vspace_levels,
};

use crate::error::{Doing, Result};
use crate::supply::Supply;

/// Bits of a page.
pub const PAGE_BITS: usize = 12;
/// Bytes of a page.
pub const PAGE: u64 = 1 << PAGE_BITS;

/// An address space and the tables that it has already.
pub struct Space {
    root: cap::VSpace,
    tables: Tables,
}

/// What is known of the tables below an address space's root.
enum Tables {
    /// Level and first address of each; the others are missing.
    These(BTreeSet<(usize, u64)>),
    /// None is missing where pages are going to be mapped.
    All,
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
    ///
    /// # Errors
    /// No memory or slots, or what the kernel refuses.
    pub fn new(objects: &mut dyn Supply) -> Result<Self> {
        let root: cap::VSpace = objects.make(cap_type::VSpace::object_blueprint())?.cast();
        objects
            .asid_pool()
            .asid_pool_assign(root)
            .doing("an address space")?;
        Ok(Self::over(root))
    }

    /// An address space whose tables, where it is going to be used, are all missing.
    #[must_use]
    pub const fn over(root: cap::VSpace) -> Self {
        Self {
            root,
            tables: Tables::These(BTreeSet::new()),
        }
    }

    /// An address space whose tables, where it is going to be used, are all there.
    #[must_use]
    pub const fn complete(root: cap::VSpace) -> Self {
        Self {
            root,
            tables: Tables::All,
        }
    }

    /// Its root.
    #[must_use]
    pub const fn root(&self) -> cap::VSpace {
        self.root
    }

    /// Maps a page.
    ///
    /// # Errors
    /// No memory or slots for a table, or what the kernel refuses.
    pub fn map(
        &mut self,
        objects: &mut dyn Supply,
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
    ///
    /// # Errors
    /// As [`map`](Self::map).
    pub fn map_large(
        &mut self,
        objects: &mut dyn Supply,
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
        objects: &mut dyn Supply,
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

    /// Makes the tables that a page at `address` needs.
    ///
    /// # Errors
    /// As [`map`](Self::map).
    pub fn reserve(&mut self, objects: &mut dyn Supply, address: u64) -> Result<()> {
        self.tables_above(objects, FrameObjectType::GRANULE.bits(), address)
    }

    /// Makes the tables that a frame of 2^`bits` bytes at `address` needs.
    fn tables_above(&mut self, objects: &mut dyn Supply, bits: usize, address: u64) -> Result<()> {
        let Tables::These(tables) = &mut self.tables else {
            return Ok(());
        };
        for level in 1..vspace_levels::NUM_LEVELS {
            let span = vspace_levels::span_bits(level);
            if span <= bits {
                break;
            }
            let start = address >> span << span;
            if tables.contains(&(level, start)) {
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
            tables.insert((level, start));
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

/// The part of the builder's own address space where it maps what it must write itself.
pub struct Window {
    space: Space,
    scratch: u64,
    next: u64,
}

impl Window {
    /// A window in `space`, from `start` on, where nothing is mapped yet. Its first page is for frames that are filled and let go.
    #[must_use]
    pub const fn new(space: Space, start: u64) -> Self {
        Self {
            space,
            scratch: start,
            next: start + PAGE,
        }
    }

    /// Maps frames side by side, for good; answers where.
    ///
    /// # Errors
    /// As [`Space::map`].
    pub fn keep(
        &mut self,
        objects: &mut dyn Supply,
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
    ///
    /// # Errors
    /// As [`Space::map`].
    pub fn fill(
        &mut self,
        objects: &mut dyn Supply,
        frame: cap::Granule,
        offset: usize,
        bytes: &[u8],
    ) -> Result<()> {
        let room = (PAGE as usize).saturating_sub(offset);
        let bytes = &bytes[..bytes.len().min(room)];
        self.space
            .map(objects, frame, self.scratch, Access::Write)?;
        // SAFETY: the scratch page is mapped read-write, used only here, and offset + length stay within it.
        unsafe {
            let to = (self.scratch as *mut u8).add(offset.min(PAGE as usize));
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        #[cfg(target_arch = "aarch64")]
        frame
            .frame_unify_instruction(0, PAGE as usize)
            .doing("the cleaning of a page")?;
        frame.frame_unmap().doing("the unmapping of a page")
    }
}
