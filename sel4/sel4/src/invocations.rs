//! Invocations of kernel objects. Each method is one invocation unless it says otherwise.

use crate::cptr::{AbsoluteCPtr, InvocationContext, cap};
use crate::user_context::USER_CONTEXT_WORDS;
use crate::{
    CNodeCapData, CPtr, CapRights, Error, ObjectBlueprint, Result, UserContext, Word, sys,
};

impl<C: InvocationContext> cap::Untyped<C> {
    /// Makes `num_objects` objects and puts their capabilities into the slots from `dst_offset` on of the CNode `dst`. Corresponds to
    /// `seL4_Untyped_Retype`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::NotEnoughMemory`] when the rest of the untyped memory is too small.
    pub fn untyped_retype(
        self,
        blueprint: &ObjectBlueprint,
        dst: &AbsoluteCPtr,
        dst_offset: usize,
        num_objects: usize,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_Untyped_Retype(
                ipc_buffer,
                cptr.bits(),
                blueprint.ty().into_sys(),
                blueprint.api_size_bits().unwrap_or(0) as Word,
                dst.root().bits(),
                dst.path().bits(),
                dst.path().depth() as Word,
                dst_offset as Word,
                num_objects as Word,
            )
        }))
    }
}

impl<C: InvocationContext> cap::Tcb<C> {
    /// Reads the first `count` registers; the others are 0. Corresponds to `seL4_TCB_ReadRegisters`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::IllegalOperation`] for the calling thread itself.
    pub fn tcb_read_registers(self, suspend: bool, count: Word) -> Result<UserContext> {
        let read = self.invoke(|cptr, ipc_buffer| {
            sys::seL4_TCB_ReadRegisters(ipc_buffer, cptr.bits(), suspend, 0, count)
        });
        Error::wrap(read).map(|registers| UserContext(registers).first(count as usize))
    }

    /// Reads all registers. Corresponds to `seL4_TCB_ReadRegisters`.
    ///
    /// # Errors
    /// As [`tcb_read_registers`](Self::tcb_read_registers).
    pub fn tcb_read_all_registers(self, suspend: bool) -> Result<UserContext> {
        self.tcb_read_registers(suspend, USER_CONTEXT_WORDS as Word)
    }

    /// The processor time that the thread has had, in ticks of the machine's counter. Nothing of seL4's: the patch `thread-cpu-time` adds a
    /// flag to `seL4_TCB_ReadRegisters`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::IllegalOperation`] for the calling thread itself.
    pub fn tcb_cpu_time(self) -> Result<u64> {
        const CPU_TIME: u8 = 1;
        let read = self.invoke(|cptr, ipc_buffer| {
            sys::seL4_TCB_ReadRegisters(ipc_buffer, cptr.bits(), false, CPU_TIME, 1)
        });
        Error::wrap(read).map(|registers| *UserContext(registers).first(1).pc())
    }

