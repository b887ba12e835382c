//! Numbers handed out and taken back without a lock.

use core::sync::atomic::{AtomicU64, Ordering};

/// A set of up to `64 * WORDS` numbers, each free or taken. A clear bit is free.
pub(crate) struct Bitmap<const WORDS: usize> {
    words: [AtomicU64; WORDS],
}

impl<const WORDS: usize> Bitmap<WORDS> {
    pub(crate) const fn new() -> Self {
        Self {
            words: [const { AtomicU64::new(0) }; WORDS],
        }
    }

    /// Takes the lowest free number below `count`.
    pub(crate) fn take(&self, count: u32) -> Option<u32> {
        for (index, word) in self.words.iter().enumerate() {
            let base = index as u32 * u64::BITS;
            if base >= count {
                return None;
            }
            let usable = match count - base {
                n if n >= u64::BITS => u64::MAX,
                n => (1 << n) - 1,
            };
            let mut taken = word.load(Ordering::Relaxed);
            while let free @ 1.. = !taken & usable {
                let bit = free & free.wrapping_neg();
                match word.compare_exchange_weak(
                    taken,
                    taken | bit,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return Some(base + bit.trailing_zeros()),
                    Err(now) => taken = now,
                }
            }
        }
        None
    }

    /// Gives `number` back.
    pub(crate) fn give(&self, number: u32) {
        let bit = 1 << (number % u64::BITS);
        let before = self.words[(number / u64::BITS) as usize].fetch_and(!bit, Ordering::Release);
        debug_assert!(before & bit != 0, "given back twice");
    }
}
