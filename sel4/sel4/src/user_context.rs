use crate::{UserContext, Word};

/// Registers in a [`UserContext`].
pub(crate) const USER_CONTEXT_WORDS: usize = size_of::<UserContext>() / size_of::<Word>();

impl Default for UserContext {
    /// All registers 0.
    fn default() -> Self {
        Self::from_words([0; USER_CONTEXT_WORDS])
    }
}

impl UserContext {
    fn from_words(words: [Word; USER_CONTEXT_WORDS]) -> Self {
        // SAFETY: the structure consists of exactly this many words, and any words are registers.
        unsafe { core::mem::transmute::<[Word; USER_CONTEXT_WORDS], Self>(words) }
    }

    fn into_words(self) -> [Word; USER_CONTEXT_WORDS] {
        // SAFETY: the structure consists of exactly this many words.
        unsafe { core::mem::transmute::<Self, [Word; USER_CONTEXT_WORDS]>(self) }
    }

    /// The first `count` registers in the kernel's order; the others 0.
    pub(crate) fn first(self, count: usize) -> Self {
        let mut words = self.into_words();
        words.iter_mut().skip(count).for_each(|word| *word = 0);
        Self::from_words(words)
    }
}

impl core::fmt::Debug for UserContext {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UserContext")
            .field("pc", &format_args!("{:#x}", self.pc()))
            .field("sp", &format_args!("{:#x}", self.sp()))
            .finish_non_exhaustive()
    }
}
