//! A thread's block: the IPC buffer, and behind it its thread-locals as the program's `PT_TLS` says.

use alloc::vec::Vec;

use isthmus_abi::layout::{IPC_BUFFER_BYTES, THREAD_BLOCK_BYTES};

use crate::error::BadElf;

/// The initial image of a program's thread-local storage.
#[derive(Clone, Copy)]
pub struct ThreadLocals<'a> {
    /// Its first bytes; the rest is zero.
    pub bytes: &'a [u8],
    /// All of its bytes.
    pub length: u64,
    /// Its alignment.
    pub align: u64,
}

/// Of a program that has none.
impl Default for ThreadLocals<'_> {
    fn default() -> Self {
        Self {
            bytes: &[],
            length: 0,
            align: 1,
        }
    }
}

/// A thread's block, as it is at the start.
pub struct ThreadBlock {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What FS holds.
    #[cfg(target_arch = "x86_64")]
    pub thread_pointer: u64,
}

impl ThreadLocals<'_> {
    /// The block at `address` of a thread of the program.
    ///
    /// # Errors
    /// [`BadElf::ThreadLocals`] if they do not fit.
    pub fn block(&self, address: u64) -> Result<ThreadBlock, BadElf> {
        self.place(address).ok_or(BadElf::ThreadLocals {
            needed: self.length,
            room: THREAD_BLOCK_BYTES - IPC_BUFFER_BYTES,
        })
    }

    /// Variant 1 of the ELF's thread-local storage: it begins behind the thread pointer, which is the IPC buffer's address. The linker leaves two
    /// words, rounded up to the alignment: that of the runtime's linker script puts it right behind the buffer.
    #[cfg(target_arch = "aarch64")]
    fn place(&self, _address: u64) -> Option<ThreadBlock> {
        const RESERVED: u64 = 16;
        let mut bytes = alloc::vec![0; THREAD_BLOCK_BYTES as usize];
        if self.length > 0 {
            let start = RESERVED.checked_next_multiple_of(self.align)?;
            let end = start.checked_add(self.length)?;
            if start < IPC_BUFFER_BYTES || end > THREAD_BLOCK_BYTES {
                return None;
            }
            self.copy_to(&mut bytes, start)?;
        }
        Some(ThreadBlock { bytes })
    }

    /// Variant 2: it ends where the thread pointer points, and there lies the thread pointer itself.
    #[cfg(target_arch = "x86_64")]
    fn place(&self, address: u64) -> Option<ThreadBlock> {
        let mut bytes = alloc::vec![0; THREAD_BLOCK_BYTES as usize];
        let start = (address + IPC_BUFFER_BYTES).checked_next_multiple_of(self.align)?;
        let length = self.length.checked_next_multiple_of(self.align)?;
        let thread_pointer = start.checked_add(length)?;
        let pointer_at = usize::try_from(thread_pointer - address).ok()?;
        let pointer = bytes.get_mut(pointer_at..)?.first_chunk_mut()?;
        *pointer = thread_pointer.to_le_bytes();
        self.copy_to(&mut bytes, start - address)?;
        Some(ThreadBlock {
            bytes,
            thread_pointer,
        })
    }

    fn copy_to(&self, block: &mut [u8], start: u64) -> Option<()> {
        let start = usize::try_from(start).ok()?;
        let place = block.get_mut(start..start.checked_add(self.bytes.len())?)?;
        place.copy_from_slice(self.bytes);
        Some(())
    }
}
