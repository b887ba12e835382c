//! `x86_64`.

mod fault;
mod invocations;
mod object;
pub(crate) mod syscalls;
mod user_context;
mod vm_attributes;

pub use fault::{Fault, UnknownSyscall, UserException};
pub(crate) use object::HIGHEST_LEVEL_WITH_PAGE_ENTRIES;
pub use object::{
    FrameObjectType, ObjectBlueprintArch, ObjectBlueprintSeL4Arch, ObjectBlueprintX64,
    ObjectBlueprintX86, ObjectTypeArch, ObjectTypeSeL4Arch, ObjectTypeX64, ObjectTypeX86,
    TranslationTableObjectType, cap_types, caps,
};
pub use user_context::UserContext;
pub use vm_attributes::VmAttributes;

use crate::{IpcBuffer, Word};

/// The architecture's name in the kernel's configuration.
pub(crate) const NAME: &str = "x86_64";

/// The IPC buffer by the address that [`set_current_ipc_buffer`] left in its first word: the kernel keeps GS at the buffer.
#[inline(always)]
pub(crate) fn current_ipc_buffer() -> IpcBuffer {
    let base: Word;
    // SAFETY: the kernel points GS at this thread's IPC buffer at each return to user space, and its first word was set by the thread.
    unsafe {
        core::arch::asm!("mov {base}, gs:[0]", base = out(reg) base, options(nostack, preserves_flags, readonly, pure));
        IpcBuffer::from_ptr(base as *mut _)
    }
}

/// Writes the buffer's address into its first word (the `tag` of `seL4_IPCBuffer`), which the kernel neither reads nor writes.
#[inline(always)]
pub(crate) fn set_current_ipc_buffer(ipc_buffer: &IpcBuffer) {
    // SAFETY: `IpcBuffer::from_ptr` promises that this is this thread's buffer.
    unsafe { (&raw mut (*ipc_buffer.ptr()).tag).write_volatile(ipc_buffer.ptr() as Word) };
}
