//! The proxy's own interface, `netipc-interface`: answered at once, from what it knows.

use isthmus_abi::limits::MESSAGE_WORDS;
use isthmus_abi::{Label, Slot};
use isthmus_runtime::calls::{fetch, stage};
use isthmus_runtime::interface::{Answer, Disposition, Request};
use isthmus_runtime::sel4::with_ipc_buffer;
use isthmus_runtime::{Incoming, service, slots};
use netipc_interface::{Netipc, NetipcError, Statistics, dispatch};
use netipc_protocol::NodeId;
use netipc_proxy_logic::Caller;
use netipc_proxy_logic::imports::Standing;

use crate::proxy::Proxy;

/// A capability of a message to the proxy itself.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    /// It lies there.
    Slot(Slot),
    /// It is one of the proxy's own endpoint, and this is its badge.
    Own(u64),
}

impl Proxy {
    /// Answers a call of the proxy's own interface.
    pub(crate) fn answer_own(&mut self, message: &Incoming) {
        let mut buffer = [0; MESSAGE_WORDS];
        let mut request = Request {
            label: Label::from_bits(message.info.label()),
            words: fetch(message.words, message.info.length(), &mut buffer),
            badge: message.badge_bits,
            capability: held(message),
        };
        let mut answer = Answer::new();
        let disposition = dispatch(self, &mut request, &mut answer);
        slots::discard_received();
        if disposition == Disposition::Reply {
            let capability = match answer.capability() {
                Some(Held::Slot(slot)) => Some(*slot),
                _ => None,
            };
            let (info, first) = stage(answer.label(), answer.words(), capability);
            service::reply(info, first);
        }
    }
}

fn held(message: &Incoming) -> Option<Held> {
    match (message.info.extra_caps(), message.info.caps_unwrapped()) {
        (0, _) => None,
        (_, 0) => Some(Held::Slot(slots::receive_slot())),
        _ => Some(Held::Own(with_ipc_buffer(|buffer| {
            buffer.caps_or_badges()[0].get()
        }))),
    }
}

impl Netipc for Proxy {
    type Capability = Held;

    fn peer(&mut self, _badge: u64, node: u8) -> Result<((), Held), NetipcError> {
        let mut peers = self.tables.bootstraps.iter();
        let (_, capabilities) = peers
            .find(|(peer, _)| *peer == NodeId(node))
            .ok_or(NetipcError::NoSuchPeer)?;
        Ok(((), Held::Slot(capabilities.delivered())))
    }

    fn release(&mut self, _badge: u64, capability: Held) -> Result<(), NetipcError> {
        let Held::Own(badge) = capability else {
            return Err(NetipcError::NotAnImport);
        };
        let Caller::Import(node, row) = Caller::from_badge(badge) else {
            return Err(NetipcError::NotAnImport);
        };
        match self.tables.imports.find(node, row) {
            Standing::Live(import) => {
                if let Some(capabilities) = self.tables.imports.release(node, row, import) {
                    capabilities.revoke();
                }
                self.protocol.release(self.now(), import);
                Ok(())
            }
            // It went with its session.
            Standing::Ended => Ok(()),
            Standing::Never => Err(NetipcError::NotAnImport),
        }
    }

    fn statistics(&mut self, _badge: u64) -> Result<Statistics, NetipcError> {
        Ok(self.figures())
    }
}
