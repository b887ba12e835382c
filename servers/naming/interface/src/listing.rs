//! What is in a directory, page by page.

use heapless::Vec;
use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer};

use crate::Part;
use crate::limits::ITEMS_IN_PAGE;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A capability, of this machine.
    Entry,
    /// A directory of this machine.
    Directory,
    /// A capability of another machine, which holds this cluster-wide name.
    Elsewhere {
        /// That machine.
        node: u8,
    },
    /// A machine, in `/node`.
    Machine,
}

/// A name and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The name.
    pub name: Part,
    /// What it stands for.
    pub kind: Kind,
}

/// A page: names in their order. If it is full there may be more, after its last name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The names.
    pub items: Vec<Item, ITEMS_IN_PAGE, u8>,
}

impl Listing {
    /// After which name the next page begins; `None`: this was the last.
    #[must_use]
    pub fn next(&self) -> Option<&Part> {
        let last = self.items.last()?;
        self.items.is_full().then_some(&last.name)
    }
}

impl Wire for Kind {
    const MAX_WORDS: usize = 2;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        match *self {
            Self::Entry => (0u8, 0u8),
            Self::Directory => (1, 0),
            Self::Elsewhere { node } => (2, node),
            Self::Machine => (3, 0),
        }
        .write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match <(u8, u8)>::read(reader)? {
            (0, 0) => Ok(Self::Entry),
            (1, 0) => Ok(Self::Directory),
            (2, node) => Ok(Self::Elsewhere { node }),
            (3, 0) => Ok(Self::Machine),
            _ => Err(Malformed),
        }
    }
}

impl Wire for Item {
    const MAX_WORDS: usize = Part::MAX_WORDS + Kind::MAX_WORDS;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.name.write(writer)?;
        self.kind.write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (name, kind) = Wire::read(reader)?;
        Ok(Self { name, kind })
    }
}

impl Wire for Listing {
    const MAX_WORDS: usize = 1 + ITEMS_IN_PAGE * Item::MAX_WORDS;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        write_all(&self.items, writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            items: read_all(reader)?,
        })
    }
}

/// Their number, then each.
pub(crate) fn write_all<T: Wire>(values: &[T], writer: &mut Writer<'_>) -> Result<(), TooLong> {
    (values.len() as u64).write(writer)?;
    values.iter().try_for_each(|value| value.write(writer))
}

pub(crate) fn read_all<T: Wire, const N: usize>(
    reader: &mut Reader<'_>,
) -> Result<Vec<T, N, u8>, Malformed> {
    let mut values = Vec::new();
    for _ in 0..u64::read(reader)? {
        values.push(T::read(reader)?).map_err(|_| Malformed)?;
    }
    Ok(values)
}
