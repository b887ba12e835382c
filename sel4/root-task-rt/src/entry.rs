//! From the first instruction to `main`.
//!
//! 1. `_start` (in `arch`) sets the stack pointer and keeps the address of the boot information.
//! 2. `first` makes the IPC buffer known, unmaps the guard page, and has thread-locals set up. Until then nothing may use them.
//! 3. `second` runs `main`.

use sel4::init_thread::suspend_self;
use sel4::{BootInfo, BootInfoPtr};

use crate::{arch, thread_locals};

unsafe extern "Rust" {
    /// `main`, by `#[root_task]`.
    safe fn __sel4_root_task_main(bootinfo: &BootInfoPtr) -> !;
    /// The address of the page below the stack, by `#[root_task]`.
    safe fn __sel4_root_task_guard_page() -> usize;
}

unsafe extern "C" {
    /// The lowest address of the image, by the linker script.
    static __sel4_root_task_image_start: u8;
}

/// Called by `_start` with what the kernel passed.
pub(crate) extern "C" fn first(bootinfo: *const BootInfo) -> ! {
    // SAFETY: the kernel passes the address of the boot information to the initial thread, mapped for good.
    let pointer = unsafe { BootInfoPtr::new(bootinfo) };
    sel4::set_ipc_buffer(pointer.ipc_buffer());
    if let Err(error) = unmap_guard_page(&pointer) {
        give_up("the guard page below the stack", &error);
    }
    match thread_locals::place(pointer.ipc_buffer().ptr().addr()) {
        Ok(base) => match arch::use_thread_locals(&pointer, base) {
            Ok(()) => second(bootinfo),
            Err(error) => give_up("the thread-locals' base", &error),
        },
        Err(error) => give_up("thread-locals", &error),
    }
}

/// Called with thread-locals in place.
pub(crate) extern "C" fn second(bootinfo: *const BootInfo) -> ! {
    // SAFETY: as in `first`.
    let pointer = unsafe { BootInfoPtr::new(bootinfo) };
    if let Err(error) = arch::clean_up(&pointer) {
        give_up("giving back what thread-locals took", &error);
    }
    __sel4_root_task_main(&pointer)
}

fn unmap_guard_page(bootinfo: &BootInfoPtr) -> sel4::Result<()> {
    let start = (&raw const __sel4_root_task_image_start).addr();
    let page = (__sel4_root_task_guard_page() - start) >> sel4::FrameObjectType::GRANULE.bits();
    bootinfo.user_image_frames().index(page).cap().frame_unmap()
}

fn give_up(what: &str, error: &dyn core::fmt::Display) -> ! {
    sel4::debug_println!("the root task cannot start: {what}: {error}");
    suspend_self()
}
