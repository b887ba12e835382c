//! Samples, and what is told of them.

use heapless::Vec;

/// No more samples fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// At most N samples of one quantity. Its memory is there before the measurement begins.
#[derive(Clone, Debug, Default)]
pub struct Samples<const N: usize> {
    values: Vec<u64, N>,
}

/// What is told of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The median.
    pub p50: u64,
    /// 99 of 100 are no more than this.
    pub p99: u64,
    /// How many there are.
    pub n: usize,
}

impl<const N: usize> Samples<N> {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { values: Vec::new() }
    }

    /// Adds one.
    ///
    /// # Errors
    /// [`Full`] after N.
    pub fn push(&mut self, value: u64) -> Result<(), Full> {
        self.values.push(value).map_err(|_| Full)
    }

    /// Adds those of `other`.
    ///
    /// # Errors
    /// [`Full`] if they do not all fit; then none is added.
    pub fn append<const M: usize>(&mut self, other: &Samples<M>) -> Result<(), Full> {
        self.values
            .extend_from_slice(&other.values)
            .map_err(|_| Full)
    }

    /// Sorts them, and tells their percentiles by nearest rank. `None` if there are none.
    pub fn summary(&mut self) -> Option<Summary> {
        self.values.sort_unstable();
        Some(Summary {
            p50: self.percentile(50)?,
            p99: self.percentile(99)?,
            n: self.values.len(),
        })
    }

    /// The smallest of the sorted values that `percent` of all do not exceed.
    fn percentile(&self, percent: usize) -> Option<u64> {
        let rank = (self.values.len() * percent).div_ceil(100);
        self.values.get(rank.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<const N: usize>(values: [u64; N]) -> Option<Summary> {
        let mut samples = Samples::<N>::new();
        for value in values {
            samples.push(value).expect("N fit");
        }
        assert_eq!(samples.push(0), Err(Full));
        samples.summary()
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(of([]), None);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let summary = |p50, p99, n| Some(Summary { p50, p99, n });
        assert_eq!(of([7]), summary(7, 7, 1));
        assert_eq!(of([9, 1, 5]), summary(5, 9, 3));
        assert_eq!(of([4, 1, 3, 2]), summary(2, 4, 4));
        let descending: [u64; 200] = core::array::from_fn(|index| 200 - index as u64);
        assert_eq!(of(descending), summary(100, 198, 200));
    }

    #[test]
    fn what_does_not_fit_is_not_added_in_part() {
        let mut few = Samples::<2>::new();
        few.push(3).expect("it fits");
        let mut all = Samples::<3>::new();
        all.append(&few).expect("one fits");
        all.push(1).expect("it fits");
        few.push(5).expect("it fits");
        assert_eq!(all.append(&few), Err(Full));
        let summary = all.summary().expect("two are there");
        assert_eq!((summary.p50, summary.p99, summary.n), (1, 3, 2));
    }
}
