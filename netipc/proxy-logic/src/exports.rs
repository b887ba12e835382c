//! The capabilities of this machine that peers may use.

use isthmus_abi::ComponentId;
use netipc_protocol::{ExportId, NodeId, Object, limits};

/// Exports to all peers.
pub const EXPORTS: usize = limits::PEERS * limits::CAPABILITIES;

/// What objects stand for. `S` is the slot of the capability.
///
/// An object's number is never used again: a request of an old session cannot reach a new export. A slot is given back only
/// when no worker is about to call what lies in it.
#[derive(Debug)]
pub struct Exports<S, const N: usize = EXPORTS> {
    rows: [Row<S>; N],
}

#[derive(Debug)]
struct Row<S> {
    generation: u32,
    entry: Option<Entry<S>>,
}

#[derive(Debug)]
struct Entry<S> {
    slot: S,
    to: NodeId,
    /// Who has let it out.
    of: ComponentId,
    /// The protocol's name.
    export: Option<ExportId>,
    /// Workers that call it.
    pins: u16,
    /// Whether the peer may still use it.
    use_: Use,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Allowed,
    Over,
}

impl<S: Copy, const N: usize> Exports<S, N> {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            rows: [const {
                Row {
                    generation: 0,
                    entry: None,
                }
            }; N],
        }
    }

    /// An object for the capability in `slot`, which component `of` lets out; `None` if there is no room.
    pub fn insert(&mut self, to: NodeId, of: ComponentId, slot: S) -> Option<Object> {
        let index = self.rows.iter().position(|row| row.entry.is_none())?;
        let row = &mut self.rows[index];
        row.entry = Some(Entry {
            slot,
            to,
            of,
            export: None,
            pins: 0,
            use_: Use::Allowed,
        });
        Some(Object(u64::from(row.generation) << 32 | index as u64))
    }

    /// What the protocol calls an object.
    pub fn name(&mut self, object: Object, export: ExportId) {
        if let Some(entry) = self.entry(object) {
            entry.export = Some(export);
        }
    }

    /// What peers may use: each object with its slot and the protocol's name.
    pub fn live(&self) -> impl Iterator<Item = (Object, S, ExportId)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(index, row)| {
            let entry = row.entry.as_ref()?;
            let object = Object(u64::from(row.generation) << 32 | index as u64);
            let live = entry.use_ == Use::Allowed;
            Some((object, entry.slot, entry.export?)).filter(|_| live)
        })
    }

    /// Exports that a peer may still use.
    #[must_use]
    pub fn len(&self) -> usize {
        let entries = self.rows.iter().filter_map(|row| row.entry.as_ref());
        entries.filter(|entry| entry.use_ == Use::Allowed).count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Who has let an object out.
    #[must_use]
    pub fn origin(&self, object: Object) -> Option<ComponentId> {
        let row = self.rows.get(index_of(object))?;
        let entry = row.entry.as_ref()?;
        (row.generation == generation_of(object)).then_some(entry.of)
    }

    /// Where an object's capability lies, unless the export is over.
    #[must_use]
    pub fn find(&self, object: Object) -> Option<S> {
        let row = self.rows.get(index_of(object))?;
        let entry = row.entry.as_ref()?;
        (row.generation == generation_of(object) && entry.use_ == Use::Allowed)
            .then_some(entry.slot)
    }

    /// A worker is going to call an object: the slot, which stays as it is until the [unpin](Self::unpin).
    pub fn pin(&mut self, object: Object) -> Option<S> {
        let entry = self.entry(object)?;
        if entry.use_ == Use::Over {
            return None;
        }
        entry.pins += 1;
        Some(entry.slot)
    }

    /// A worker has called. Answers a slot to be freed, if the export is over.
    #[must_use = "a slot that is not freed is lost"]
    pub fn unpin(&mut self, object: Object) -> Option<S> {
        let entry = self.entry(object)?;
        entry.pins = entry.pins.saturating_sub(1);
        self.clear(object)
    }

    /// An export is over. Answers its slot, to be freed, unless a worker still needs it.
    #[must_use = "a slot that is not freed is lost"]
    pub fn remove(&mut self, object: Object) -> Option<S> {
        self.entry(object)?.use_ = Use::Over;
        self.clear(object)
    }

    /// Every export to a node is over: each slot that can be freed.
    pub fn end(&mut self, to: NodeId) -> impl Iterator<Item = S> {
        self.rows.iter_mut().filter_map(move |row| {
            let entry = row.entry.as_mut().filter(|entry| entry.to == to)?;
            entry.use_ = Use::Over;
            row.clear()
        })
    }

    fn entry(&mut self, object: Object) -> Option<&mut Entry<S>> {
        self.row(object)?.entry.as_mut()
    }

    fn clear(&mut self, object: Object) -> Option<S> {
        self.row(object)?.clear()
    }

    fn row(&mut self, object: Object) -> Option<&mut Row<S>> {
        let row = self.rows.get_mut(index_of(object))?;
        (row.generation == generation_of(object)).then_some(row)
    }
}

