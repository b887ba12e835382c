//! Things with a number, for as long as they are there.

/// Up to `N` things; each keeps its number until it is taken out, and then the number is used again.
#[derive(Debug)]
pub struct Table<T, const N: usize> {
    rows: [Option<T>; N],
    /// Every number below it is in use: where the search for a free one starts.
    first_free: usize,
    len: usize,
}

impl<T, const N: usize> Table<T, N> {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            rows: [const { None }; N],
            first_free: 0,
            len: 0,
        }
    }

    /// Puts a thing in, and answers its number; gives it back if there is no room.
    pub fn insert(&mut self, thing: T) -> Result<usize, T> {
        let Some(number) = self.vacant() else {
            return Err(thing);
        };
        self.rows[number] = Some(thing);
        self.first_free = number + 1;
        self.len += 1;
        Ok(number)
    }

    /// The number that the next thing will have; `None` if there is no room.
    #[must_use]
    pub fn vacant(&self) -> Option<usize> {
        let mut rows = self.rows[self.first_free..].iter();
        Some(self.first_free + rows.position(Option::is_none)?)
    }

    /// Takes a thing out.
    pub fn remove(&mut self, number: usize) -> Option<T> {
        let thing = self.rows.get_mut(number)?.take()?;
        self.first_free = self.first_free.min(number);
        self.len -= 1;
        Some(thing)
    }

    /// The thing with this number.
    #[must_use]
    pub fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        self.rows.get_mut(number)?.as_mut()
    }

    /// As [`get_mut`](Self::get_mut), to look at.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&T> {
        self.rows.get(number)?.as_ref()
    }

    /// Every thing, by its number.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(number, row)| row.as_ref().map(|thing| (number, thing)))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T, const N: usize> Default for Table<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_is_a_map_with_numbers_of_its_own(steps in prop::collection::vec((any::<bool>(), 0..8_usize), 0..200)) {
            let mut table = Table::<usize, 6>::new();
            let mut model = BTreeMap::new();
            for (step, (insert, number)) in steps.into_iter().enumerate() {
                let vacant = table.vacant();
                if insert {
                    match table.insert(step) {
                        Ok(number) => {
                            prop_assert_eq!(vacant, Some(number));
                            prop_assert_eq!(model.insert(number, step), None);
                        }
                        Err(back) => {
                            prop_assert_eq!(back, step);
                            prop_assert_eq!(model.len(), 6);
                        }
                    }
                } else {
                    prop_assert_eq!(table.remove(number), model.remove(&number));
                }
                prop_assert_eq!(table.len(), model.len());
                prop_assert!(table.iter().map(|(n, t)| (n, *t)).eq(model.iter().map(|(n, t)| (*n, *t))));
            }
        }
    }
}
