//! `aarch64`: the kernel keeps the thread pointer at the IPC buffer, so there is nothing to set.

use core::arch::global_asm;

use sel4::BootInfoPtr;

global_asm!(
    ".pushsection .text.sel4_root_task.entry, \"ax\", @progbits",
    ".globl _start",
    "_start:",
    "adrp x9, __sel4_root_task_stack_top",
    "ldr x9, [x9, :lo12:__sel4_root_task_stack_top]",
    "mov sp, x9",
    "mov x29, xzr",
    "mov x30, xzr",
    "b {first}",
    ".popsection",
    first = sym crate::entry::first,
);

pub(crate) fn use_thread_locals(_bootinfo: &BootInfoPtr, _base: Option<usize>) -> sel4::Result<()> {
    Ok(())
}

pub(crate) fn clean_up(_bootinfo: &BootInfoPtr) -> sel4::Result<()> {
    Ok(())
}
