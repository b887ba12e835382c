use crate::cptr::{AbsoluteCPtr, Cap, InvocationContext, cap};
use crate::vspace::CapTypeForFrameObject;
use crate::{CapRights, Error, Result, TranslationTableObjectType, VmAttributes, Word, sys};

impl<T: CapTypeForFrameObject, C: InvocationContext> Cap<T, C> {
    /// Maps the frame. Corresponds to `seL4_ARM_Page_Map`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::FailedLookup`] when a table is missing, [`Error::DeleteFirst`] when something is mapped there.
    pub fn frame_map(
        self,
        vspace: cap::VSpace,
        vaddr: usize,
        rights: CapRights,
        attrs: VmAttributes,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_Page_Map(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                vaddr as Word,
                rights.into_inner(),
                attrs.into_inner(),
            )
        }))
    }

    /// Changes rights and attributes where it is mapped. Corresponds to `seL4_ARM_Page_Remap`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn frame_remap(
        self,
        vspace: cap::VSpace,
        rights: CapRights,
        attrs: VmAttributes,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_Page_Remap(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                rights.into_inner(),
                attrs.into_inner(),
            )
        }))
    }

    /// Unmaps the frame. Corresponds to `seL4_ARM_Page_Unmap`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn frame_unmap(self) -> Result<()> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| sys::seL4_ARM_Page_Unmap(ipc_buffer, cptr.bits())),
        )
    }

    /// The frame's physical address. Corresponds to `seL4_ARM_Page_GetAddress`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn frame_get_address(self) -> Result<usize> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| sys::seL4_ARM_Page_GetAddress(ipc_buffer, cptr.bits())),
        )
        .map(|paddr| paddr as usize)
    }

    /// Writes the cache back, for these offsets in the frame. Corresponds to `seL4_ARM_Page_Clean_Data`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::IllegalOperation`] when the frame is not mapped.
    pub fn frame_clean_data(self, start_offset: usize, end_offset: usize) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_Page_Clean_Data(
                ipc_buffer,
                cptr.bits(),
                start_offset as Word,
                end_offset as Word,
            )
        }))
    }

    /// Drops the cache's content, for these offsets in the frame. Corresponds to `seL4_ARM_Page_Invalidate_Data`. An unpatched kernel of this version dies when the mapping is read-only.
    ///
    /// # Errors
    /// What the kernel says: [`Error::IllegalOperation`] when the frame is not mapped.
    pub fn frame_invalidate_data(self, start_offset: usize, end_offset: usize) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_Page_Invalidate_Data(
                ipc_buffer,
                cptr.bits(),
                start_offset as Word,
                end_offset as Word,
            )
        }))
    }

    /// Writes the cache back and drops its content, for these offsets in the frame. Corresponds to `seL4_ARM_Page_CleanInvalidate_Data`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::IllegalOperation`] when the frame is not mapped.
    pub fn frame_clean_invalidate_data(self, start_offset: usize, end_offset: usize) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_Page_CleanInvalidate_Data(
                ipc_buffer,
                cptr.bits(),
                start_offset as Word,
                end_offset as Word,
            )
        }))
    }

    /// Makes what was written visible to instruction fetches, for these offsets in the frame. Corresponds to `seL4_ARM_Page_Unify_Instruction`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::IllegalOperation`] when the frame is not mapped.
    pub fn frame_unify_instruction(self, start_offset: usize, end_offset: usize) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_Page_Unify_Instruction(
                ipc_buffer,
                cptr.bits(),
                start_offset as Word,
                end_offset as Word,
            )
        }))
    }
}

impl<C: InvocationContext> cap::PUD<C> {
    /// Maps the table. Corresponds to `seL4_ARM_PageUpperDirectory_Map`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::DeleteFirst`] when there is one, [`Error::FailedLookup`] when the table above is missing.
    pub fn page_upper_directory_map(
        self,
        vspace: cap::VSpace,
        vaddr: usize,
        attr: VmAttributes,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_PageUpperDirectory_Map(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                vaddr as Word,
                attr.into_inner(),
            )
        }))
    }

    /// Unmaps the table. Corresponds to `seL4_ARM_PageUpperDirectory_Unmap`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn page_upper_directory_unmap(self) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_PageUpperDirectory_Unmap(ipc_buffer, cptr.bits())
        }))
    }
}

impl<C: InvocationContext> cap::PD<C> {
    /// Maps the table. Corresponds to `seL4_ARM_PageDirectory_Map`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::DeleteFirst`] when there is one, [`Error::FailedLookup`] when the table above is missing.
    pub fn page_directory_map(
        self,
        vspace: cap::VSpace,
        vaddr: usize,
        attr: VmAttributes,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_PageDirectory_Map(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                vaddr as Word,
                attr.into_inner(),
            )
        }))
    }

    /// Unmaps the table. Corresponds to `seL4_ARM_PageDirectory_Unmap`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn page_directory_unmap(self) -> Result<()> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| {
                sys::seL4_ARM_PageDirectory_Unmap(ipc_buffer, cptr.bits())
            }),
        )
    }
}

