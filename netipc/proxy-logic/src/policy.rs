//! What may go from this machine to another: the description's rules, and nothing else, decide.
//!
//! Every capability that leaves has a component that lets it out, and every rule is about components and machines; how the proxy knows the component is in
//! `docs/proxy.md`, "Whose it is".

use isthmus_abi::ComponentId;
use isthmus_abi::startup::{PeerPolicy, Permission};
use netipc_protocol::{NodeId, limits};

/// The rules of this machine.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// `None`: there are none, and everything may.
    peers: Option<heapless::Vec<PeerPolicy, { limits::PEERS + 1 }>>,
}

impl Policy {
    /// As the description says; `None` if it has no rule.
    #[must_use]
    pub fn new(peers: Option<&[PeerPolicy]>) -> Self {
        // Those that there is no room for are refused everything, and are no peers anyway.
        let peers = peers.map(|peers| peers.iter().copied().take(limits::PEERS + 1).collect());
        Self { peers }
    }

    /// Whether a machine may have a capability that component `of` lets out.
    // [N48]
    #[must_use]
    pub fn may_export(&self, of: ComponentId, to: NodeId) -> bool {
        self.allows(to, |peer| peer.exports.contains(of))
    }

    /// Whether a machine may ask this one's naming.
    #[must_use]
    pub fn may_ask_names(&self, node: NodeId) -> bool {
        self.allows(node, |peer| peer.names == Permission::Granted)
    }

    /// Whether machine `by` may hand on to machine `to` what component `of` has let out: it may hand on at all, and `to` may have it.
    #[must_use]
    pub fn may_hand_on(&self, by: NodeId, of: ComponentId, to: NodeId) -> bool {
        self.allows(by, |peer| peer.hand_on == Permission::Granted) && self.may_export(of, to)
    }

    fn allows(&self, node: NodeId, what: impl FnOnce(&PeerPolicy) -> bool) -> bool {
        let Some(peers) = &self.peers else {
            return true;
        };
        // A machine of which no rule speaks may do nothing.
        let peer = peers.iter().find(|peer| peer.node == node.0);
        peer.is_some_and(what)
    }
}