    /// Writes the first `count` registers. Corresponds to `seL4_TCB_WriteRegisters`.
    ///
    /// Whatever the thread was waiting for, it waits no longer.
    ///
    /// # Errors
    /// What the kernel says: [`Error::IllegalOperation`] for the calling thread itself.
    pub fn tcb_write_registers(
        self,
        resume: bool,
        count: Word,
        registers: &mut UserContext,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_TCB_WriteRegisters(
                ipc_buffer,
                cptr.bits(),
                resume,
                0,
                count,
                registers.inner(),
            )
        }))
    }

    /// Writes all registers. Corresponds to `seL4_TCB_WriteRegisters`.
    ///
    /// # Errors
    /// As [`tcb_write_registers`](Self::tcb_write_registers).
    pub fn tcb_write_all_registers(self, resume: bool, registers: &mut UserContext) -> Result<()> {
        self.tcb_write_registers(resume, USER_CONTEXT_WORDS as Word, registers)
    }

    /// Lets the thread run. Corresponds to `seL4_TCB_Resume`. A thread that was in a Call, Send or Recv issues it again.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tcb_resume(self) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| sys::seL4_TCB_Resume(ipc_buffer, cptr.bits())))
    }

    /// Stops the thread. Corresponds to `seL4_TCB_Suspend`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tcb_suspend(self) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| sys::seL4_TCB_Suspend(ipc_buffer, cptr.bits())))
    }

    /// Sets the priority. Corresponds to `seL4_TCB_SetPriority`. This kernel takes the authority of the calling thread, not of `authority`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::RangeError`] for a priority above the calling thread's maximum.
    pub fn tcb_set_priority(self, authority: cap::Tcb, priority: Word) -> Result<()> {
        let _ = authority;
        let priority = u8::try_from(priority).map_err(|_| Error::RangeError)?;
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_TCB_SetPriority(ipc_buffer, cptr.bits(), priority)
        }))
    }

    /// Sets the highest priority that the thread may give. Corresponds to `seL4_TCB_SetMCPriority`. As to `authority`, see
    /// [`tcb_set_priority`](Self::tcb_set_priority).
    ///
    /// # Errors
    /// What the kernel says: [`Error::RangeError`] for a priority above the calling thread's maximum.
    pub fn tcb_set_mc_priority(self, authority: cap::Tcb, mcp: Word) -> Result<()> {
        let _ = authority;
        let mcp = u8::try_from(mcp).map_err(|_| Error::RangeError)?;
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| {
                sys::seL4_TCB_SetMCPriority(ipc_buffer, cptr.bits(), mcp)
            }),
        )
    }

    /// Sets both priorities. Corresponds to `seL4_TCB_SetSchedParams`, which this kernel lacks: two invocations. As to `authority`, see
    /// [`tcb_set_priority`](Self::tcb_set_priority).
    ///
    /// # Errors
    /// What the kernel says: [`Error::RangeError`] for a priority above the calling thread's maximum.
    pub fn tcb_set_sched_params(
        self,
        authority: cap::Tcb,
        mcp: Word,
        priority: Word,
    ) -> Result<()> {
        let _ = authority;
        let mcp = u8::try_from(mcp).map_err(|_| Error::RangeError)?;
        let priority = u8::try_from(priority).map_err(|_| Error::RangeError)?;
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_TCB_SetMCPriority(ipc_buffer, cptr.bits(), mcp)?;
            sys::seL4_TCB_SetPriority(ipc_buffer, cptr.bits(), priority)
        }))
    }

    /// Sets fault endpoint, CSpace, address space and IPC buffer, and leaves the priority alone. Corresponds to `seL4_TCB_Configure`; that of
    /// this kernel would set the priority too, so these are two invocations.
    ///
    /// `fault_ep` is resolved in the thread's own CSpace, at each fault.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tcb_configure(
        self,
        fault_ep: CPtr,
        cspace_root: cap::CNode,
        cspace_root_data: CNodeCapData,
        vspace_root: cap::VSpace,
        ipc_buffer: Word,
        ipc_buffer_frame: cap::Granule,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, context| {
            let (fault_ep, cspace_root, vspace_root) =
                (fault_ep.bits(), cspace_root.bits(), vspace_root.bits());
            sys::seL4_TCB_SetSpace(
                context,
                cptr.bits(),
                fault_ep,
                cspace_root,
                cspace_root_data.into_word(),
                vspace_root,
                0,
            )?;
            sys::seL4_TCB_SetIPCBuffer(context, cptr.bits(), ipc_buffer, ipc_buffer_frame.bits())
        }))
    }

    /// Sets fault endpoint, CSpace and address space. Corresponds to `seL4_TCB_SetSpace`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tcb_set_space(
        self,
        fault_ep: CPtr,
        cspace_root: cap::CNode,
        cspace_root_data: CNodeCapData,
        vspace_root: cap::VSpace,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_TCB_SetSpace(
                ipc_buffer,
                cptr.bits(),
                fault_ep.bits(),
                cspace_root.bits(),
                cspace_root_data.into_word(),
                vspace_root.bits(),
                0,
            )
        }))
    }

    /// Sets the IPC buffer: its address in the thread's address space, and the frame mapped there. Corresponds to `seL4_TCB_SetIPCBuffer`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::AlignmentError`] unless it is aligned to its size.
    pub fn tcb_set_ipc_buffer(self, address: Word, frame: cap::Granule) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_TCB_SetIPCBuffer(ipc_buffer, cptr.bits(), address, frame.bits())
        }))
    }

    /// Binds a notification: what is signalled there ends this thread's receive on any endpoint. Corresponds to
    /// `seL4_TCB_BindNotification`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tcb_bind_notification(self, notification: cap::Notification) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_TCB_BindNotification(ipc_buffer, cptr.bits(), notification.bits())
        }))
    }

    /// Ends the binding. Corresponds to `seL4_TCB_UnbindNotification`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tcb_unbind_notification(self) -> Result<()> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| {
                sys::seL4_TCB_UnbindNotification(ipc_buffer, cptr.bits())
            }),
        )
    }

    /// Copies registers from `source`. Corresponds to `seL4_TCB_CopyRegisters`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tcb_copy_registers(
        self,
        source: cap::Tcb,
        suspend_source: bool,
        resume_target: bool,
        transfer_frame: bool,
        transfer_integer: bool,
    ) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_TCB_CopyRegisters(
                ipc_buffer,
                cptr.bits(),
                source.bits(),
                suspend_source,
                resume_target,
                transfer_frame,
                transfer_integer,
                0,
            )
        }))
    }
}

