//! The imports of this machine: what a badge's node and row stand for, and which slots hold its capabilities.

use heapless::Vec;
use isthmus_abi::ComponentId;
use isthmus_abi::runs::Run;
use netipc_protocol::{NodeId, limits};

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<I> {
    /// A living import.
    Live(I),
    /// Its session has ended; clients may still have capabilities.
    Ended,
    /// It was given back: no client has a capability.
    Never,
}

/// For whom an import was made: a run of a component, with which it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The component.
    pub component: ComponentId,
    /// Which of its runs.
    pub run: Run,
}

impl Owner {
    /// Nobody that could end.
    pub const NOBODY: Self = Self {
        component: ComponentId::ROOT_TASK,
        run: Run::UNTOLD,
    };
}

/// The rows of every peer. `I` is an import, `S` what holds its capabilities: the row keeps it for its next import.
#[derive(Debug)]
pub struct Imports<I, S> {
    peers: Vec<Peer<I, S>, { limits::PEERS }>,
}

#[derive(Debug)]
struct Peer<I, S> {
    node: NodeId,
    rows: [Row<I, S>; limits::CAPABILITIES],
}

#[derive(Debug)]
struct Row<I, S> {
    standing: Standing<I>,
    owner: Owner,
    slots: Option<S>,
}

/// What the row of a new import holds from its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left<S> {
    /// It was never used.
    Nothing,
    /// These slots, and they are empty.
    Empty(S),
    /// These slots, and capabilities to be revoked first.
    Stale(S),
}

impl<I: Copy + PartialEq, S: Copy> Imports<I, S> {
    /// Of no peer.
    #[must_use]
    pub const fn new() -> Self {
        Self { peers: Vec::new() }
    }

    /// From these peers; those beyond [`limits::PEERS`] have no rows.
    pub fn begin(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        self.peers.clear();
        for node in nodes {
            let rows = [const {
                Row {
                    standing: Standing::Never,
                    owner: Owner::NOBODY,
                    slots: None,
                }
            }; limits::CAPABILITIES];
            if self.peers.push(Peer { node, rows }).is_err() {
                return;
            }
        }
    }

    /// What a badge's row stands for.
    #[must_use]
    pub fn find(&self, node: NodeId, row: u16) -> Standing<I> {
        let peer = self.peers.iter().find(|peer| peer.node == node);
        let row = peer.and_then(|peer| peer.rows.get(usize::from(row)));
        row.map_or(Standing::Never, |row| row.standing)
    }

    /// What the row of a new import still holds. It must be empty before the row is [placed](Self::place) again.
    #[must_use]
    pub fn left(&self, node: NodeId, row: u16) -> Left<S> {
        let peer = self.peers.iter().find(|peer| peer.node == node);
        match peer.and_then(|peer| peer.rows.get(usize::from(row))) {
            Some(Row {
                slots: Some(slots),
                standing,
                ..
            }) => match standing {
                Standing::Never => Left::Empty(*slots),
                _ => Left::Stale(*slots),
            },
            _ => Left::Nothing,
        }
    }

    /// The capabilities of a new import, made for `owner`, lie in `slots`.
    pub fn place(&mut self, node: NodeId, row: u16, import: I, owner: Owner, slots: S) {
        if let Some(place) = self.row(node, row) {
            *place = Row {
                standing: Standing::Live(import),
                owner,
                slots: Some(slots),
            };
        }
    }

    /// For whom a living import was made.
    #[must_use]
    pub fn owner(&self, node: NodeId, row: u16) -> Option<Owner> {
        let peer = self.peers.iter().find(|peer| peer.node == node)?;
        let row = peer.rows.get(usize::from(row))?;
        matches!(row.standing, Standing::Live(_)).then_some(row.owner)
    }

    /// A living import of `from` is `to`'s from now on. `false`: it is not `from`'s.
    pub fn entrust(&mut self, node: NodeId, row: u16, from: ComponentId, to: Owner) -> bool {
        if self.owner(node, row).map(|owner| owner.component) != Some(from) {
            return false;
        }
        if let Some(place) = self.row(node, row) {
            place.owner = to;
        }
        true
    }

