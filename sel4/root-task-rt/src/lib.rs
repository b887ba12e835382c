//! What a root task starts with: entry, stack with a guard page, thread-locals, heap, panic handler, and the boot archive in its image.
//!
//! A root task is the program that the kernel itself starts, with all rights and nothing set up: not even a stack. This crate brings it to
//! `fn main(bootinfo: &BootInfoPtr)` and then does nothing more: it starts no threads and keeps no capability. What it used from the boot
//! information it gave back.
//!
//! A program uses [`root_task`], and links with `sel4-root-task.ld`, which its build script asks for by
//! `cargo::rustc-link-arg-bins=-Tsel4-root-task.ld`.
//!
//! Read next: `entry`, then [`thread_locals`] for the one thing that is hard.
#![no_std]

mod arch;
mod archive;
mod entry;
mod heap;
mod panic;
mod stack;
mod termination;
pub mod thread_locals;

pub use archive::archive;
pub use panic::{PanicHook, set_panic_hook};
pub use sel4_root_task_macros::root_task;
pub use termination::{Never, Termination};

/// For [`declare_root_task!`].
#[doc(hidden)]
pub mod private {
    pub use crate::heap::Heap;
    pub use crate::stack::{Stack, StackTop};
    pub use sel4::BootInfoPtr;
}

/// What `#[root_task]` expands to.
#[doc(hidden)]
#[macro_export]
macro_rules! declare_root_task {
    (main = $main:expr, stack_size = $stack_size:expr, $(heap_size = $heap_size:expr,)?) => {
        const _: () = {
            static STACK: $crate::private::Stack<{ $stack_size }> = $crate::private::Stack::new();

            /// Read by the first instruction.
            #[unsafe(no_mangle)]
            static __sel4_root_task_stack_top: $crate::private::StackTop = STACK.top();

            #[unsafe(no_mangle)]
            fn __sel4_root_task_guard_page() -> usize {
                STACK.guard_page()
            }

            #[unsafe(no_mangle)]
            fn __sel4_root_task_main(bootinfo: &$crate::private::BootInfoPtr) -> ! {
                let main: fn(&$crate::private::BootInfoPtr) -> _ = $main;
                main(bootinfo)
            }

            $(
                #[global_allocator]
                static HEAP: $crate::private::Heap<{ $heap_size }> = $crate::private::Heap::new();
            )?
        };
    };
}
