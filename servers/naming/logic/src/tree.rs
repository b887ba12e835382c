//! The tree of one machine's names, in a table of fixed size.

use heapless::Vec;
use isthmus_abi::ComponentId;
use naming_interface::{NamingError, Part, Path, Reach};

use naming_interface::limits::PATH_BYTES;

use crate::limits::{ENTRIES, ENTRIES_OF_ONE};
use crate::{Client, Directory, Time};

/// A path has a byte and a slash for each directory, at least.
const DEPTH: usize = PATH_BYTES.div_ceil(2);

/// What a name stands for.
#[derive(Debug)]
pub(crate) enum What<C> {
    /// A capability.
    Endpoint { capability: C, reach: Reach },
    /// A directory, and how often what is in it has changed.
    Directory { changes: u64 },
}

#[derive(Debug)]
pub(crate) struct Entry<C> {
    pub(crate) name: Part,
    pub(crate) parent: Directory,
    pub(crate) owner: ComponentId,
    /// End of the lease; `None`: the system's, for ever.
    pub(crate) ends: Option<Time>,
    pub(crate) what: What<C>,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row(u16);

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Directory(Directory),
    Endpoint(Row),
}

#[derive(Debug)]
pub(crate) struct Tree<C> {
    rows: [Option<Entry<C>>; ENTRIES],
    /// How often what is in the root has changed.
    changes: u64,
}

impl Row {
    const fn directory(self) -> Directory {
        Directory(self.0 + 1)
    }

    const fn of(directory: Directory) -> Option<Self> {
        match directory.0.checked_sub(1) {
            Some(row) => Some(Self(row)),
            None => None,
        }
    }
}

impl<C> Entry<C> {
    pub(crate) const fn is_cluster_wide(&self) -> bool {
        matches!(
            self.what,
            What::Endpoint {
                reach: Reach::Cluster,
                ..
            }
        )
    }
}

impl<C: Copy> Tree<C> {
    pub(crate) const fn new() -> Self {
        Self {
            rows: [const { None }; ENTRIES],
            changes: 0,
        }
    }

    pub(crate) fn get(&self, row: Row) -> Option<&Entry<C>> {
        self.rows.get(usize::from(row.0))?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, row: Row) -> Option<&mut Entry<C>> {
        self.rows.get_mut(usize::from(row.0))?.as_mut()
    }

