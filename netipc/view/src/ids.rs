//! The numbers of the view, each its own type; sets of nodes.

use core::fmt;

use netipc_wire::NodeId;

use crate::limits::NODES;

macro_rules! number {
    ($(#[$meta:meta])* $name:ident($inner:ty)) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// Grows with every change of members and homes, over all histories that somebody remembers. 0 is before all of them.
    Epoch(u64)
}
number! {
    /// Raft's term: at most one leader each, within a history.
    Term(u64)
}
number! {
    /// A place in the log, from 1; 0 is before it.
    Index(u64)
}
number! {
    /// One life of the table, drawn at random by its founder; never 0.
    History(u64)
}
number! {
    /// One life of a replica, drawn at random; never 0. Seats are given to it.
    Incarnation(u64)
}
number! {
    /// What has an owner: an object's id, or a name's hash. Whoever makes them must make them unlikely to be equal by chance.
    Id(u128)
}
number! {
    /// Which request of a membership, from 1.
    Sequence(u64)
}
number! {
    /// Counts a leader's rounds of appends within its term.
    Round(u64)
}
number! {
    /// A point in time of the clock of whoever made it; others only give it back.
    Stamp(u64)
}
number! {
    /// The caller's own name for a request, given back with its answer.
    Token(u64)
}

/// Numbers that count. The last one has no next: only who lies comes there, and it is to harm nobody but by what it says.
macro_rules! counts {
    ($($name:ident)*) => {$(
        impl $name {
            /// The next one.
            #[must_use]
            pub(crate) const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }
    )*};
}

counts!(Epoch Index Round Sequence Term);

/// The table row of a node, if there can be such a node.
pub(crate) fn row(node: NodeId) -> Option<usize> {
    let row = usize::from(node.0).checked_sub(1)?;
    (row < NODES).then_some(row)
}

/// The node of a row below [`NODES`].
pub(crate) const fn node(row: usize) -> NodeId {
    NodeId(row as u8 + 1)
}

/// A set of nodes 1 to [`NODES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nodes(u8);

impl Nodes {
    /// None.
    pub const NONE: Self = Self(0);

    /// With this one; a node that cannot be is left out.
    #[must_use]
    pub fn with(self, node: NodeId) -> Self {
        Self(self.0 | bit(node))
    }

    /// Whether it is among them.
    #[must_use]
    pub fn contains(self, node: NodeId) -> bool {
        self.0 & bit(node) != 0
    }

    /// How many.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// They, rising.
    pub fn iter(self) -> impl Iterator<Item = NodeId> + use<> {
        (0..NODES)
            .map(node)
            .filter(move |node| self.contains(*node))
    }
}

impl FromIterator<NodeId> for Nodes {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        nodes.into_iter().fold(Self::NONE, Self::with)
    }
}

fn bit(node: NodeId) -> u8 {
    row(node).map_or(0, |row| 1 << row)
}