const fn index_of(object: Object) -> usize {
    (object.0 & u32::MAX as u64) as usize
}

const fn generation_of(object: Object) -> u32 {
    (object.0 >> 32) as u32
}

impl<S: Copy> Row<S> {
    /// Empties the row if nobody needs it.
    fn clear(&mut self) -> Option<S> {
        let entry = self
            .entry
            .take_if(|entry| entry.use_ == Use::Over && entry.pins == 0)?;
        self.generation = self.generation.wrapping_add(1);
        Some(entry.slot)
    }
}

impl<S: Copy, const N: usize> Default for Exports<S, N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(2);
    const B: NodeId = NodeId(3);
    const SOMEBODY: ComponentId = ComponentId(4);

    #[test]
    fn an_object_is_never_another_one() {
        let mut exports = Exports::<u32, 2>::new();
        let first = exports.insert(A, SOMEBODY, 10).unwrap();
        assert_eq!(exports.remove(first), Some(10));
        assert_eq!(exports.remove(first), None);
        let second = exports.insert(A, SOMEBODY, 11).unwrap();
        assert_ne!(first, second);
        assert_eq!(exports.pin(first), None);
        assert_eq!(exports.pin(second), Some(11));
        assert_eq!(
            (exports.find(first), exports.find(second)),
            (None, Some(11))
        );
        assert!(exports.insert(A, SOMEBODY, 12).is_some());
        assert_eq!(exports.insert(A, SOMEBODY, 13), None);
        assert_eq!(exports.pin(Object(u64::MAX)), None);
    }

    #[test]
    fn a_slot_outlives_its_export_while_a_worker_needs_it() {
        let mut exports = Exports::<u32, 2>::new();
        let object = exports.insert(A, SOMEBODY, 10).unwrap();
        assert_eq!(exports.pin(object), Some(10));
        assert_eq!(exports.pin(object), Some(10));
        assert_eq!(exports.remove(object), None);
        assert_eq!(exports.pin(object), None);
        assert_eq!(exports.unpin(object), None);
        assert_eq!(exports.unpin(object), Some(10));
        assert_eq!(exports.unpin(object), None);
    }

    #[test]
    fn with_a_session_go_its_exports_only() {
        let mut exports = Exports::<u32, 4>::new();
        let pinned = exports.insert(A, SOMEBODY, 10).unwrap();
        let other = exports.insert(B, ComponentId(5), 11).unwrap();
        assert_eq!(exports.origin(pinned), Some(SOMEBODY));
        assert_eq!(exports.origin(other), Some(ComponentId(5)));
        let _ = exports.insert(A, SOMEBODY, 12).unwrap();
        assert_eq!(exports.pin(pinned), Some(10));
        assert!(exports.end(A).eq([12]));
        assert_eq!(exports.pin(other), Some(11));
        assert_eq!(exports.unpin(pinned), Some(10));
    }
}
