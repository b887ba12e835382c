//! What we may use of a peer's, in one session.

mod offers;

use heapless::Deque;
use isthmus_abi::NotExecuted;
use netipc_wire::{Descriptor, Grant, NodeId, Order, SessionId};

use crate::coverage::{Observed, Part, passed};
use crate::exports::row_of;
use crate::time::Instant;
use crate::types::ImportId;

/// Rows of imports from one peer.
pub(crate) struct Imports<const ROWS: usize> {
    rows: [Row; ROWS],
    /// For each row of the peer's exports, up to which generation they are revoked.
    revoked: [u64; ROWS],
    /// Rows that were revoked, which the proxy does not know yet.
    news: Deque<u16, ROWS>,
    /// Rows whose release is not acknowledged.
    releasing: usize,
    /// Rows that no message has named: mostly none, and then they need not be looked for.
    offered: usize,
    /// Whether a row has begun to be released by itself, when what had kept it was over.
    let_go: bool,
    /// Never goes back, so that an old [`ImportId`] never fits a row again.
    serial: u64,
    /// Number of the next request to the peer's bootstrap export.
    bootstrap: Order,
}

#[derive(Clone, Copy)]
struct Row {
    state: State,
    descriptor: Descriptor,
    session: SessionId,
    serial: u64,
    /// Number of the next request to it.
    order: Order,
    /// What is on its way and names it: it is not released before.
    pins: u16,
    /// Given up here, but still pinned.
    given_up: bool,
    /// While it is offered: what will name it, in which session, and until when.
    offer: Option<(Grant, SessionId, Instant)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Live,
    /// Given up here; the exporter has not acknowledged it.
    Releasing,
    /// Revoked by the exporter; the proxy still has copies.
    Revoked,
    /// Offered by the exporter; no message has named it.
    Offered,
}

/// What came of a capability of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// It is here.
    Import(ImportId),
    /// It is revoked already.
    Revoked,
    /// There is no room.
    Full,
}

/// What the exporter is to be told about a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Nothing yet: there are copies.
    NotYet,
    /// That nobody has it.
    All(Descriptor),
}

/// What a release has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// It was over already, or something on its way still names it.
    Nothing,
    /// The exporter must be told.
    Begun,
    /// The last copy of what was revoked is gone.
    Revoked(Gone),
}

impl Row {
    const EMPTY: Self = Self {
        state: State::Free,
        descriptor: Descriptor::BOOTSTRAP,
        session: SessionId::NONE,
        serial: 0,
        order: Order(0),
        pins: 0,
        given_up: false,
        offer: None,
    };

    fn enter(&mut self, state: State) {
        passed(self.state, state);
        self.state = state;
    }
}

impl Observed for State {
    const PART: Part = Part::Import;

    fn place(self) -> usize {
        self as usize
    }
}

impl<const ROWS: usize> Imports<ROWS> {
    pub(crate) const NEW: Self = Self {
        rows: [Row::EMPTY; ROWS],
        revoked: [0; ROWS],
        news: Deque::new(),
        releasing: 0,
        offered: 0,
        let_go: false,
        serial: 0,
        bootstrap: Order(0),
    };

    /// For a new session: nothing imported.
    pub(crate) fn clear(&mut self) {
        self.rows.fill(Row::EMPTY);
        self.revoked.fill(0);
        self.news.clear();
        self.releasing = 0;
        self.offered = 0;
        self.let_go = false;
        self.bootstrap = Order(0);
    }

    /// Whether the exporter has revoked it.
    // [N35]
    pub(crate) fn is_revoked(&self, descriptor: Descriptor) -> bool {
        let floor = row_of(descriptor).and_then(|row| self.revoked.get(row));
        floor.is_some_and(|floor| descriptor.generation <= *floor)
    }

