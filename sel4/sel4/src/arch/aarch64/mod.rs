//! `aarch64`.

mod fault;
mod invocations;
mod object;
pub(crate) mod syscalls;
mod user_context;
mod vm_attributes;

pub use fault::{Fault, UnknownSyscall, UserException};
pub(crate) use object::HIGHEST_LEVEL_WITH_PAGE_ENTRIES;
pub use object::{
    FrameObjectType, ObjectBlueprintAArch64, ObjectBlueprintArch, ObjectBlueprintArm,
    ObjectBlueprintSeL4Arch, ObjectTypeAArch64, ObjectTypeArch, ObjectTypeArm, ObjectTypeSeL4Arch,
    TranslationTableObjectType, cap_types, caps,
};
pub use user_context::UserContext;
pub use vm_attributes::VmAttributes;

use crate::{IpcBuffer, Word};

/// The architecture's name in the kernel's configuration.
pub(crate) const NAME: &str = "aarch64";

/// The IPC buffer by the register that the kernel keeps at it.
#[inline(always)]
pub(crate) fn current_ipc_buffer() -> IpcBuffer {
    let base: Word;
    // SAFETY: the kernel puts the address of this thread's IPC buffer into TPIDR_EL0 at each return to user space.
    unsafe {
        core::arch::asm!("mrs {base}, tpidr_el0", base = out(reg) base, options(nomem, nostack, preserves_flags, pure));
        IpcBuffer::from_ptr(base as *mut _)
    }
}

/// The kernel knows already.
#[inline(always)]
pub(crate) fn set_current_ipc_buffer(ipc_buffer: &IpcBuffer) {
    debug_assert_eq!(
        current_ipc_buffer().ptr(),
        ipc_buffer.ptr(),
        "the kernel says where a thread's IPC buffer is"
    );
}
