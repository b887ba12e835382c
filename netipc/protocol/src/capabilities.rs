//! What a peer may use of ours, and what we may use of a peer's, in one session.

use netipc_wire::{Descriptor, NodeId, Order, SessionId};

use crate::coverage::{Observed, Part, passed};
use crate::fault::{Faults, PlantedFault};
use crate::order::OrderWindow;
use crate::types::{ExportId, ImportId, Object};

/// Rows of exports to one peer.
pub(crate) struct Exports<const ROWS: usize> {
    rows: [ExportRow; ROWS],
    /// Order of the requests to the bootstrap export.
    bootstrap: OrderWindow,
}

#[derive(Clone, Copy)]
struct ExportRow {
    object: Option<Object>,
    /// Of the present use, or of the last one if there is none.
    generation: u64,
    window: OrderWindow,
}

impl ExportRow {
    const EMPTY: Self = Self {
        object: None,
        generation: 0,
        window: OrderWindow::NEW,
    };
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

impl<const ROWS: usize> Exports<ROWS> {
    pub(crate) const NEW: Self = Self {
        rows: [ExportRow::EMPTY; ROWS],
        bootstrap: OrderWindow::NEW,
    };

    /// For a new session: nothing exported, generations from the start.
    pub(crate) fn clear(&mut self) {
        self.rows.fill(ExportRow::EMPTY);
        self.bootstrap = OrderWindow::NEW;
    }

    /// A row and its generation for an object; `None` if there is no room.
    pub(crate) fn insert(&mut self, object: Object, faults: Faults) -> Option<(u16, u64)> {
        let (index, row) = self
            .rows
            .iter_mut()
            .enumerate()
            .find(|(_, row)| row.object.is_none())?;
        row.object = Some(object);
        if !(faults.has(PlantedFault::GenerationReused) && row.generation > 0) {
            row.generation += 1;
        }
        row.window = OrderWindow::NEW;
        Some((u16::try_from(index).ok()?, row.generation))
    }