impl<C: InvocationContext> cap::PT<C> {
    /// Maps the table. Corresponds to `seL4_ARM_PageTable_Map`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::DeleteFirst`] when there is one, [`Error::FailedLookup`] when the table above is missing.
    pub fn page_table_map(
        self,
        vspace: cap::VSpace,
        vaddr: usize,
        attr: VmAttributes,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_PageTable_Map(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                vaddr as Word,
                attr.into_inner(),
            )
        }))
    }

    /// Unmaps the table. Corresponds to `seL4_ARM_PageTable_Unmap`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn page_table_unmap(self) -> Result<()> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| sys::seL4_ARM_PageTable_Unmap(ipc_buffer, cptr.bits())),
        )
    }
}

impl<C: InvocationContext> cap::UnspecifiedIntermediateTranslationTable<C> {
    /// Maps a table of level `ty`. Corresponds to the invocation for that level.
    ///
    /// # Errors
    /// As those for one level; [`Error::InvalidArgument`] for the root, which is not mapped.
    pub fn generic_intermediate_translation_table_map(
        self,
        ty: TranslationTableObjectType,
        vspace: cap::VSpace,
        vaddr: usize,
        attr: VmAttributes,
    ) -> Result<()> {
        match ty {
            TranslationTableObjectType::VSpace => Err(Error::InvalidArgument),
            TranslationTableObjectType::PUD => self
                .cast::<super::cap_types::PUD>()
                .page_upper_directory_map(vspace, vaddr, attr),
            TranslationTableObjectType::PD => self
                .cast::<super::cap_types::PD>()
                .page_directory_map(vspace, vaddr, attr),
            TranslationTableObjectType::PT => self
                .cast::<super::cap_types::PT>()
                .page_table_map(vspace, vaddr, attr),
        }
    }
}

impl<C: InvocationContext> cap::AsidControl<C> {
    /// Makes an ASID pool of an untyped of its size. Corresponds to `seL4_ARM_ASIDControl_MakePool`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn asid_control_make_pool(self, untyped: cap::Untyped, dst: &AbsoluteCPtr) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            let (root, path) = (dst.root().bits(), dst.path());
            sys::seL4_ARM_ASIDControl_MakePool(
                ipc_buffer,
                cptr.bits(),
                untyped.bits(),
                root,
                path.bits(),
                path.depth() as u8,
            )
        }))
    }
}

impl<C: InvocationContext> cap::AsidPool<C> {
    /// Gives an address space its identifier: it cannot be used before. Corresponds to `seL4_ARM_ASIDPool_Assign`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn asid_pool_assign(self, vspace: cap::VSpace) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_ASIDPool_Assign(ipc_buffer, cptr.bits(), vspace.bits())
        }))
    }
}

impl<C: InvocationContext> cap::VSpace<C> {
    /// Writes the cache back, for these addresses, which lie in one page. Corresponds to `seL4_ARM_PageGlobalDirectory_Clean_Data`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::RangeError`] over several pages.
    pub fn vspace_clean_data(self, start: usize, end: usize) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_PageGlobalDirectory_Clean_Data(
                ipc_buffer,
                cptr.bits(),
                start as Word,
                end as Word,
            )
        }))
    }

    /// Drops the cache's content, for these addresses, which lie in one page. Corresponds to `seL4_ARM_PageGlobalDirectory_Invalidate_Data`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::RangeError`] over several pages.
    pub fn vspace_invalidate_data(self, start: usize, end: usize) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_PageGlobalDirectory_Invalidate_Data(
                ipc_buffer,
                cptr.bits(),
                start as Word,
                end as Word,
            )
        }))
    }

    /// Writes the cache back and drops its content, for these addresses, which lie in one page. Corresponds to `seL4_ARM_PageGlobalDirectory_CleanInvalidate_Data`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::RangeError`] over several pages.
    pub fn vspace_clean_invalidate_data(self, start: usize, end: usize) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_PageGlobalDirectory_CleanInvalidate_Data(
                ipc_buffer,
                cptr.bits(),
                start as Word,
                end as Word,
            )
        }))
    }

    /// Makes what was written visible to instruction fetches, for these addresses, which lie in one page. Corresponds to `seL4_ARM_PageGlobalDirectory_Unify_Instruction`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::RangeError`] over several pages.
    pub fn vspace_unify_instruction(self, start: usize, end: usize) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_ARM_PageGlobalDirectory_Unify_Instruction(
                ipc_buffer,
                cptr.bits(),
                start as Word,
                end as Word,
            )
        }))
    }
}
