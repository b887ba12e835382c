//! Whose message it is: the badges of the proxy's one endpoint.

use isthmus_abi::limits::COMPONENTS;
use isthmus_abi::{ComponentId, EndpointBadge, badge};
use netipc_protocol::{NodeId, limits};

use crate::limits::{BORROWED as BORROWED_ROWS, LOANS};

/// Set in the badge of an import. No component's id is so high, so no badge of the root task's has it.
const IMPORT: u64 = 1 << (badge::ENDPOINT_BADGE_BITS - 1);
const NODE_SHIFT: u32 = 16;
const COMPONENT_SHIFT: u32 = 8;
const ROW_MASK: u64 = (1 << COMPONENT_SHIFT) - 1;

/// Those of imports from node 0, which is no machine.
const WORKER: u64 = IMPORT | 1;
const LOAN: u64 = IMPORT | 1 << COMPONENT_SHIFT;
const BORROWED: u64 = IMPORT | 2 << COMPONENT_SHIFT;

const _: () = assert!((COMPONENTS as u64) << badge::OBJECT_BITS < IMPORT);
const _: () = assert!(limits::CAPABILITIES < ROW_MASK as usize);
const _: () = assert!(LOANS <= ROW_MASK as usize);
const _: () = assert!(BORROWED_ROWS <= ROW_MASK as usize);

/// Through what a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The import of a node's naming that was made for a component.
    Bootstrap(NodeId, ComponentId),
    /// The import in this row of those from a node.
    Import(NodeId, u16),
    /// A worker of the proxy itself, which shows a capability.
    Worker,
    /// A loan of a component of this machine, by its row.
    Loan(u16),
    /// A loan of another machine's, by the row of the request that it came with.
    Borrowed(u16),
    /// The proxy's own interface.
    Local(EndpointBadge),
}

impl Caller {
    /// Reads the 28 bits of a badge.
    #[must_use]
    pub const fn from_badge(bits: u64) -> Self {
        if bits & IMPORT == 0 {
            return Self::Local(EndpointBadge::from_bits(bits));
        }
        if bits == WORKER {
            return Self::Worker;
        }
        let row = (bits & ROW_MASK) as u16;
        match bits & !ROW_MASK {
            LOAN => return Self::Loan(row),
            BORROWED => return Self::Borrowed(row),
            _ => {}
        }
        let node = NodeId((bits >> NODE_SHIFT) as u8);
        match bits & ROW_MASK {
            0 => Self::Bootstrap(node, ComponentId((bits >> COMPONENT_SHIFT) as u8)),
            row => Self::Import(node, (row - 1) as u16),
        }
    }

    /// The 28 bits that stand for it.
    #[must_use]
    pub const fn badge(self) -> u64 {
        match self {
            Self::Bootstrap(node, component) => {
                IMPORT | (node.0 as u64) << NODE_SHIFT | (component.0 as u64) << COMPONENT_SHIFT
            }
            Self::Import(node, row) => {
                IMPORT | (node.0 as u64) << NODE_SHIFT | (row as u64 + 1) & ROW_MASK
            }
            Self::Worker => WORKER,
            Self::Loan(row) => LOAN | row as u64 & ROW_MASK,
            Self::Borrowed(row) => BORROWED | row as u64 & ROW_MASK,
            Self::Local(badge) => badge.bits(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_badge_is_told_apart() {
        let rows = 0..limits::CAPABILITIES as u16;
        let imports = (1..=255).flat_map(|node| {
            let row = rows
                .clone()
                .map(move |row| Caller::Import(NodeId(node), row));
            let components = 0..=COMPONENTS as u8;
            let bootstrap =
                components.map(move |id| Caller::Bootstrap(NodeId(node), ComponentId(id)));
            row.chain(bootstrap)
        });
        let locals =
            (0..=COMPONENTS as u8).map(|id| Caller::Local(EndpointBadge::service(ComponentId(id))));
        let loans =
            (0..=ROW_MASK as u16).flat_map(|row| [Caller::Loan(row), Caller::Borrowed(row)]);
        let others = loans.chain([Caller::Worker]);
        for caller in imports.chain(locals).chain(others) {
            let badge = caller.badge();
            assert!(badge < 1 << badge::ENDPOINT_BADGE_BITS);
            assert_eq!(Caller::from_badge(badge), caller);
        }
    }
}