impl<C: InvocationContext> cap::IrqControl<C> {
    /// Makes the handler of an interrupt. Corresponds to `seL4_IRQControl_Get`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::RevokeFirst`] when there is one already.
    pub fn irq_control_get(self, irq: Word, dst: &AbsoluteCPtr) -> Result<()> {
        let irq = i32::try_from(irq).map_err(|_| Error::RangeError)?;
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            let (root, path) = (dst.root().bits(), dst.path());
            sys::seL4_IRQControl_Get(
                ipc_buffer,
                cptr.bits(),
                irq,
                root,
                path.bits(),
                path.depth() as u8,
            )
        }))
    }
}

impl<C: InvocationContext> cap::IrqHandler<C> {
    /// Lets the interrupt come again. Corresponds to `seL4_IRQHandler_Ack`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn irq_handler_ack(self) -> Result<()> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| sys::seL4_IRQHandler_Ack(ipc_buffer, cptr.bits())),
        )
    }

    /// Sets what the interrupt signals. Corresponds to `seL4_IRQHandler_SetNotification`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn irq_handler_set_notification(self, notification: cap::Notification) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_IRQHandler_SetNotification(ipc_buffer, cptr.bits(), notification.bits())
        }))
    }

    /// The interrupt signals nothing. Corresponds to `seL4_IRQHandler_Clear`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn irq_handler_clear(self) -> Result<()> {
        Error::wrap(
            self.invoke(|cptr, ipc_buffer| sys::seL4_IRQHandler_Clear(ipc_buffer, cptr.bits())),
        )
    }
}

impl<C: InvocationContext> cap::DomainSet<C> {
    /// Puts a thread into a scheduling domain. Corresponds to `seL4_DomainSet_Set`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn domain_set_set(self, domain: u8, tcb: cap::Tcb) -> Result<()> {
        Error::wrap(self.invoke(|cptr, ipc_buffer| {
            sys::seL4_DomainSet_Set(ipc_buffer, cptr.bits(), domain, tcb.bits())
        }))
    }
}

