//! What a peer may use of ours, in one session.

use heapless::Deque;
use netipc_wire::{Descriptor, SessionId};

use crate::coverage::{Observed, Part, passed};
use crate::fault::{Faults, PlantedFault};
use crate::order::OrderWindow;
use crate::types::{ExportId, Object};

/// Rows of exports to one peer.
pub(crate) struct Exports<const ROWS: usize> {
    rows: [ExportRow; ROWS],
    /// Rows whose revocation is not complete.
    revoking: usize,
    /// Rows that have become free, for who keeps the tree of exports.
    pub(crate) ended: Deque<u16, ROWS>,
    /// Order of the requests to the bootstrap export.
    bootstrap: OrderWindow,
}

#[derive(Clone, Copy)]
struct ExportRow {
    state: State,
    object: Object,
    /// Of the present use, or of the last one if there is none.
    generation: u64,
    window: OrderWindow,
    /// Whether a frame of ours may have named it.
    named: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Live,
    /// Revoked; the importer has not yet said that nobody has it.
    Revoking,
}

impl ExportRow {
    const EMPTY: Self = Self {
        state: State::Free,
        object: Object(0),
        generation: 0,
        window: OrderWindow::NEW,
        named: false,
    };

    fn enter(&mut self, state: State) {
        passed(self.state, state);
        self.state = state;
    }
}

impl Observed for State {
    const PART: Part = Part::Export;

    fn place(self) -> usize {
        self as usize
    }
}

/// What a descriptor of a peer stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exported {
    /// The bootstrap export.
    Bootstrap,
    /// This one.
    Object(Object),
    /// It was there and is no more.
    Gone,
    /// There never was such a one.
    Never,
}

/// What the end of a use of a row means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was over already.
    Nothing,
    /// The object can be given back.
    Free(Object),
    /// Its revocation is complete.
    Complete(Object),
}

/// What a revocation has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// It was over already.
    Nothing,
    /// No frame has named it: all is done.
    Complete(Object),
    /// The importer must be told.
    Begun(Object),
}

impl<const ROWS: usize> Exports<ROWS> {
    pub(crate) const NEW: Self = Self {
        rows: [ExportRow::EMPTY; ROWS],
        revoking: 0,
        ended: Deque::new(),
        bootstrap: OrderWindow::NEW,
    };

    /// For a new session: nothing exported, generations from the start.
    pub(crate) fn clear(&mut self) {
        self.ended.clear();
        for (index, row) in self.rows.iter().enumerate() {
            if row.state != State::Free {
                let _ = self.ended.push_back(index as u16);
            }
        }
        self.rows.fill(ExportRow::EMPTY);
        self.revoking = 0;
        self.bootstrap = OrderWindow::NEW;
    }

    /// A row and its generation for an object; `None` if there is no room.
    // [N28]
    pub(crate) fn insert(&mut self, object: Object, faults: Faults) -> Option<(u16, u64)> {
        let (index, row) = self
            .rows
            .iter_mut()
            .enumerate()
            .find(|(_, row)| row.state == State::Free)?;
        row.enter(State::Live);
        row.object = object;
        if !(faults.has(PlantedFault::GenerationReused) && row.generation > 0) {
            row.generation += 1;
        }
        row.window = OrderWindow::NEW;
        row.named = false;
        Some((u16::try_from(index).ok()?, row.generation))
    }

    /// What a descriptor stands for.
    pub(crate) fn find(&self, descriptor: Descriptor) -> Exported {
        if descriptor == Descriptor::BOOTSTRAP {
            return Exported::Bootstrap;
        }
        match self.row(descriptor) {
            Some(row) if row.generation == descriptor.generation => match row.state {
                State::Live => Exported::Object(row.object),
                State::Free | State::Revoking => Exported::Gone,
            },
            Some(row) if row.generation > descriptor.generation => Exported::Gone,
            _ => Exported::Never,
        }
    }

    /// What is in the row of a descriptor now.
    pub(crate) fn present(&self, descriptor: Descriptor) -> Descriptor {
        Descriptor {
            index: descriptor.index,
            generation: self
                .row(descriptor)
                .map_or(descriptor.generation, |row| row.generation),
        }
    }

    /// The importer has it no more, or never got it.
    pub(crate) fn remove(&mut self, descriptor: Descriptor) -> Ended {
        let Some(row) = self.row_mut(descriptor) else {
            return Ended::Nothing;
        };
        if row.generation != descriptor.generation || row.state == State::Free {
            return Ended::Nothing;
        }
        let (before, object) = (row.state, row.object);
        row.enter(State::Free);
        self.note_end(descriptor);
        if before == State::Revoking {
            self.revoking -= 1;
            Ended::Complete(object)
        } else {
            Ended::Free(object)
        }
    }

    /// Nobody may use it from now on.
    // [N34]
    pub(crate) fn revoke(&mut self, descriptor: Descriptor) -> Revoked {
        let Some(row) = self.row_mut(descriptor) else {
            return Revoked::Nothing;
        };
        if row.generation != descriptor.generation || row.state != State::Live {
            return Revoked::Nothing;
        }
        let object = row.object;
        if row.named {
            row.enter(State::Revoking);
            self.revoking += 1;
            return Revoked::Begun(object);
        }
        row.enter(State::Free);
        self.note_end(descriptor);
        Revoked::Complete(object)
    }