    /// Every entry and directory.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Row, &Entry<C>)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(row, entry)| Some((Row(row as u16), entry.as_ref()?)))
    }

    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry<C>> {
        self.rows.iter_mut().flatten()
    }

    pub(crate) fn children(&self, of: Directory) -> impl Iterator<Item = (Row, &Entry<C>)> {
        self.iter().filter(move |(_, entry)| entry.parent == of)
    }

    pub(crate) fn is_directory(&self, directory: Directory) -> bool {
        Row::of(directory).is_none_or(|row| {
            let entry = self.get(row);
            entry.is_some_and(|entry| matches!(entry.what, What::Directory { .. }))
        })
    }

    /// What a row stands for.
    pub(crate) fn found(&self, row: Row) -> Found {
        if self.is_directory(row.directory()) {
            Found::Directory(row.directory())
        } else {
            Found::Endpoint(row)
        }
    }

    pub(crate) fn child(&self, directory: Directory, name: &str) -> Option<Row> {
        let mut children = self.children(directory);
        let found = children.find(|(_, entry)| entry.name.as_str() == name)?;
        Some(found.0)
    }

    /// Where a path leads, from a directory.
    pub(crate) fn walk(&self, from: Directory, path: &Path) -> Result<Found, NamingError> {
        // It may have gone, with its capability on the way here.
        if !self.is_directory(from) {
            return Err(NamingError::NotFound);
        }
        let mut found = Found::Directory(from);
        for part in path.parts() {
            let Found::Directory(directory) = found else {
                return Err(NamingError::NotADirectory);
            };
            let row = self.child(directory, part).ok_or(NamingError::NotFound)?;
            found = self.found(row);
        }
        Ok(found)
    }

    /// The directory that a path leads to.
    pub(crate) fn directory(&self, from: Directory, path: &Path) -> Result<Directory, NamingError> {
        match self.walk(from, path)? {
            Found::Directory(directory) => Ok(directory),
            Found::Endpoint(_) => Err(NamingError::NotADirectory),
        }
    }

    /// The directories above, nearest first, the root not among them.
    pub(crate) fn above(&self, directory: Directory) -> impl Iterator<Item = (Row, &Entry<C>)> {
        let mut next = Row::of(directory);
        core::iter::from_fn(move || {
            let row = next?;
            let entry = self.get(row)?;
            next = Row::of(entry.parent);
            Some((row, entry))
        })
        .take(DEPTH)
    }

    /// A directory's path, from the machine's root.
    pub(crate) fn path_of(&self, directory: Directory) -> Result<Path, NamingError> {
        let names: Vec<&str, DEPTH> = self
            .above(directory)
            .map(|(_, entry)| entry.name.as_str())
            .collect();
        Path::ROOT
            .join(names.iter().rev().copied())
            .map_err(|_| NamingError::TooLong)
    }

    /// An entry's path, from the machine's root.
    pub(crate) fn path_to(&self, entry: &Entry<C>) -> Result<Path, NamingError> {
        self.path_of(entry.parent)?
            .join([entry.name.as_str()])
            .map_err(|_| NamingError::TooLong)
    }

    /// Whether a client may replace, rename or unlink what is in a row: it is its own, or below a directory of its own.
    pub(crate) fn may_change(&self, client: Client, entry: &Entry<C>) -> bool {
        let mut owners = self.above(entry.parent).map(|(_, above)| above.owner);
        let mine = |owner| client == Client::Component(owner);
        mine(entry.owner) || owners.any(mine)
    }

    /// Adds an entry. There must be none of its name.
    pub(crate) fn insert(&mut self, entry: Entry<C>) -> Result<Row, NamingError> {
        if self.iter().filter(|(_, e)| e.owner == entry.owner).count() >= ENTRIES_OF_ONE {
            return Err(NamingError::TooMany);
        }
        self.insert_unlimited(entry)
    }

    /// The same, for the system's own.
    pub(crate) fn insert_unlimited(&mut self, entry: Entry<C>) -> Result<Row, NamingError> {
        let free = self.rows.iter().position(Option::is_none);
        let at = free.ok_or(NamingError::TooMany)?;
        self.rows[at] = Some(entry);
        Ok(Row(at as u16))
    }

    pub(crate) fn remove(&mut self, row: Row) -> Option<Entry<C>> {
        self.rows.get_mut(usize::from(row.0))?.take()
    }

    /// How often what is in a directory has changed.
    pub(crate) fn changes(&self, directory: Directory) -> u64 {
        match Row::of(directory).map(|row| self.get(row).map(|entry| &entry.what)) {
            Some(Some(What::Directory { changes })) => *changes,
            Some(_) => 0,
            None => self.changes,
        }
    }

    pub(crate) fn count_change(&mut self, directory: Directory) {
        match Row::of(directory).map(|row| self.get_mut(row).map(|entry| &mut entry.what)) {
            Some(Some(What::Directory { changes })) => *changes += 1,
            Some(_) => {}
            None => self.changes += 1,
        }
    }

    /// The next entry or directory whose lease has ended at `now`, and that can go: a directory only when it is empty.
    pub(crate) fn ended(&self, now: Time) -> Option<Row> {
        let ended = |entry: &Entry<C>| entry.ends.is_some_and(|ends| ends <= now);
        let mut all = self.iter();
        all.find(|(row, entry)| ended(entry) && self.can_go(*row))
            .map(|(row, _)| row)
    }

    fn can_go(&self, row: Row) -> bool {
        self.children(row.directory()).next().is_none()
    }

    /// When the next lease ends. A directory that is not empty waits for what is in it.
    pub(crate) fn earliest(&self) -> Option<Time> {
        let ends = |(row, entry): (Row, &Entry<C>)| entry.ends.filter(|_| self.can_go(row));
        self.iter().filter_map(ends).min()
    }
}
