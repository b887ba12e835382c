//! A region of shared memory as a bounded array of atomic words.
use core::fmt;
use core::ptr::NonNull;

use crate::atomic::{AtomicU64, Ordering};

/// Bytes in a word.
const WORD: usize = size_of::<u64>();

/// A region of memory that another component may write at any time.
///
/// Copies of it name the same region. All accesses are whole, relaxed, atomic words: tearing within a word cannot be seen, tearing between
/// words can, unless a [`ring`](crate::ring) orders them.
#[derive(Clone, Copy)]
pub struct SharedMemory<'m> {
    words: &'m [AtomicU64],
}

/// Why a piece of memory cannot be used as a [`SharedMemory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// The address or the length is not a multiple of eight bytes.
    Misaligned,
}

/// An access would leave the region. Nothing was read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds;

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shared memory must start and end on a multiple of eight bytes")
    }
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("access outside the shared memory")
    }
}

impl core::error::Error for MemoryError {}
impl core::error::Error for OutOfBounds {}

impl<'m> SharedMemory<'m> {
    /// Takes `bytes` bytes at `base` as shared memory.
    ///
    /// # Errors
    /// [`MemoryError::Misaligned`] unless both are multiples of eight.
    ///
    /// # Safety
    /// The bytes must be mapped readable and writable for `'m`, and this program must never access them but through `SharedMemory`. Other
    /// address spaces may.
    pub unsafe fn from_raw(base: NonNull<u8>, bytes: usize) -> Result<Self, MemoryError> {
        if !base.addr().get().is_multiple_of(WORD) || !bytes.is_multiple_of(WORD) {
            return Err(MemoryError::Misaligned);
        }
        // SAFETY: mapped for `'m` (the caller's promise), aligned (checked), every bit pattern is an `AtomicU64`, and the shared reference
        // allows others to write because the element has interior mutability.
        let words =
            unsafe { core::slice::from_raw_parts(base.as_ptr().cast::<AtomicU64>(), bytes / WORD) };
        Ok(Self { words })
    }

    /// The region's words.
    #[must_use]
    pub fn words(self) -> &'m [AtomicU64] {
        self.words
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.words.len() * WORD
    }

    /// Whether it has no bytes at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.words.is_empty()
    }

    /// The first `bytes` bytes and the rest.
    ///
    /// # Errors
    /// [`OutOfBounds`] if there are fewer, or `bytes` is not a multiple of eight.
    pub fn split_at(self, bytes: usize) -> Result<(Self, Self), OutOfBounds> {
        if !bytes.is_multiple_of(WORD) {
            return Err(OutOfBounds);
        }
        let (first, second) = self
            .words
            .split_at_checked(bytes / WORD)
            .ok_or(OutOfBounds)?;
        Ok((Self { words: first }, Self { words: second }))
    }

    /// Copies `into.len()` bytes from byte `offset` on.
    ///
    /// # Errors
    /// [`OutOfBounds`]; `into` is unchanged.
    pub fn read(self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        self.check(offset, into.len())?;
        for (at, byte) in (offset..).zip(into) {
            *byte = self.words[at / WORD].load(Ordering::Relaxed).to_le_bytes()[at % WORD];
        }
        Ok(())
    }

    /// Copies `from` to byte `offset` on. A word that is written in part is read and written back: a peer must not write the same word.
    ///
    /// # Errors
    /// [`OutOfBounds`]; nothing was written.
    pub fn write(self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        self.check(offset, from.len())?;
        let mut at = offset;
        let mut rest = from;
        while !rest.is_empty() {
            let within = at % WORD;
            let (now, later) = rest.split_at(rest.len().min(WORD - within));
            let word = &self.words[at / WORD];
            let mut bytes = word.load(Ordering::Relaxed).to_le_bytes();
            bytes[within..within + now.len()].copy_from_slice(now);
            word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
            at += now.len();
            rest = later;
        }
        Ok(())
    }

    fn check(self, offset: usize, bytes: usize) -> Result<(), OutOfBounds> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.len() => Ok(()),
            _ => Err(OutOfBounds),
        }
    }
}

impl fmt::Debug for SharedMemory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SharedMemory({:p}, {} bytes)",
            self.words.as_ptr(),
            self.len()
        )
    }
}