    /// A frame that names it may leave from now on.
    pub(crate) fn name(&mut self, descriptor: Descriptor) {
        if let Some(row) = self.row_mut(descriptor) {
            row.named = true;
        }
    }

    /// Whether a revocation is not complete.
    pub(crate) const fn is_revoking(&self) -> bool {
        self.revoking > 0
    }

    /// The first incomplete revocation from this row on: its row and descriptor.
    pub(crate) fn revoking_from(&self, from: usize) -> Option<(usize, Descriptor)> {
        if self.revoking == 0 {
            return None;
        }
        let rows = self.rows.iter().enumerate().skip(from);
        let mut revoking = rows.filter(|(_, row)| row.state == State::Revoking);
        revoking
            .next()
            .map(|(index, row)| (index, describe(index as u16, row.generation)))
    }

    /// The order of the requests to an export that is there.
    pub(crate) fn window(&mut self, descriptor: Descriptor) -> Option<&mut OrderWindow> {
        if descriptor == Descriptor::BOOTSTRAP {
            return Some(&mut self.bootstrap);
        }
        let row = self.row_mut(descriptor)?;
        let live = row.generation == descriptor.generation && row.state == State::Live;
        live.then_some(&mut row.window)
    }

    /// The descriptor of an export that is there.
    pub(crate) fn descriptor(&self, session: SessionId, export: ExportId) -> Option<Descriptor> {
        let descriptor = describe(export.row, export.generation);
        (export.session == session && matches!(self.find(descriptor), Exported::Object(_)))
            .then_some(descriptor)
    }

    /// How many there are, those whose revocation is not complete included.
    pub(crate) fn len(&self) -> usize {
        let used = self.rows.iter().filter(|row| row.state != State::Free);
        used.count()
    }

    fn note_end(&mut self, descriptor: Descriptor) {
        if let Some(row) = row_of(descriptor) {
            // Each row is in it once at most: it is emptied before a row is used again.
            let _ = self.ended.push_back(row as u16);
        }
    }

    fn row(&self, descriptor: Descriptor) -> Option<&ExportRow> {
        self.rows.get(row_of(descriptor)?)
    }

    fn row_mut(&mut self, descriptor: Descriptor) -> Option<&mut ExportRow> {
        self.rows.get_mut(row_of(descriptor)?)
    }
}

/// The descriptor of a row: index 0 is the bootstrap export's.
pub(crate) fn describe(row: u16, generation: u64) -> Descriptor {
    Descriptor {
        index: u32::from(row) + 1,
        generation,
    }
}

/// The row of a descriptor; the bootstrap export has none.
pub(crate) fn row_of(descriptor: Descriptor) -> Option<usize> {
    usize::try_from(descriptor.index.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_used_once() {
        let mut exports = Exports::<2>::NEW;
        let (row, generation) = exports.insert(Object(7), Faults::NONE).unwrap();
        let first = describe(row, generation);
        assert_eq!(exports.find(first), Exported::Object(Object(7)));
        assert_eq!(exports.remove(first), Ended::Free(Object(7)));
        assert_eq!(exports.remove(first), Ended::Nothing);
        assert_eq!(exports.find(first), Exported::Gone);
        let (row, generation) = exports.insert(Object(8), Faults::NONE).unwrap();
        let second = describe(row, generation);
        assert_eq!((second.index, second.generation), (first.index, 2));
        assert_eq!(exports.find(first), Exported::Gone);
        assert_eq!(exports.remove(first), Ended::Nothing);
        assert_eq!(exports.find(describe(row, 3)), Exported::Never);
        assert_eq!(exports.find(describe(9, 1)), Exported::Never);
        assert!(exports.insert(Object(9), Faults::NONE).is_some());
        assert_eq!(exports.insert(Object(10), Faults::NONE), None);
        assert_eq!(exports.len(), 2);
    }

    #[test]
    fn a_revoked_row_is_free_only_when_the_importer_has_said_so() {
        let mut exports = Exports::<1>::NEW;
        let (row, generation) = exports.insert(Object(7), Faults::NONE).unwrap();
        let export = describe(row, generation);
        exports.name(export);
        assert_eq!(exports.revoke(export), Revoked::Begun(Object(7)));
        assert_eq!(exports.revoke(export), Revoked::Nothing);
        assert_eq!(exports.find(export), Exported::Gone);
        assert_eq!(exports.insert(Object(8), Faults::NONE), None);
        assert_eq!(exports.revoking_from(0), Some((0, export)));
        assert_eq!(exports.remove(export), Ended::Complete(Object(7)));
        assert!(!exports.is_revoking());
        let (row, generation) = exports.insert(Object(8), Faults::NONE).unwrap();
        let unnamed = describe(row, generation);
        assert_eq!(exports.revoke(unnamed), Revoked::Complete(Object(8)));
        assert_eq!(exports.len(), 0);
    }
}