    /// What a descriptor stands for.
    pub(crate) fn find(&self, descriptor: Descriptor) -> Exported {
        if descriptor == Descriptor::BOOTSTRAP {
            return Exported::Bootstrap;
        }
        match self.row(descriptor) {
            Some(row) if row.generation == descriptor.generation => {
                row.object.map_or(Exported::Gone, Exported::Object)
            }
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

    /// Takes an export back: what it stood for, if it was there.
    pub(crate) fn remove(&mut self, descriptor: Descriptor) -> Option<Object> {
        let row = self.row_mut(descriptor)?;
        if row.generation == descriptor.generation {
            row.object.take()
        } else {
            None
        }
    }

    /// The order of the requests to an export that is there.
    pub(crate) fn window(&mut self, descriptor: Descriptor) -> Option<&mut OrderWindow> {
        if descriptor == Descriptor::BOOTSTRAP {
            return Some(&mut self.bootstrap);
        }
        let row = self.row_mut(descriptor)?;
        (row.generation == descriptor.generation && row.object.is_some()).then_some(&mut row.window)
    }

    /// The descriptor of an export that is there.
    pub(crate) fn descriptor(&self, session: SessionId, export: ExportId) -> Option<Descriptor> {
        let descriptor = describe(export.row, export.generation);
        (export.session == session && matches!(self.find(descriptor), Exported::Object(_)))
            .then_some(descriptor)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.iter().filter(|row| row.object.is_some()).count()
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

fn row_of(descriptor: Descriptor) -> Option<usize> {
    usize::try_from(descriptor.index.checked_sub(1)?).ok()
}

/// Rows of imports from one peer.
pub(crate) struct Imports<const ROWS: usize> {
    rows: [ImportRow; ROWS],
    /// Rows whose release is not acknowledged.
    releasing: usize,
    /// Never goes back, so that an old [`ImportId`] never fits a row again.
    serial: u64,
    /// Number of the next request to the peer's bootstrap export.
    bootstrap: Order,
}

#[derive(Clone, Copy)]
struct ImportRow {
    state: ImportState,
    descriptor: Descriptor,
    serial: u64,
    /// Number of the next request to it.
    order: Order,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ImportState {
    Free,
    Live,
    /// Given up here; the exporter has not acknowledged it.
    Releasing,
}

impl ImportRow {
    const EMPTY: Self = Self {
        state: ImportState::Free,
        descriptor: Descriptor::BOOTSTRAP,
        serial: 0,
        order: Order(0),
    };

    fn enter(&mut self, state: ImportState) {
        passed(self.state, state);
        self.state = state;
    }
}

impl Observed for ImportState {
    const PART: Part = Part::Import;

    fn place(self) -> usize {
        self as usize
    }
}

impl<const ROWS: usize> Imports<ROWS> {
    pub(crate) const NEW: Self = Self {
        rows: [ImportRow::EMPTY; ROWS],
        releasing: 0,
        serial: 0,
        bootstrap: Order(0),
    };

    /// For a new session: nothing imported.
    pub(crate) fn clear(&mut self) {
        self.rows.fill(ImportRow::EMPTY);
        self.releasing = 0;
        self.bootstrap = Order(0);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows.iter().all(|row| row.state != ImportState::Free)
    }

    /// A row for a capability that came; `None` if there is no room.
    pub(crate) fn insert(
        &mut self,
        node: NodeId,
        session: SessionId,
        descriptor: Descriptor,
    ) -> Option<ImportId> {
        let (index, row) = self
            .rows
            .iter_mut()
            .enumerate()
            .find(|(_, row)| row.state == ImportState::Free)?;
        self.serial += 1;
        row.enter(ImportState::Live);
        *row = ImportRow {
            state: ImportState::Live,
            descriptor,
            serial: self.serial,
            order: Order(0),
        };
        Some(ImportId {
            node,
            row: u16::try_from(index).ok()?,
            session,
            serial: self.serial,
        })
    }

    /// The exporter's name for a living import.
    pub(crate) fn descriptor(&self, import: ImportId) -> Option<Descriptor> {
        self.rows
            .get(usize::from(import.row))
            .filter(|row| row.serial == import.serial && row.state == ImportState::Live)
            .map(|row| row.descriptor)
    }

    /// Takes the next order number of a request. A request that was queued before its import was given up still gets one.
    pub(crate) fn next_order(&mut self, target: Option<ImportId>) -> Option<Order> {
        let order = match target {
            None => &mut self.bootstrap,
            Some(import) => {
                let row = self.rows.get_mut(usize::from(import.row))?;
                if row.serial != import.serial || row.state == ImportState::Free {
                    return None;
                }
                &mut row.order
            }
        };
        let number = *order;
        *order = number.next();
        Some(number)
    }

    /// Gives an import up; whether it was there.
    pub(crate) fn release(&mut self, import: ImportId) -> bool {
        match self.rows.get_mut(usize::from(import.row)) {
            Some(row) if row.serial == import.serial && row.state == ImportState::Live => {
                row.enter(ImportState::Releasing);
                self.releasing += 1;
                true
            }
            _ => false,
        }
    }

    /// The exporter knows.
    pub(crate) fn released(&mut self, descriptor: Descriptor) -> bool {
        let row = self
            .rows
            .iter_mut()
            .find(|row| row.state == ImportState::Releasing && row.descriptor == descriptor);
        if let Some(row) = row {
            row.enter(ImportState::Free);
            self.releasing -= 1;
            true
        } else {
            false
        }
    }

    /// Whether a release is not acknowledged.
    pub(crate) fn is_releasing(&self) -> bool {
        self.releasing > 0
    }

    /// The first unacknowledged release from this row on: its row and descriptor.
    pub(crate) fn releasing_from(&self, row: usize) -> Option<(usize, Descriptor)> {
        if self.releasing == 0 {
            return None;
        }
        self.rows
            .iter()
            .enumerate()
            .skip(row)
            .find(|(_, row)| row.state == ImportState::Releasing)
            .map(|(index, row)| (index, row.descriptor))
    }

    /// How many are in use, those not yet acknowledged as released included.
    pub(crate) fn len(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| row.state != ImportState::Free)
            .count()
    }
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
        assert_eq!(exports.remove(first), Some(Object(7)));
        assert_eq!(exports.remove(first), None);
        assert_eq!(exports.find(first), Exported::Gone);
        let (row, generation) = exports.insert(Object(8), Faults::NONE).unwrap();
        let second = describe(row, generation);
        assert_eq!((second.index, second.generation), (first.index, 2));
        assert_eq!(exports.find(first), Exported::Gone);
        assert_eq!(exports.remove(first), None);
        assert_eq!(exports.find(describe(row, 3)), Exported::Never);
        assert_eq!(exports.find(describe(9, 1)), Exported::Never);
        assert!(exports.insert(Object(9), Faults::NONE).is_some());
        assert_eq!(exports.insert(Object(10), Faults::NONE), None);
        assert_eq!(exports.len(), 2);
    }

    #[test]
    fn an_import_is_free_only_when_its_release_is_acknowledged() {
        let mut imports = Imports::<1>::NEW;
        let (node, session) = (NodeId(2), SessionId(3));
        let import = imports.insert(node, session, describe(0, 1)).unwrap();
        assert!(imports.is_full());
        assert_eq!(imports.next_order(Some(import)), Some(Order(0)));
        assert!(imports.release(import));
        assert!(!imports.release(import));
        assert_eq!(imports.descriptor(import), None);
        assert_eq!(imports.next_order(Some(import)), Some(Order(1)));
        assert_eq!(imports.insert(node, session, describe(1, 1)), None);
        assert_eq!(imports.releasing_from(0), Some((0, describe(0, 1))));
        assert!(!imports.released(describe(0, 2)));
        assert!(imports.released(describe(0, 1)));
        assert_eq!(imports.next_order(Some(import)), None);
        assert!(imports.insert(node, session, describe(1, 1)).is_some());
        assert_eq!(imports.len(), 1);
    }
}
