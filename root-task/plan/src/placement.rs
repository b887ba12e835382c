//! On which machines of a cluster a component runs.

use heapless::Vec;
use isthmus_abi::limits;
use serde::{Deserialize, Serialize};

/// One machine of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Here {
    /// This machine's number, from 1.
    pub node: u8,
    /// How many there are.
    pub nodes: u8,
}

impl Here {
    /// Every machine of every cluster that there may be.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=limits::NODES as u8)
            .flat_map(|nodes| (1..=nodes).map(move |node| Self { node, nodes }))
    }
}

/// The rule `on` of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// On every machine.
    All,
    /// On machine 1.
    First,
    /// On the machine with the highest number (machine 1, if it is alone).
    Last,
    /// On the machines with these numbers, so far as they exist.
    Nodes(Vec<u8, { limits::NODES }, u8>),
}

impl Placement {
    /// Whether the component runs on this machine.
    #[must_use]
    pub fn holds(&self, here: Here) -> bool {
        match self {
            Self::All => true,
            Self::First => here.node == 1,
            Self::Last => here.node == here.nodes,
            Self::Nodes(nodes) => nodes.contains(&here.node),
        }
    }
}
