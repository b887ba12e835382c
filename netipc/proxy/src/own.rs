//! The proxy's own interface, `netipc-interface`: answered at once, from what it knows.

use isthmus_abi::limits::MESSAGE_WORDS;
use isthmus_abi::{ComponentId, Label};
use isthmus_runtime::calls::{fetch, stage};
use isthmus_runtime::interface::Caller as From;
use isthmus_runtime::interface::{Answer, Anything, Cap, Capability, Disposition, Later, Request};
use isthmus_runtime::memory::ObjectCap;
use isthmus_runtime::sel4::with_ipc_buffer;
use isthmus_runtime::{Incoming, Kernel, service, slots};
use netipc_interface::{Access, Loan, Netipc, NetipcError, Statistics, homes, netipc};
use netipc_protocol::NodeId;
use netipc_proxy_logic::Caller;
use netipc_proxy_logic::imports::Standing;
use network_interface::calls::network;

use crate::capability::Capabilities;
use crate::proxy::Proxy;
use crate::runs::has_ended;

impl Proxy {
    /// Answers a call of the proxy's own interface.
    pub(crate) fn answer_own(&mut self, message: &Incoming) {
        answer_with(message, |request, answer| match self.link.port() {
            Some(port) if network::knows(request.label) => network::dispatch(port, request, answer),
            _ if homes::knows(request.label) => homes::dispatch(self, request, answer),
            _ => netipc::dispatch(self, request, answer),
        });
    }
}

/// Has a message to the proxy itself answered by a typed interface's `dispatch`.
pub fn answer_with(
    message: &Incoming,
    dispatch: impl FnOnce(&mut Request<'_>, &mut Answer) -> Disposition,
) {
    let mut buffer = [0; MESSAGE_WORDS];
    let mut request = Request {
        label: Label::from_bits(message.info.label()),
        words: fetch(message.words, message.info.length(), &mut buffer),
        badge: message.badge_bits,
        capability: held(message),
        system: &Kernel,
    };
    let mut answer = Answer::new();
    let disposition = dispatch(&mut request, &mut answer);
    slots::discard_received();
    if disposition == Disposition::Reply {
        let capability = answer.capability().map(Capability::slot);
        let (info, first) = stage(answer.label(), answer.words(), capability);
        service::reply(info, first);
    }
}

/// A capability of a message to the proxy itself: it stays in the receive slot, which is emptied when the message is answered.
fn held(message: &Incoming) -> Option<Capability> {
    match (message.info.extra_caps(), message.info.caps_unwrapped()) {
        (0, _) => None,
        (_, 0) => Some(Capability::in_slot(slots::receive_slot())),
        // Of the proxy's own any number arrive, beside one of another's: which badges are of this message is not to be guessed at.
        (2.., _) => None,
        _ => Some(Capability::own(with_ipc_buffer(|buffer| {
            buffer.caps_or_badges()[0].get()
        }))),
    }
}

impl Netipc for Proxy {
    fn peer(&mut self, caller: From, node: u8) -> Result<Cap<Anything>, NetipcError> {
        let (node, component) = (NodeId(node), caller.client());
        if !self.peers.contains(&node) {
            return Err(NetipcError::NoSuchPeer);
        }
        let bootstraps = &mut self.tables.bootstraps;
        let mut made = bootstraps.iter();
        if let Some((.., capabilities)) =
            made.find(|(peer, of, _)| (*peer, *of) == (node, component))
        {
            return Ok(capabilities.delivered().into());
        }
        let capabilities = Capabilities::allocate().map_err(|_| NetipcError::TooMany)?;
        let badge = Caller::Bootstrap(node, component).badge();
        // The slots are empty, so it does not fail; and there is a row for every component.
        capabilities
            .mint(self.service, badge)
            .map_err(|_| NetipcError::TooMany)?;
        bootstraps
            .push((node, component, capabilities))
            .map_err(|_| NetipcError::TooMany)?;
        Ok(capabilities.delivered().into())
    }

    fn release(&mut self, import: Cap<Anything>) -> Result<(), NetipcError> {
        let badge = import.own_badge().ok_or(NetipcError::NotAnImport)?;
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

    fn open(&mut self, caller: From) -> Result<(), NetipcError> {
        self.open_ring(caller.client())
    }

    fn register(&mut self, caller: From, capability: Cap<Anything>) -> Result<u16, NetipcError> {
        self.register_target(caller.client(), &capability)
    }

    fn unregister(&mut self, caller: From, number: u16) -> Result<(), NetipcError> {
        self.forget_target(caller.client(), number)
    }

    fn lend(
        &mut self,
        caller: From,
        object: ObjectCap,
        offset: u64,
        length: u64,
        access: Access,
        later: Later<Cap<dyn Loan>, NetipcError>,
    ) {
        let range = (offset, length, access);
        self.begin_loan(caller.client(), &object, range, later);
    }

    fn reclaim(&mut self, caller: From, loan: Cap<Anything>, later: Later<(), NetipcError>) {
        self.end_loan(self.now(), caller.client(), &loan, later);
    }

    fn revoked(&mut self) -> Result<u64, NetipcError> {
        Ok(self.look_for_revoked())
    }

    fn unconfirmed(&mut self, number: u64) -> Result<u64, NetipcError> {
        Ok(self.tables.revocations.unconfirmed(number) as u64)
    }

    fn entrust(
        &mut self,
        caller: From,
        component: u8,
        import: Cap<Anything>,
    ) -> Result<(), NetipcError> {
        let badge = import.own_badge().ok_or(NetipcError::NotAnImport)?;
        let Caller::Import(node, row) = Caller::from_badge(badge) else {
            return Err(NetipcError::NotAnImport);
        };
        let to = self.owner(ComponentId(component));
        let imports = &mut self.tables.imports;
        if !imports.entrust(node, row, caller.client(), to) {
            return Err(NetipcError::NotTheCallers);
        }
        if has_ended(self.runs.as_ref(), to) {
            // Nobody would tell of its end again.
            return self.release(import);
        }
        Ok(())
    }

    fn statistics(&mut self) -> Result<Statistics, NetipcError> {
        Ok(self.figures())
    }
}
