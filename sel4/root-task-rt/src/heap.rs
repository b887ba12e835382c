//! The heap: memory in the image under `linked_list_allocator`.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicBool, Ordering};

/// A heap of `BYTES`. It may be used by threads of one priority: a thread that finds it taken yields to them.
pub struct Heap<const BYTES: usize> {
    taken: AtomicBool,
    state: UnsafeCell<Option<linked_list_allocator::Heap>>,
    memory: UnsafeCell<Memory<BYTES>>,
}

#[repr(align(16))]
struct Memory<const BYTES: usize>([u8; BYTES]);

// SAFETY: `state` is only touched while `taken` is held, and `memory` belongs to the allocator in `state`.
unsafe impl<const BYTES: usize> Sync for Heap<BYTES> {}

impl<const BYTES: usize> Heap<BYTES> {
    /// An empty heap.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is only ever a static")]
    pub const fn new() -> Self {
        Heap {
            taken: AtomicBool::new(false),
            state: UnsafeCell::new(None),
            memory: UnsafeCell::new(Memory([0; BYTES])),
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut linked_list_allocator::Heap) -> T) -> T {
        while self
            .taken
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            sel4::r#yield();
        }
        // SAFETY: `taken` is held, so nobody else refers to the state.
        let state = unsafe { &mut *self.state.get() };
        let heap = state.get_or_insert_with(|| {
            let mut heap = linked_list_allocator::Heap::empty();
            // SAFETY: the memory is this allocator's alone, lives for ever (the heap is a static), and is initialised once.
            unsafe { heap.init(self.memory.get().cast(), BYTES) };
            heap
        });
        let result = f(heap);
        self.taken.store(false, Ordering::Release);
        result
    }
}

// SAFETY: `linked_list_allocator` hands out disjoint blocks of the memory that it was given, and `with` lets one thread in at a time.
unsafe impl<const BYTES: usize> GlobalAlloc for Heap<BYTES> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.with(|heap| heap.allocate_first_fit(layout))
            .map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: the caller promises that `block` came from `alloc` with this layout.
            self.with(|heap| unsafe { heap.deallocate(block, layout) });
        }
    }
}