impl<C: InvocationContext> AbsoluteCPtr<C> {
    /// Deletes every capability derived from the one here. Corresponds to `seL4_CNode_Revoke`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn revoke(self) -> Result<()> {
        Error::wrap(self.invoke(|cptr, path, ipc_buffer| {
            sys::seL4_CNode_Revoke(ipc_buffer, cptr.bits(), path.bits(), path.depth() as u8)
        }))
    }

    /// Deletes the capability here; the object goes with its last capability. Corresponds to `seL4_CNode_Delete`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn delete(self) -> Result<()> {
        Error::wrap(self.invoke(|cptr, path, ipc_buffer| {
            sys::seL4_CNode_Delete(ipc_buffer, cptr.bits(), path.bits(), path.depth() as u8)
        }))
    }

    /// Lets every sender that waits with this capability's badge issue its call again. Corresponds to `seL4_CNode_CancelBadgedSends`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::IllegalOperation`] without all rights.
    pub fn cancel_badged_sends(self) -> Result<()> {
        Error::wrap(self.invoke(|cptr, path, ipc_buffer| {
            sys::seL4_CNode_CancelBadgedSends(
                ipc_buffer,
                cptr.bits(),
                path.bits(),
                path.depth() as u8,
            )
        }))
    }

    /// Copies the capability at `src` here. Corresponds to `seL4_CNode_Copy`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn copy<D>(self, src: &AbsoluteCPtr<D>, rights: CapRights) -> Result<()> {
        Error::wrap(self.invoke(|cptr, path, ipc_buffer| {
            sys::seL4_CNode_Copy(
                ipc_buffer,
                cptr.bits(),
                path.bits(),
                path.depth() as u8,
                src.root().bits(),
                src.path().bits(),
                src.path().depth() as u8,
                rights.into_inner(),
            )
        }))
    }

    /// Copies the capability at `src` here with a badge, or with a CNode's guard ([`CNodeCapData::into_word`]). Corresponds to
    /// `seL4_CNode_Mint`.
    ///
    /// # Errors
    /// What the kernel says: [`Error::IllegalOperation`] when `src` has a badge already.
    pub fn mint<D>(self, src: &AbsoluteCPtr<D>, rights: CapRights, badge: Word) -> Result<()> {
        Error::wrap(self.invoke(|cptr, path, ipc_buffer| {
            sys::seL4_CNode_Mint(
                ipc_buffer,
                cptr.bits(),
                path.bits(),
                path.depth() as u8,
                src.root().bits(),
                src.path().bits(),
                src.path().depth() as u8,
                rights.into_inner(),
                badge,
            )
        }))
    }

    /// Moves the capability at `src` here. Corresponds to `seL4_CNode_Move`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn move_<D>(self, src: &AbsoluteCPtr<D>) -> Result<()> {
        Error::wrap(self.invoke(|cptr, path, ipc_buffer| {
            sys::seL4_CNode_Move(
                ipc_buffer,
                cptr.bits(),
                path.bits(),
                path.depth() as u8,
                src.root().bits(),
                src.path().bits(),
                src.path().depth() as u8,
            )
        }))
    }

    /// Moves the capability at `src` here with a badge or guard. Corresponds to `seL4_CNode_Mutate`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn mutate<D>(self, src: &AbsoluteCPtr<D>, badge: Word) -> Result<()> {
        Error::wrap(self.invoke(|cptr, path, ipc_buffer| {
            sys::seL4_CNode_Mutate(
                ipc_buffer,
                cptr.bits(),
                path.bits(),
                path.depth() as u8,
                src.root().bits(),
                src.path().bits(),
                src.path().depth() as u8,
                badge,
            )
        }))
    }

    /// Puts the capability to answer the calling thread's caller here. Corresponds to `seL4_CNode_SaveCaller`.
    ///
    /// After a plain Send there is no caller: it succeeds, and the slot stays empty.
    ///
    /// # Errors
    /// What the kernel says: [`Error::DeleteFirst`] when the slot is occupied.
    pub fn save_caller(self) -> Result<()> {
        Error::wrap(self.invoke(|cptr, path, ipc_buffer| {
            sys::seL4_CNode_SaveCaller(ipc_buffer, cptr.bits(), path.bits(), path.depth() as u8)
        }))
    }
}
