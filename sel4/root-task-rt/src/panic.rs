//! A panic says where and why, and stops the thread.

use core::panic::PanicInfo;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// What is told of a panic.
pub type PanicHook = fn(&PanicInfo<'_>);

static HOOK: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// Sets who is told of a panic, instead of the kernel's serial line: a release kernel has none.
pub fn set_panic_hook(hook: PanicHook) {
    HOOK.store(hook as *mut (), Ordering::Release);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // Taken out, so that a panic in the hook does not come back to it.
    let hook = HOOK.swap(null_mut(), Ordering::AcqRel);
    if hook.is_null() {
        sel4::debug_println!("{info}");
    } else {
        // SAFETY: only `set_panic_hook` stores here, and it stores a `PanicHook`.
        let hook = unsafe { core::mem::transmute::<*mut (), PanicHook>(hook) };
        hook(info);
    }
    sel4::init_thread::suspend_self()
}
