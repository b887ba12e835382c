//! A table of fixed size, whose entries are named by small numbers.

use alloc::vec::Vec;

#[derive(Clone, Debug)]
enum Entry<T> {
    Empty { next: Option<u16> },
    Full(T),
}

/// Up to `room` values.
#[derive(Clone, Debug)]
pub struct Table<T> {
    entries: Vec<Entry<T>>,
    empty: Option<u16>,
    count: usize,
}

impl<T> Table<T> {
    /// An empty one.
    #[must_use]
    pub fn new(room: u16) -> Self {
        let next = |number| Some(number + 1).filter(|&next| next < room);
        Self {
            entries: (0..room)
                .map(|number| Entry::Empty { next: next(number) })
                .collect(),
            empty: Some(0).filter(|_| room > 0),
            count: 0,
        }
    }

    /// How many values it has.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The number that the next value will have; `None` when the table is full.
    #[must_use]
    pub const fn next(&self) -> Option<u16> {
        self.empty
    }

    /// Enters a value.
    pub fn insert(&mut self, value: T) -> Option<u16> {
        let number = self.empty?;
        let entry = &mut self.entries[usize::from(number)];
        if let Entry::Empty { next } = *entry {
            self.empty = next;
        }
        *entry = Entry::Full(value);
        self.count += 1;
        Some(number)
    }

    /// Takes a value out.
    pub fn remove(&mut self, number: u16) -> Option<T> {
        let entry = self.entries.get_mut(usize::from(number))?;
        if let Entry::Empty { .. } = entry {
            return None;
        }
        let taken = core::mem::replace(entry, Entry::Empty { next: self.empty });
        self.empty = Some(number);
        self.count -= 1;
        match taken {
            Entry::Full(value) => Some(value),
            Entry::Empty { .. } => None,
        }
    }

    /// The value with this number.
    #[must_use]
    pub fn get(&self, number: u16) -> Option<&T> {
        match self.entries.get(usize::from(number))? {
            Entry::Full(value) => Some(value),
            Entry::Empty { .. } => None,
        }
    }

    /// The value with this number.
    pub fn get_mut(&mut self, number: u16) -> Option<&mut T> {
        match self.entries.get_mut(usize::from(number))? {
            Entry::Full(value) => Some(value),
            Entry::Empty { .. } => None,
        }
    }

    /// The numbers of the values for which `wanted` holds, lowest first, from `from` on: the first of them.
    pub fn find(&self, from: u16, wanted: impl Fn(&T) -> bool) -> Option<u16> {
        let rest = self.entries.iter().enumerate().skip(from.into());
        rest.filter_map(|(number, entry)| match entry {
            Entry::Full(value) if wanted(value) => Some(number as u16),
            _ => None,
        })
        .next()
    }
}
