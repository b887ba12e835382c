//! A leader's table, as it comes in chunks.

use crate::ids::{Epoch, History, Id};
use crate::limits::CHUNK_HOMES;
use crate::log::Place;
use crate::message::{Chunk, Contents};
use crate::table::{Home, Table};

/// The chunks of one table that have come, in any order.
#[derive(Clone, Debug)]
pub(crate) struct Assembly {
    of: Option<(History, Place, u16)>,
    have: u32,
    table: Table,
}

/// Whether a table is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complete {
    Yes,
    No,
}

impl Assembly {
    pub(crate) const EMPTY: Self = Self {
        of: None,
        have: 0,
        table: Table::EMPTY,
    };

    /// Which chunks of that history's table are here, and of which place.
    pub(crate) fn have(&self, history: History) -> (Place, u32) {
        match self.of {
            Some((of, place, _)) if of == history => (place, self.have),
            _ => (Place::default(), 0),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.of = None;
        self.have = 0;
        self.table.clear();
    }

    /// Gives the table away, and forgets everything. In place: it is large.
    pub(crate) fn give(&mut self, table: &mut Table) {
        core::mem::swap(&mut self.table, table);
        self.clear();
    }

    /// Takes a chunk; whether all are here.
    pub(crate) fn add(&mut self, chunk: &Chunk) -> Complete {
        match self.put(chunk) {
            Some(()) if self.have == all(usize::from(chunk.homes)) => Complete::Yes,
            _ => Complete::No,
        }
    }

    fn put(&mut self, chunk: &Chunk) -> Option<()> {
        let of = (chunk.history, chunk.place, chunk.homes);
        if self.of != Some(of) {
            self.clear();
            self.of = Some(of);
            let nobody = Home {
                id: Id(0),
                owner: netipc_wire::NodeId(0),
                epoch: Epoch(0),
            };
            self.table
                .homes
                .resize(usize::from(chunk.homes), nobody)
                .ok()?;
        }
        match &chunk.contents {
            Contents::Core {
                epoch,
                seats,
                members,
            } => {
                self.table.epoch = *epoch;
                self.table.seats = *seats;
                self.table.members = *members;
            }
            Contents::Homes { number, homes } => {
                let from = (usize::from(*number) - 1) * CHUNK_HOMES;
                let places = self.table.homes.get_mut(from..from + homes.len())?;
                places.copy_from_slice(homes);
            }
        }
        self.have |= 1 << chunk.number();
        Some(())
    }
}

/// The bits of all chunks of a table with so many homes.
pub(crate) const fn all(homes: usize) -> u32 {
    ((1u64 << crate::message::chunks(homes)) - 1) as u32
}
