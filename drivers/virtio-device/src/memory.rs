//! Memory that a device reads and writes: one physically contiguous region for the program, dealt out page by page at the start and never taken back.
use core::fmt;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// A region for DMA.
#[derive(Clone, Copy, Debug)]
pub struct DmaMemory {
    /// Where the driver sees it, on a page boundary.
    pub address: NonNull<u8>,
    /// Where the device sees it, on a page boundary.
    pub physical: u64,
    /// Its length in bytes.
    pub bytes: usize,
}

/// Why a region cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// A program drives one device: its memory was given already.
    GivenAlready,
    /// An address is not on a page boundary, or the physical one is 0.
    Misaligned,
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GivenAlready => "memory for DMA was given already",
            Self::Misaligned => "memory for DMA must start on a page boundary",
        })
    }
}

impl core::error::Error for MemoryError {}

/// The region, as the crate's static interface wants it: one for the program.
struct Region {
    given: AtomicBool,
    address: AtomicPtr<u8>,
    physical: AtomicU64,
    bytes: AtomicUsize,
    /// Bytes dealt out.
    used: AtomicUsize,
}

static REGION: Region = Region {
    given: AtomicBool::new(false),
    address: AtomicPtr::new(ptr::null_mut()),
    physical: AtomicU64::new(0),
    bytes: AtomicUsize::new(0),
    used: AtomicUsize::new(0),
};

/// Makes `memory` the program's memory for DMA.
///
/// # Errors
/// [`MemoryError`].
///
/// # Safety
/// It must be mapped for ever, physically contiguous from `physical` on, and used by nobody else but the device.
pub unsafe fn give(memory: DmaMemory) -> Result<(), MemoryError> {
    let aligned = memory.address.addr().get().is_multiple_of(PAGE_SIZE)
        && memory.physical.is_multiple_of(PAGE_SIZE as u64);
    if !aligned || memory.physical == 0 {
        return Err(MemoryError::Misaligned);
    }
    if REGION.given.swap(true, Ordering::AcqRel) {
        return Err(MemoryError::GivenAlready);
    }
    REGION
        .address
        .store(memory.address.as_ptr(), Ordering::Relaxed);
    REGION.physical.store(memory.physical, Ordering::Relaxed);
    REGION.bytes.store(memory.bytes, Ordering::Release);
    Ok(())
}

/// Zeroed pages of the region, as the device sees them and as the driver does, or `None` when it is used up.
#[must_use]
pub fn pages(pages: usize) -> Option<(PhysAddr, NonNull<u8>)> {
    let bytes = pages.checked_mul(PAGE_SIZE)?;
    let total = REGION.bytes.load(Ordering::Acquire);
    let take = |used: usize| used.checked_add(bytes).filter(|end| *end <= total);
    let offset = REGION
        .used
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        .ok()?;
    let base = NonNull::new(REGION.address.load(Ordering::Relaxed))?;
    // SAFETY: offset + bytes is at most the region's length, so this stays within it; and this part of it was dealt out just now, so nobody
    // else uses it.
    let start = unsafe {
        let start = base.add(offset);
        start.write_bytes(0, bytes);
        start
    };
    Some((
        REGION.physical.load(Ordering::Relaxed) + offset as u64,
        start,
    ))
}

/// The crate's way to the region.
#[derive(Debug)]
pub struct Memory;

// SAFETY: `dma_alloc` gives zeroed, page-aligned memory of the region that nobody else was given; `share` answers where the device sees a part of
// the region, which is contiguous.
unsafe impl Hal for Memory {
    fn dma_alloc(count: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        // A physical address of 0 says that there is none.
        pages(count).unwrap_or((0, NonNull::dangling()))
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0 // the memory stays the driver's until the program ends
    }

    unsafe fn mmio_phys_to_virt(_: PhysAddr, _: usize) -> NonNull<u8> {
        unreachable!(
            "the root task has mapped the registers; only the crate's own PCI transport, which is not used, asks for this"
        )
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        let base = REGION.address.load(Ordering::Relaxed);
        let offset = (buffer.cast::<u8>().as_ptr().addr()).wrapping_sub(base.addr());
        let total = REGION.bytes.load(Ordering::Relaxed);
        let inside = offset <= total && buffer.len() <= total - offset;
        assert!(
            inside,
            "every buffer that a queue is given is one of the region's"
        );
        REGION.physical.load(Ordering::Relaxed) + offset as u64
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}
