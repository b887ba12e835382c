//! The heap: one fixed region, given by the description. It never grows.
//!
//! Meant for start-up; the message path uses none, and [`allocations`] is there so that a test can show it.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use isthmus_abi::Startup;
use isthmus_abi::startup::RegionKind;
use linked_list_allocator::Heap;

struct Component {
    locked: AtomicBool,
    heap: UnsafeCell<Heap>,
}

// SAFETY: the heap is touched only by the thread that took `locked`.
unsafe impl Sync for Component {}

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Component = Component {
    locked: AtomicBool::new(false),
    heap: UnsafeCell::new(Heap::empty()),
};

/// Allocations since the start (not those freed again).
#[must_use]
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// Bytes of the heap that are free.
#[must_use]
pub fn free() -> usize {
    ALLOCATOR.with(|heap| heap.free())
}

/// Takes the heap's region, if there is one.
pub(crate) fn start(startup: &Startup) {
    let heap = startup.regions.iter().find(|r| r.kind == RegionKind::Heap);
    if let Some(region) = heap {
        // SAFETY: the region is mapped read-write for this component's heap alone, and this runs once.
        ALLOCATOR
            .with(|heap| unsafe { heap.init(region.address as *mut u8, region.bytes as usize) });
    }
}

impl Component {
    /// Threads of a component have one priority, so a thread that yields lets the holder go on.
    fn with<R>(&self, work: impl FnOnce(&mut Heap) -> R) -> R {
        while self
            .locked
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            sel4::r#yield();
        }
        // SAFETY: `locked` is ours until the store below.
        let result = work(unsafe { &mut *self.heap.get() });
        self.locked.store(false, Ordering::Release);
        result
    }
}

// SAFETY: forwards to the heap under the lock; layouts are passed on as they came.
unsafe impl GlobalAlloc for Component {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        self.with(|heap| heap.allocate_first_fit(layout))
            .map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let Some(pointer) = NonNull::new(pointer) else {
            return;
        };
        // SAFETY: the caller got `pointer` from `alloc` with this layout.
        self.with(|heap| unsafe { heap.deallocate(pointer, layout) });
    }
}
