//! The stack: memory in the image, with a page below it that [`crate::entry`] unmaps.

use core::cell::UnsafeCell;

const PAGE_BYTES: usize = 4096;

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; PAGE_BYTES]>);

#[repr(C, align(4096))]
struct Memory<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

/// A stack of `BYTES`, rounded up to whole pages by its alignment.
#[repr(C)]
pub struct Stack<const BYTES: usize> {
    guard: Page,
    memory: Memory<BYTES>,
}

// SAFETY: nothing but the initial thread's stack pointer ever refers to the memory.
unsafe impl<const BYTES: usize> Sync for Stack<BYTES> {}

impl<const BYTES: usize> Stack<BYTES> {
    /// The memory, zeroed.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is only ever a static")]
    pub const fn new() -> Self {
        assert!(BYTES >= PAGE_BYTES, "a stack has at least a page");
        Stack {
            guard: Page(UnsafeCell::new([0; PAGE_BYTES])),
            memory: Memory(UnsafeCell::new([0; BYTES])),
        }
    }

    /// The address above the stack: a multiple of the page size.
    #[must_use]
    pub const fn top(&'static self) -> StackTop {
        // The structure ends on a page's boundary, since it is aligned to one.
        StackTop((&raw const *self).wrapping_add(1).cast())
    }

    /// The address of the page below the stack.
    #[must_use]
    pub fn guard_page(&'static self) -> usize {
        (&raw const self.guard).addr()
    }
}

/// The address above a stack.
#[repr(transparent)]
pub struct StackTop(*const u8);

// SAFETY: it is an address, nothing more.
unsafe impl Sync for StackTop {}

impl StackTop {
    /// The address.
    #[must_use]
    pub fn addr(&self) -> usize {
        self.0.addr()
    }
}
