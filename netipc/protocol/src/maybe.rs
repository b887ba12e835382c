//! An `Option` whose `None` is zeroes.
//!
//! The compiler stores an `Option`'s `None` as a value that the content never has, which is rarely zero. One such value in
//! it would put a whole [`Endpoint`](crate::Endpoint), half a megabyte, into a program's data instead of its zeroed memory.

/// Something, or nothing as zeroes.
#[repr(u8)]
pub(crate) enum Maybe<T> {
    /// As `None`.
    Nothing = 0,
    /// As `Some`.
    Just(T) = 1,
}

impl<T> Maybe<T> {
    pub(crate) const fn as_ref(&self) -> Option<&T> {
        match self {
            Self::Nothing => None,
            Self::Just(value) => Some(value),
        }
    }

    pub(crate) const fn as_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Nothing => None,
            Self::Just(value) => Some(value),
        }
    }

    pub(crate) const fn is_some(&self) -> bool {
        matches!(self, Self::Just(_))
    }

    /// What was there; now there is nothing.
    pub(crate) fn take(&mut self) -> Option<T> {
        match core::mem::replace(self, Self::Nothing) {
            Self::Nothing => None,
            Self::Just(value) => Some(value),
        }
    }

    /// As [`take`](Self::take), if this is true of it.
    pub(crate) fn take_if(&mut self, is: impl FnOnce(&T) -> bool) -> Option<T> {
        if self.as_ref().is_some_and(is) {
            self.take()
        } else {
            None
        }
    }

    /// What was there before.
    pub(crate) fn replace(&mut self, value: T) -> Option<T> {
        let old = self.take();
        *self = Self::Just(value);
        old
    }
}
