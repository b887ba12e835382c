//! Which frames have come, so that none is taken twice.

use crate::limits::WINDOW;

/// The frame came before, or is so old that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Old;

/// One more than the window fills: the word that the newest lies in is cleared as a whole.
const WORDS: usize = (WINDOW / 64) as usize + 1;

/// The numbers of the frames that came under one key: the newest, and which of the [`WINDOW`] up to it. The bits are a ring (RFC 6479).
#[derive(Clone, Debug)]
pub struct Window {
    /// One more than the newest; 0 if none has come.
    end: u64,
    bits: [u64; WORDS],
}

impl Window {
    /// Nothing has come.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            end: 0,
            bits: [0; WORDS],
        }
    }

    /// Whether a frame of this number is new; asked before it is deciphered, which costs more.
    // [N4]
    pub fn check(&self, number: u64) -> Result<(), Old> {
        if number >= self.end {
            return Ok(());
        }
        if self.end - number > WINDOW {
            return Err(Old);
        }
        let (word, bit) = Self::place(number);
        match self.bits.get(word) {
            Some(bits) if bits & bit == 0 => Ok(()),
            _ => Err(Old),
        }
    }

    /// The newest that has come.
    pub(crate) const fn newest(&self) -> Option<u64> {
        self.end.checked_sub(1)
    }

    /// Takes note of a frame, once it is known to be genuine.
    pub fn accept(&mut self, number: u64) -> Result<(), Old> {
        self.check(number)?;
        if number >= self.end {
            self.forget_up_to(number);
            self.end = number.saturating_add(1);
        }
        let (word, bit) = Self::place(number);
        if let Some(bits) = self.bits.get_mut(word) {
            *bits |= bit;
        }
        Ok(())
    }

    /// The places of the numbers from the end up to this one were those of older ones.
    fn forget_up_to(&mut self, number: u64) {
        let first = self.end / 64 + u64::from(!self.end.is_multiple_of(64));
        let last = number / 64;
        if last.saturating_sub(first) >= WORDS as u64 {
            self.bits = [0; WORDS];
        } else {
            for word in first..=last {
                if let Some(bits) = self.bits.get_mut((word % WORDS as u64) as usize) {
                    *bits = 0;
                }
            }
        }
    }

    const fn place(number: u64) -> (usize, u64) {
        ((number / 64 % WORDS as u64) as usize, 1 << (number % 64))
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::new()
    }
}
