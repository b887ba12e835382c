//! A set of slots, in one word.

/// A set of slot numbers below 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Set(u64);

impl Set {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) const fn contains(self, slot: usize) -> bool {
        self.0 & bit(slot) != 0
    }

    pub(crate) const fn insert(&mut self, slot: usize) {
        self.0 |= bit(slot);
    }

    pub(crate) const fn remove(&mut self, slot: usize) {
        self.0 &= !bit(slot);
    }

    pub(crate) const fn clear(&mut self) {
        self.0 = 0;
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The lowest.
    pub(crate) const fn first(self) -> Option<usize> {
        if self.0 == 0 {
            None
        } else {
            Some(self.0.trailing_zeros() as usize)
        }
    }

    /// The lowest below `limit` that is *not* in the set.
    pub(crate) const fn first_absent(self, limit: usize) -> Option<usize> {
        let slot = (!self.0).trailing_zeros() as usize;
        if slot < limit { Some(slot) } else { None }
    }

    /// The members below `place`, and the others.
    pub(crate) const fn split(self, place: usize) -> (Self, Self) {
        let below = bit(place).wrapping_sub(1);
        (Self(self.0 & below), Self(self.0 & !below))
    }

    /// The members at this moment, rising.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self;
        core::iter::from_fn(move || {
            let slot = rest.first()?;
            rest.remove(slot);
            Some(slot)
        })
    }
}

const fn bit(slot: usize) -> u64 {
    if slot < 64 { 1 << slot } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_order_and_the_first_hole_is_found() {
        let mut set = Set::EMPTY;
        for slot in [63, 0, 1, 7] {
            set.insert(slot);
        }
        assert!(set.iter().eq([0, 1, 7, 63]));
        assert_eq!(set.first_absent(64), Some(2));
        assert_eq!(set.first_absent(2), None);
        set.remove(0);
        assert_eq!((set.first(), set.len()), (Some(1), 3));
        let (below, others) = set.split(7);
        assert!(below.iter().eq([1]) && others.iter().eq([7, 63]));
        assert!(!set.contains(64));
    }
}
