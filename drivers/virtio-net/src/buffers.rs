//! The card's buffers, in the program's memory for DMA.
use core::ptr::NonNull;

use virtio_device::memory::pages;
use virtio_drivers::PAGE_SIZE;

/// Equal buffers, side by side.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    start: NonNull<u8>,
    count: usize,
}

impl Buffers {
    /// `count` buffers of [`crate::BUFFER`] bytes, or `None` when the region is used up.
    pub fn new(count: usize) -> Option<Self> {
        let bytes = count * crate::BUFFER;
        let (_, start) = pages(bytes.div_ceil(PAGE_SIZE))?;
        Some(Self { start, count })
    }

    /// Buffer `index`.
    ///
    /// # Safety
    /// The device must not have it, and there must be no other reference to it.
    pub unsafe fn get<'b>(self, index: u16) -> &'b mut [u8] {
        let index = usize::from(index);
        assert!(
            index < self.count,
            "buffer numbers come from a queue's table"
        );
        // SAFETY: within the pages that `new` was dealt, which live as long as the program; the caller promises that it is alone.
        unsafe {
            let start = self.start.add(index * crate::BUFFER);
            core::slice::from_raw_parts_mut(start.as_ptr(), crate::BUFFER)
        }
    }
}

// SAFETY: the buffers are plain memory, and `get` makes its caller answer for being alone.
unsafe impl Send for Buffers {}
