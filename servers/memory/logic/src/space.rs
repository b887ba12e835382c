//! The part of a component's address space where its objects are mapped: where there is room, and which translation tables it has.
//!
//! The window is one entry of the root table, which nobody else uses: so which tables are there is known here, and what is missing for a
//! mapping can be counted, and refused, before anything is done.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use isthmus_abi::Slot;
use isthmus_abi::layout::{OBJECTS, OBJECTS_BYTES};
use memory_interface::MemoryError;

use crate::kernel::{Kernel, Level, PAGE_BYTES};
use crate::slots::Slots;
use crate::untyped::{NodeId, Untyped};

/// Tables of one window: by level, each for each piece of the window that it spans.
const DIRECTORIES: usize = (OBJECTS_BYTES >> Level::Directory.span_bits()) as usize;
const TABLES: usize = (OBJECTS_BYTES >> Level::Table.span_bits()) as usize;
const _: () = assert!(OBJECTS.trailing_zeros() >= Level::Upper.span_bits() as u32);
const _: () = assert!(OBJECTS_BYTES.is_multiple_of(1 << Level::Directory.span_bits()));

/// A translation table that is there.
#[derive(Clone, Copy, Debug)]
struct Table {
    node: NodeId,
    slot: Slot,
    /// Mappings that need it.
    users: u16,
}

/// Which tables an address space has.
#[derive(Debug)]
pub struct Tables {
    /// The upper table, the directories, the tables of pages.
    tables: Vec<Option<Table>>,
}

/// What a mapping covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// All of it.
    pub all: Range<u64>,
    /// What is mapped by small pages: the end of it.
    pub small: Range<u64>,
}

impl Covered {
    /// `bytes` from `address` on, of which the first `large` are mapped by large pages.
    #[must_use]
    pub const fn new(address: u64, bytes: u64, large: u64) -> Self {
        Self {
            all: address..address + bytes,
            small: address + large..address + bytes,
        }
    }

    /// Every table that the mapping needs, from the top down.
    fn tables(&self) -> impl DoubleEndedIterator<Item = (Level, usize)> {
        let directories = numbers(&self.all, Level::Directory);
        let tables = numbers(&self.small, Level::Table);
        core::iter::once((Level::Upper, 0))
            .chain(directories.map(|number| (Level::Directory, number)))
            .chain(tables.map(|number| (Level::Table, number)))
    }
}

/// The pieces of the window, each spanned by a table of `level`, that `range` touches.
fn numbers(range: &Range<u64>, level: Level) -> Range<usize> {
    let span = level.span_bits();
    let (start, end) = (range.start - OBJECTS, range.end - OBJECTS);
    match start == end {
        true => 0..0,
        false => (start >> span) as usize..((end - 1) >> span) as usize + 1,
    }
}

const fn index(level: Level, number: usize) -> usize {
    match level {
        Level::Upper => 0,
        Level::Directory => 1 + number,
        Level::Table => 1 + DIRECTORIES + number,
    }
}

impl Tables {
    /// None is there.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tables: vec![None; 1 + DIRECTORIES + TABLES],
        }
    }

    /// Bytes of the tables that are missing for a mapping.
    #[must_use]
    pub fn missing_bytes(&self, covered: &Covered) -> u64 {
        let missing =
            |&(level, number): &(Level, usize)| self.tables[index(level, number)].is_none();
        covered.tables().filter(missing).count() as u64 * PAGE_BYTES
    }

    /// Makes what is missing for a mapping, which from now on needs them.
    ///
    /// # Errors
    /// Those of [`Untyped::take`]; then nothing was made.
    pub fn hold(
        &mut self,
        covered: &Covered,
        space: Slot,
        untyped: &mut Untyped,
        slots: &mut Slots,
        kernel: &mut impl Kernel,
    ) -> Result<(), MemoryError> {
        for (done, (level, number)) in covered.tables().enumerate() {
            let address = OBJECTS + ((number as u64) << level.span_bits());
            let entry = &mut self.tables[index(level, number)];
            match entry {
                Some(table) => table.users += 1,
                None => match make(level, space, address, untyped, slots, kernel) {
                    Ok(table) => *entry = Some(table),
                    Err(error) => {
                        self.release_first(done, covered, untyped, slots, kernel);
                        return Err(error);
                    }
                },
            }
        }
        Ok(())
    }

    /// A mapping is gone; answers the bytes of the tables that went with it.
    pub fn release(
        &mut self,
        covered: &Covered,
        untyped: &mut Untyped,
        slots: &mut Slots,
        kernel: &mut impl Kernel,
    ) -> u64 {
        self.release_first(covered.tables().count(), covered, untyped, slots, kernel)
    }

    /// Of the tables of a mapping, from the top, the first `count` are not needed by it any more.
    fn release_first(
        &mut self,
        count: usize,
        covered: &Covered,
        untyped: &mut Untyped,
        slots: &mut Slots,
        kernel: &mut impl Kernel,
    ) -> u64 {
        let mut bytes = 0;
        let below = covered.tables().count() - count;
        for (level, number) in covered.tables().rev().skip(below) {
            let entry = &mut self.tables[index(level, number)];
            let Some(table) = entry else { continue };
            table.users -= 1;
            if table.users == 0 {
                // Revoking the memory deletes the table's capability, and the table leaves the address space.
                untyped.give(table.node, kernel);
                slots.give(table.slot, 1);
                *entry = None;
                bytes += PAGE_BYTES;
            }
        }
        bytes
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

fn make(
    level: Level,
    space: Slot,
    address: u64,
    untyped: &mut Untyped,
    slots: &mut Slots,
    kernel: &mut impl Kernel,
) -> Result<Table, MemoryError> {
    let node = untyped.take(crate::kernel::PAGE_BITS, slots, kernel)?;
    let Some(slot) = slots.take(1) else {
        untyped.give(node, kernel);
        return Err(MemoryError::TooMany);
    };
    let made = kernel
        .make_table(untyped.slot(node), level, slot)
        .and_then(|()| kernel.map_table(slot, level, space, address));
    if made.is_err() {
        untyped.give(node, kernel);
        slots.give(slot, 1);
        return Err(MemoryError::KernelRefused);
    }
    Ok(Table {
        node,
        slot,
        users: 1,
    })
}
