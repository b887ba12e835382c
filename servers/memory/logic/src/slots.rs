//! The server's empty slots, handed out in runs side by side.

use alloc::vec;
use alloc::vec::Vec;

use isthmus_abi::{Slot, SlotRange};

const WORD: u32 = u64::BITS;

/// A set of slots. A set bit is a free one.
#[derive(Debug)]
pub struct Slots {
    range: SlotRange,
    words: Vec<u64>,
    free: u32,
    /// No word before this one has a free slot.
    first: usize,
}

impl Slots {
    /// All of `range` is free.
    #[must_use]
    pub fn new(range: SlotRange) -> Self {
        let mut words = vec![u64::MAX; range.count.div_ceil(WORD) as usize];
        if let (Some(last), rest @ 1..) = (words.last_mut(), range.count % WORD) {
            *last = (1 << rest) - 1;
        }
        Self {
            range,
            words,
            free: range.count,
            first: 0,
        }
    }

    /// How many are free.
    #[must_use]
    pub const fn free(&self) -> u32 {
        self.free
    }

    /// Takes the first run of `count` free slots.
    pub fn take(&mut self, count: u32) -> Option<Slot> {
        let start = self.find(count)?;
        for number in start..start + count {
            self.words[(number / WORD) as usize] &= !(1 << (number % WORD));
        }
        self.free -= count;
        while self.words.get(self.first) == Some(&0) {
            self.first += 1;
        }
        Some(Slot(self.range.first.0 + start))
    }

    /// Gives a run back, whole or in parts.
    pub fn give(&mut self, first: Slot, count: u32) {
        let start = first.0 - self.range.first.0;
        for number in start..start + count {
            let (word, bit) = ((number / WORD) as usize, 1 << (number % WORD));
            debug_assert!(self.words[word] & bit == 0, "given back twice");
            self.words[word] |= bit;
        }
        self.free += count;
        self.first = self.first.min((start / WORD) as usize);
    }

    fn find(&self, count: u32) -> Option<u32> {
        let mut start = self.first as u32 * WORD;
        let mut run = 0;
        for (index, &word) in self.words.iter().enumerate().skip(self.first) {
            let base = index as u32 * WORD;
            // From one free stretch of the word to the next.
            let mut bit = 0;
            while bit < WORD {
                let rest = word >> bit;
                if run == 0 {
                    if rest == 0 {
                        break;
                    }
                    bit += rest.trailing_zeros();
                    start = base + bit;
                }
                let ones = (word >> bit).trailing_ones();
                run += ones;
                bit += ones;
                if run >= count {
                    return Some(start);
                }
                if bit < WORD {
                    run = 0;
                }
            }
        }
        None
    }
}
