//! A message's words, where they lie.

use crate::WORDS_MAX;

/// The words of a message, either in a frame (little-endian) or in memory; compared by value. At most [`WORDS_MAX`].
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(Place<'a>);

#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    Frame(&'a [u8]),
    Memory(&'a [u64]),
}

impl<'a> Words<'a> {
    /// No words.
    pub const EMPTY: Words<'static> = Words(Place::Memory(&[]));

    /// Words in memory; `None` if there are more than a message carries.
    #[must_use]
    pub const fn new(words: &'a [u64]) -> Option<Self> {
        if words.len() <= WORDS_MAX {
            Some(Self(Place::Memory(words)))
        } else {
            None
        }
    }

    /// Words in a frame whose length was checked.
    pub(crate) const fn in_frame(bytes: &'a [u8]) -> Self {
        Self(Place::Frame(bytes))
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.0 {
            Place::Frame(bytes) => bytes.len() / 8,
            Place::Memory(words) => words.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = u64> + 'a {
        let (bytes, words): (&'a [u8], &'a [u64]) = match self.0 {
            Place::Frame(bytes) => (bytes, &[]),
            Place::Memory(words) => (&[], words),
        };
        let (chunks, _) = bytes.as_chunks::<8>();
        chunks
            .iter()
            .map(|chunk| u64::from_le_bytes(*chunk))
            .chain(words.iter().copied())
    }

    /// Writes them at the start of `bytes`, as far as there is room.
    pub(crate) fn write(&self, bytes: &mut [u8]) {
        match self.0 {
            Place::Frame(from) => {
                for (to, from) in bytes.iter_mut().zip(from) {
                    *to = *from;
                }
            }
            Place::Memory(words) => {
                for (to, from) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
                    *to = from.to_le_bytes();
                }
            }
        }
    }
}

impl PartialEq for Words<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Words<'_> {}