    /// A row for a capability that came.
    pub(crate) fn admit(
        &mut self,
        node: NodeId,
        session: SessionId,
        descriptor: Descriptor,
    ) -> Admitted {
        if self.is_revoked(descriptor) {
            return Admitted::Revoked;
        }
        // What cannot be remembered as revoked is not taken.
        if row_of(descriptor).is_none_or(|row| row >= ROWS) {
            return Admitted::Full;
        }
        let mut rows = self.rows.iter_mut().enumerate();
        let Some((index, row)) = rows.find(|(_, row)| row.state == State::Free) else {
            return Admitted::Full;
        };
        self.serial += 1;
        row.enter(State::Live);
        *row = Row {
            state: State::Live,
            descriptor,
            session,
            serial: self.serial,
            ..Row::EMPTY
        };
        Admitted::Import(ImportId {
            node,
            row: index as u16,
            session,
            serial: self.serial,
        })
    }

    /// The exporter's name for an import that can be used, or why it cannot.
    pub(crate) fn descriptor(&self, import: ImportId) -> Result<Descriptor, NotExecuted> {
        match self.row(import) {
            Some(row) if row.given_up => Err(NotExecuted::NoSuchObject),
            Some(row) => match row.state {
                State::Live => Ok(row.descriptor),
                State::Revoked => Err(NotExecuted::Revoked),
                State::Free | State::Releasing | State::Offered => Err(NotExecuted::NoSuchObject),
            },
            None => Err(NotExecuted::NoSuchObject),
        }
    }

    /// Takes the next order number of a request. A request that was queued before its import was given up still gets one.
    pub(crate) fn next_order(&mut self, target: Option<ImportId>) -> Option<Order> {
        let order = match target {
            None => &mut self.bootstrap,
            Some(import) => {
                let row = self.row_mut(import)?;
                if row.state == State::Free {
                    return None;
                }
                &mut row.order
            }
        };
        let number = *order;
        *order = number.next();
        Some(number)
    }

    /// Something that names it is on its way.
    pub(crate) fn pin(&mut self, import: ImportId) {
        if let Some(row) = self.row_mut(import) {
            row.pins += 1;
        }
    }

    /// That has come to its end.
    pub(crate) fn unpin(&mut self, import: ImportId) {
        let Some(row) = self.row_mut(import) else {
            return;
        };
        row.pins = row.pins.saturating_sub(1);
        if row.pins == 0 && row.given_up && row.state == State::Live {
            row.enter(State::Releasing);
            self.releasing += 1;
            self.let_go = true;
        }
    }

    /// Whether a release has begun by itself since it was last asked.
    pub(crate) fn take_let_go(&mut self) -> bool {
        core::mem::take(&mut self.let_go)
    }

    /// Gives an import up.
    pub(crate) fn release(&mut self, import: ImportId) -> Release {
        let Some(row) = self.row_mut(import) else {
            return Release::Nothing;
        };
        match row.state {
            State::Live if row.pins > 0 => {
                row.given_up = true;
                Release::Nothing
            }
            State::Live => {
                row.enter(State::Releasing);
                self.releasing += 1;
                Release::Begun
            }
            State::Revoked => {
                let descriptor = row.descriptor;
                row.enter(State::Free);
                Release::Revoked(self.gone(descriptor))
            }
            State::Free | State::Releasing | State::Offered => Release::Nothing,
        }
    }

    /// The exporter knows that it was given up.
    pub(crate) fn released(&mut self, descriptor: Descriptor) -> bool {
        let mut rows = self.rows.iter_mut();
        let releasing =
            |row: &&mut Row| row.state == State::Releasing && row.descriptor == descriptor;
        if let Some(row) = rows.find(releasing) {
            row.enter(State::Free);
            self.releasing -= 1;
            true
        } else {
            false
        }
    }

    /// The exporter has revoked it.
    pub(crate) fn revoke(&mut self, descriptor: Descriptor) -> Gone {
        if let Some(floor) = row_of(descriptor).and_then(|row| self.revoked.get_mut(row)) {
            *floor = descriptor.generation.max(*floor);
        }
        for (index, row) in self.rows.iter_mut().enumerate() {
            if row.descriptor != descriptor {
                continue;
            }
            match row.state {
                State::Live if row.given_up => row.enter(State::Free),
                State::Offered => {
                    row.enter(State::Free);
                    self.offered -= 1;
                }
                State::Live => {
                    row.enter(State::Revoked);
                    // Each row is in it once at most, for it is not free before the proxy knows.
                    let _ = self.news.push_back(index as u16);
                }
                State::Releasing => {
                    row.enter(State::Free);
                    self.releasing -= 1;
                }
                State::Free | State::Revoked => {}
            }
        }
        self.gone(descriptor)
    }

