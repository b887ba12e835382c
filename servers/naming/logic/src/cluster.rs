//! Where a path leads: to this machine, to another, or to the list of machines.

use naming_interface::{NODE, NamingError, Path};

use crate::{Asker, Client};

/// What a call is answered with: here, or by another machine's naming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place<T> {
    /// This.
    Here(T),
    /// That machine's naming has to be asked.
    There(Question),
}

/// Whom to ask, and for which path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The machine.
    pub node: u8,
    /// The path, from that machine's root.
    pub path: Path,
    /// Why that machine.
    pub why: Why,
}

/// Why a machine is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The path says so. Its answer is the answer.
    Mounted,
    /// It told that it has this cluster-wide name. If it has not, another may have it.
    Mirrored,
    /// The view of the cluster says that it owns this name. If it may not act as the owner, it says so.
    Owned {
        /// Since when: what it answers for an earlier epoch is not taken.
        epoch: u64,
    },
}

/// What the beginning of a path says.
pub(crate) enum Aim {
    /// Something of this view: of this machine, or of the cluster.
    View(Path),
    /// Something of this machine, and nothing else.
    Here(Path),
    /// Something of another machine, by its path from the same directory.
    There(u8, Path),
    /// The list of machines.
    Machines,
}

impl Aim {
    pub(crate) fn of(asker: &Asker, here: u8, nodes: u8, path: &Path) -> Result<Self, NamingError> {
        let mut parts = path.parts();
        if parts.next() != Some(NODE) {
            return Ok(match asker.client {
                Client::Component(_) => Self::View(path.clone()),
                Client::Peer => Self::Here(path.clone()),
            });
        }
        let Some(node) = parts.next() else {
            return Ok(Self::Machines);
        };
        let is_there = |node: &u8| *node == here || (1..=nodes).contains(node);
        let node = node.parse().ok().filter(is_there);
        let rest = Path::ROOT.join(parts).map_err(|_| NamingError::TooLong)?;
        match node.ok_or(NamingError::NotFound)? {
            node if node == here => Ok(Self::Here(rest)),
            // A machine that asks is not sent on: no machine is asked on another's behalf.
            _ if asker.client == Client::Peer => Err(NamingError::NotFound),
            node => Ok(Self::There(node, rest)),
        }
    }
}
