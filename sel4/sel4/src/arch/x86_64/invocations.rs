use crate::cptr::{AbsoluteCPtr, Cap, InvocationContext, cap};
use crate::vspace::CapTypeForFrameObject;
use crate::{CapRights, Error, Result, TranslationTableObjectType, VmAttributes, Word, sys};

impl<T: CapTypeForFrameObject, C: InvocationContext> Cap<T, C> {
    /// Maps the frame. Corresponds to `seL4_X86_Page_Map`.
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
            sys::seL4_X86_Page_Map(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                vaddr as Word,
                rights.into_inner(),
                attrs.into_inner(),
            )
        }))
    }

    /// Changes rights and attributes where it is mapped. Corresponds to `seL4_X86_Page_Remap`.
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
            sys::seL4_X86_Page_Remap(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                rights.into_inner(),
                attrs.into_inner(),
            )
        }))
    }

    /// Unmaps the frame. Corresponds to `seL4_X86_Page_Unmap`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn frame_unmap(self) -> Result<()> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| sys::seL4_X86_Page_Unmap(ipc_buffer, cptr.bits())),
        )
    }

    /// The frame's physical address. Corresponds to `seL4_X86_Page_GetAddress`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn frame_get_address(self) -> Result<usize> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| sys::seL4_X86_Page_GetAddress(ipc_buffer, cptr.bits())),
        )
        .map(|paddr| paddr as usize)
    }
}

impl<C: InvocationContext> cap::PDPT<C> {
    /// Maps the table. Corresponds to `seL4_X86_PDPT_Map`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::DeleteFirst`] when there is one.
    pub fn pdpt_map(self, vspace: cap::VSpace, vaddr: usize, attr: VmAttributes) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_X86_PDPT_Map(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                vaddr as Word,
                attr.into_inner(),
            )
        }))
    }
}

impl<C: InvocationContext> cap::PageDirectory<C> {
    /// Maps the table. Corresponds to `seL4_X86_PageDirectory_Map`.
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
            sys::seL4_X86_PageDirectory_Map(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                vaddr as Word,
                attr.into_inner(),
            )
        }))
    }
}

impl<C: InvocationContext> cap::PageTable<C> {
    /// Maps the table. Corresponds to `seL4_X86_PageTable_Map`.
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
            sys::seL4_X86_PageTable_Map(
                ipc_buffer,
                cptr.bits(),
                vspace.bits(),
                vaddr as Word,
                attr.into_inner(),
            )
        }))
    }

    /// Unmaps the table. Corresponds to `seL4_X86_PageTable_Unmap`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn page_table_unmap(self) -> Result<()> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| sys::seL4_X86_PageTable_Unmap(ipc_buffer, cptr.bits())),
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
            TranslationTableObjectType::PML4 => Err(Error::InvalidArgument),
            TranslationTableObjectType::PDPT => self
                .cast::<super::cap_types::PDPT>()
                .pdpt_map(vspace, vaddr, attr),
            TranslationTableObjectType::PageDirectory => self
                .cast::<super::cap_types::PageDirectory>()
                .page_directory_map(vspace, vaddr, attr),
            TranslationTableObjectType::PageTable => self
                .cast::<super::cap_types::PageTable>()
                .page_table_map(vspace, vaddr, attr),
        }
    }
}

impl<C: InvocationContext> cap::IrqControl<C> {
    /// Makes the handler of an I/O APIC's pin. Corresponds to `seL4_IRQControl_GetIOAPIC`.
    ///
    /// `level` 1 for level-triggered; `polarity` 1 for active low; `vector` 0 to 109, unused so far.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn irq_control_get_ioapic(
        self,
        ioapic: Word,
        pin: Word,
        level: Word,
        polarity: Word,
        vector: Word,
        dst: &AbsoluteCPtr,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_IRQControl_GetIOAPIC(
                ipc_buffer,
                cptr.bits(),
                dst.root().bits(),
                dst.path().bits(),
                dst.path().depth() as Word,
                ioapic,
                pin,
                level,
                polarity,
                vector,
            )
        }))
    }

    /// Makes the handler of a message-signalled interrupt. Corresponds to `seL4_IRQControl_GetMSI`.
    ///
    /// The device must be programmed with vector `vector` + [`sys::IRQ_OFFSET`].
    ///
    /// # Errors
    /// What the kernel says.
    pub fn irq_control_get_msi(
        self,
        pci_bus: Word,
        pci_dev: Word,
        pci_func: Word,
        handle: Word,
        vector: Word,
        dst: &AbsoluteCPtr,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_IRQControl_GetMSI(
                ipc_buffer,
                cptr.bits(),
                dst.root().bits(),
                dst.path().bits(),
                dst.path().depth() as Word,
                pci_bus,
                pci_dev,
                pci_func,
                handle,
                vector,
            )
        }))
    }
}

impl<C: InvocationContext> cap::IOPort<C> {
    /// Reads a byte from a port. Corresponds to `seL4_X86_IOPort_In8`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn ioport_in8(self, port: u16) -> Result<u8> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| sys::seL4_X86_IOPort_In8(ipc_buffer, cptr.bits(), port)),
        )
    }

    /// Reads two bytes from a port. Corresponds to `seL4_X86_IOPort_In16`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn ioport_in16(self, port: u16) -> Result<u16> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| {
                sys::seL4_X86_IOPort_In16(ipc_buffer, cptr.bits(), port)
            }),
        )
    }

    /// Reads four bytes from a port. Corresponds to `seL4_X86_IOPort_In32`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn ioport_in32(self, port: u16) -> Result<u32> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| {
                sys::seL4_X86_IOPort_In32(ipc_buffer, cptr.bits(), port)
            }),
        )
    }

    /// Writes a byte to a port. Corresponds to `seL4_X86_IOPort_Out8`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn ioport_out8(self, port: u16, data: u8) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_X86_IOPort_Out8(ipc_buffer, cptr.bits(), port.into(), data.into())
        }))
    }

    /// Writes two bytes to a port. Corresponds to `seL4_X86_IOPort_Out16`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn ioport_out16(self, port: u16, data: u16) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_X86_IOPort_Out16(ipc_buffer, cptr.bits(), port.into(), data.into())
        }))
    }

    /// Writes four bytes to a port. Corresponds to `seL4_X86_IOPort_Out32`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn ioport_out32(self, port: u16, data: u32) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_X86_IOPort_Out32(ipc_buffer, cptr.bits(), port.into(), data.into())
        }))
    }
}

impl<C: InvocationContext> cap::AsidControl<C> {
    /// Makes an ASID pool of an untyped of its size. Corresponds to `seL4_X86_ASIDControl_MakePool`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn asid_control_make_pool(self, untyped: cap::Untyped, dst: &AbsoluteCPtr) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            let (root, path) = (dst.root().bits(), dst.path());
            sys::seL4_X86_ASIDControl_MakePool(
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
    /// Gives an address space its identifier: it cannot be used before. Corresponds to `seL4_X86_ASIDPool_Assign`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn asid_pool_assign(self, vspace: cap::VSpace) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_X86_ASIDPool_Assign(ipc_buffer, cptr.bits(), vspace.bits())
        }))
    }
}