    fn gone(&self, descriptor: Descriptor) -> Gone {
        let mut rows = self.rows.iter();
        let left = rows.any(|row| row.state == State::Revoked && row.descriptor == descriptor);
        if left {
            Gone::NotYet
        } else {
            Gone::All(descriptor)
        }
    }

    /// Whether the proxy must be told of a revocation.
    pub(crate) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// The next import that was revoked.
    pub(crate) fn next_news(&mut self, node: NodeId) -> Option<ImportId> {
        let index = self.news.pop_front()?;
        let row = &self.rows[usize::from(index)];
        Some(ImportId {
            node,
            row: index,
            session: row.session,
            serial: row.serial,
        })
    }

    /// Whether a release is not acknowledged.
    pub(crate) const fn is_releasing(&self) -> bool {
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
            .find(|(_, row)| row.state == State::Releasing)
            .map(|(index, row)| (index, row.descriptor))
    }

    /// How many are in use, those not yet acknowledged as released included.
    pub(crate) fn len(&self) -> usize {
        let used = self.rows.iter().filter(|row| row.state != State::Free);
        used.count()
    }

    fn row(&self, import: ImportId) -> Option<&Row> {
        let row = self.rows.get(usize::from(import.row))?;
        (row.serial == import.serial && row.session == import.session).then_some(row)
    }

    fn row_mut(&mut self, import: ImportId) -> Option<&mut Row> {
        let row = self.rows.get_mut(usize::from(import.row))?;
        (row.serial == import.serial && row.session == import.session).then_some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exports::describe;

    const NODE: NodeId = NodeId(2);
    const SESSION: SessionId = SessionId(3);

    fn one() -> (Imports<1>, ImportId) {
        let mut imports = Imports::NEW;
        match imports.admit(NODE, SESSION, describe(0, 1)) {
            Admitted::Import(import) => (imports, import),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_import_is_free_only_when_its_release_is_acknowledged() {
        let (mut imports, import) = one();
        assert_eq!(imports.next_order(Some(import)), Some(Order(0)));
        assert_eq!(imports.release(import), Release::Begun);
        assert_eq!(imports.release(import), Release::Nothing);
        assert_eq!(imports.descriptor(import), Err(NotExecuted::NoSuchObject));
        assert_eq!(imports.next_order(Some(import)), Some(Order(1)));
        let next = describe(0, 2);
        assert_eq!(imports.admit(NODE, SESSION, next), Admitted::Full);
        assert_eq!(imports.releasing_from(0), Some((0, describe(0, 1))));
        assert!(!imports.released(next));
        assert!(imports.released(describe(0, 1)));
        assert_eq!(imports.next_order(Some(import)), None);
        assert!(matches!(
            imports.admit(NODE, SESSION, next),
            Admitted::Import(_)
        ));
        assert_eq!(imports.len(), 1);
    }

    #[test]
    fn what_is_revoked_never_comes_again() {
        let (mut imports, import) = one();
        let export = describe(0, 1);
        assert_eq!(imports.revoke(export), Gone::NotYet);
        assert_eq!(imports.revoke(export), Gone::NotYet);
        assert_eq!(imports.descriptor(import), Err(NotExecuted::Revoked));
        assert_eq!(imports.next_news(NODE), Some(import));
        assert!(!imports.has_news());
        assert_eq!(imports.release(import), Release::Revoked(Gone::All(export)));
        assert_eq!(imports.admit(NODE, SESSION, export), Admitted::Revoked);
        assert_eq!(imports.revoke(export), Gone::All(export));
        assert!(matches!(
            imports.admit(NODE, SESSION, describe(0, 2)),
            Admitted::Import(_)
        ));
    }

    #[test]
    fn what_is_on_its_way_is_not_released() {
        let (mut imports, import) = one();
        imports.pin(import);
        assert_eq!(imports.release(import), Release::Nothing);
        assert_eq!(imports.descriptor(import), Err(NotExecuted::NoSuchObject));
        assert!(!imports.is_releasing());
        imports.unpin(import);
        assert!(imports.is_releasing() && imports.take_let_go());
    }
}
