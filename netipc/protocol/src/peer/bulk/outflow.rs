//! The sender of a transfer: what its receiver has wanted, and it has not sent.

use crate::fault::{Faults, PlantedFault};

/// Chunks that are to be sent.
#[derive(Clone, Copy)]
pub(super) struct Outflow {
    first: u32,
    /// Bit n: chunk `first + n`.
    wanted: u64,
}

impl Outflow {
    pub(super) const NEW: Self = Self {
        first: 0,
        wanted: 0,
    };

    /// WANT. What is wanted twice before it is sent is sent once; what lies before the later one's `first` has come.
    pub(super) fn want(&mut self, first: u32, wanted: u64) {
        let from = self.first.max(first);
        let shifted = |first: u32, bits: u64| bits.checked_shr(from - first).unwrap_or(0);
        self.wanted = shifted(self.first, self.wanted) | shifted(first, wanted);
        self.first = from;
    }

    /// The next one; it counts as sent.
    pub(super) fn next(&mut self, chunks: u32, faults: Faults) -> Option<u32> {
        if self.wanted == 0 {
            return None;
        }
        let place = self.wanted.trailing_zeros();
        self.wanted &= !(1 << place);
        let chunk = self.first + place;
        if faults.has(PlantedFault::WantIgnored) && self.wanted == 0 && chunk + 1 < chunks {
            self.first = chunk + 1;
            self.wanted = 1;
        }
        Some(chunk)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.wanted == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // [N40]
    fn what_is_wanted_is_sent_once_whatever_order_the_wants_come_in() {
        let mut outflow = Outflow::NEW;
        outflow.want(3, 0b1011);
        outflow.want(5, 0b11);
        // An older one.
        outflow.want(0, 0b111);
        let sent = core::iter::from_fn(|| outflow.next(100, Faults::NONE));
        assert!(sent.eq([5, 6]));
        assert!(outflow.is_empty());
        outflow.want(1000, 1);
        assert_eq!(outflow.next(1001, Faults::NONE), Some(1000));
    }
}
