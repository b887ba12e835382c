//! Naming's table, and its decision for each look-up: pure.
//!
//! A capability is whatever the shell names it by: the table hands back each one that it no longer needs, and never copies
//! one. It knows no kernel and calls nobody. Promises and bounds are in `docs/naming.md`; next: `naming-server`.
#![no_std]
#![forbid(unsafe_code)]

use heapless::Vec;
use isthmus_abi::ComponentId;
use naming_interface::{Name, NamingError, Path, Target};

/// Names of one machine.
pub const NAMES: usize = 64;
/// Names of one component.
pub const NAMES_OF_ONE: usize = 8;

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A component of this machine.
    Component(ComponentId),
    /// Another machine, through netipc's proxy.
    Peer,
}

/// What a look-up is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<C> {
    /// A copy of this capability.
    Give(C),
    /// A capability of that machine's naming, which is to be asked for the path from byte `consumed` on.
    Refer {
        /// The machine.
        node: u8,
        /// Bytes of the path that are dealt with.
        consumed: u8,
    },
}

#[derive(Debug)]
struct Entry<C> {
    name: Name,
    owner: ComponentId,
    capability: C,
}

/// The names of one machine.
#[derive(Debug)]
pub struct Names<C> {
    node: u8,
    nodes: u8,
    entries: Vec<Entry<C>, NAMES>,
}

/// The capability was not taken; here it is again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused<C> {
    /// Why.
    pub error: NamingError,
    /// To be deleted.
    pub capability: C,
}

impl<C: Copy> Names<C> {
    /// The empty table of machine `node` of `nodes`.
    #[must_use]
    pub const fn new(node: u8, nodes: u8) -> Self {
        Self {
            node,
            nodes,
            entries: Vec::new(),
        }
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Registers a name. Returns the capability that it stood for before, to be deleted.
    pub fn register(
        &mut self,
        asker: Asker,
        name: Name,
        capability: C,
    ) -> Result<Option<C>, Refused<C>> {
        let refused = |error| Err(Refused { error, capability });
        let Asker::Component(owner) = asker else {
            return refused(NamingError::NotPermitted);
        };
        if let Some(entry) = self.entries.iter_mut().find(|e| e.name == name) {
            if entry.owner != owner {
                return refused(NamingError::Exists);
            }
            return Ok(Some(core::mem::replace(&mut entry.capability, capability)));
        }
        if self.entries.iter().filter(|e| e.owner == owner).count() >= NAMES_OF_ONE {
            return refused(NamingError::TooMany);
        }
        match self.entries.push(Entry {
            name,
            owner,
            capability,
        }) {
            Ok(()) => Ok(None),
            Err(_) => refused(NamingError::TooMany),
        }
    }

    /// Takes a name back. Returns its capability, to be deleted.
    pub fn unregister(&mut self, asker: Asker, name: &Name) -> Result<C, NamingError> {
        let Asker::Component(owner) = asker else {
            return Err(NamingError::NotPermitted);
        };
        let at = self
            .entries
            .iter()
            .position(|e| e.name == *name)
            .ok_or(NamingError::NotFound)?;
        if self.entries[at].owner != owner {
            return Err(NamingError::NotPermitted);
        }
        Ok(self.entries.swap_remove(at).capability)
    }

    /// Decides a look-up. `after` is the number of the last peer that the asker was sent to.
    pub fn look_up(
        &self,
        asker: Asker,
        path: &Path,
        after: u8,
    ) -> Result<Decision<C>, NamingError> {
        match path.target() {
            Target::Anywhere(name) => match self.find(&name) {
                Some(capability) => Ok(Decision::Give(capability)),
                None => self.refer(asker, self.next_peer(after), 0),
            },
            Target::On { node, name, .. } if node == self.node => self
                .find(&name)
                .map(Decision::Give)
                .ok_or(NamingError::NotFound),
            Target::On { node, consumed, .. } => {
                let peer = Some(node).filter(|&node| node > after && node <= self.nodes);
                self.refer(asker, peer, consumed)
            }
            Target::Other => Err(NamingError::NotSupported),
        }
    }

    fn find(&self, name: &Name) -> Option<C> {
        self.entries
            .iter()
            .find(|e| e.name == *name)
            .map(|e| e.capability)
    }

    /// The next machine after `after` that is not this one.
    fn next_peer(&self, after: u8) -> Option<u8> {
        (after.saturating_add(1)..=self.nodes).find(|&node| node != self.node)
    }

    /// Only the machine's own components are sent on: a peer that was would send its client in a circle.
    fn refer(
        &self,
        asker: Asker,
        peer: Option<u8>,
        consumed: u8,
    ) -> Result<Decision<C>, NamingError> {
        match (asker, peer) {
            (Asker::Component(_), Some(node)) => Ok(Decision::Refer { node, consumed }),
            _ => Err(NamingError::NotFound),
        }
    }
}