    /// A living import is given up: its slots, to be revoked.
    pub fn release(&mut self, node: NodeId, row: u16, import: I) -> Option<S> {
        let place = self.row(node, row)?;
        if place.standing != Standing::Live(import) {
            return None;
        }
        place.standing = Standing::Never;
        place.slots
    }

    /// Living imports.
    #[must_use]
    pub fn len(&self) -> usize {
        let rows = self.peers.iter().flat_map(|peer| &peer.rows);
        rows.filter(|row| matches!(row.standing, Standing::Live(_)))
            .count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives up every living import that was made for a run that is over, where `now` says which run of a component there is. `with` is given each, and its slots, to be revoked.
    // [N49]
    pub fn release_orphans(
        &mut self,
        now: impl Fn(ComponentId) -> Run,
        mut with: impl FnMut(I, Option<S>),
    ) {
        for row in self.peers.iter_mut().flat_map(|peer| &mut peer.rows) {
            let Standing::Live(import) = row.standing else {
                continue;
            };
            if row.owner.run.is_over(now(row.owner.component)) {
                row.standing = Standing::Never;
                with(import, row.slots);
            }
        }
    }

    /// The session with a node has ended.
    pub fn end(&mut self, node: NodeId) {
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.node == node) {
            for row in &mut peer.rows {
                if matches!(row.standing, Standing::Live(_)) {
                    row.standing = Standing::Ended;
                }
            }
        }
    }

    fn row(&mut self, node: NodeId, row: u16) -> Option<&mut Row<I, S>> {
        let peer = self.peers.iter_mut().find(|peer| peer.node == node)?;
        peer.rows.get_mut(usize::from(row))
    }
}

impl<I: Copy + PartialEq, S: Copy> Default for Imports<I, S> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(2);
    const B: NodeId = NodeId(3);
    const US: Owner = Owner::NOBODY;

    #[test]
    fn a_row_is_revoked_before_it_is_used_again() {
        let mut imports = Imports::<&str, u32>::new();
        imports.begin([A, B]);
        assert_eq!(imports.find(A, 5), Standing::Never);
        assert_eq!(imports.left(A, 5), Left::Nothing);
        imports.place(A, 5, "first", US, 70);
        imports.place(B, 5, "other", US, 80);
        assert_eq!(imports.find(A, 5), Standing::Live("first"));
        imports.end(A);
        assert_eq!(imports.find(A, 5), Standing::Ended);
        assert_eq!(imports.find(B, 5), Standing::Live("other"));
        assert_eq!(imports.left(A, 5), Left::Stale(70));
        imports.place(A, 5, "second", US, 70);
        assert_eq!(imports.release(A, 5, "first"), None);
        assert_eq!(imports.release(A, 5, "second"), Some(70));
        assert_eq!(imports.find(A, 5), Standing::Never);
        assert_eq!(imports.left(A, 5), Left::Empty(70));
    }

    #[test]
    fn only_its_owner_entrusts_an_import() {
        let [server, client] = [5, 6].map(|id| Owner {
            component: ComponentId(id),
            run: Run::UNTOLD,
        });
        let mut imports = Imports::<&str, u32>::new();
        imports.begin([A]);
        imports.place(A, 1, "fetched", server, 70);
        assert_eq!(imports.owner(A, 1), Some(server));
        assert!(!imports.entrust(A, 1, client.component, client));
        assert!(imports.entrust(A, 1, server.component, client));
        assert_eq!(imports.owner(A, 1), Some(client));
        assert!(
            !imports.entrust(A, 2, server.component, client),
            "nothing is there"
        );
        imports.end(A);
        assert_eq!(imports.owner(A, 1), None);
    }

    #[test]
    fn strangers_have_no_rows() {
        let mut imports = Imports::<&str, u32>::new();
        imports.begin((2..40).map(NodeId));
        imports.place(NodeId(39), 0, "beyond the limit", US, 1);
        imports.place(A, u16::MAX, "beyond the table", US, 1);
        assert_eq!(imports.find(NodeId(39), 0), Standing::Never);
        assert_eq!(imports.find(A, u16::MAX), Standing::Never);
        assert_eq!(imports.left(NodeId(1), 0), Left::Nothing);
    }
}
