//! Typed capabilities on the target: making them for clients, and signalling.

use isthmus_abi::EndpointBadge;
use isthmus_interface::{Cap, Notification};
use sel4::{CapRights, MessageInfoBuilder, cap};

use crate::calls::Kernel;
use crate::service::Service;
use crate::slots::{self, Exhausted};

impl Service {
    /// A capability that leads here with `badge`, to be given away: it can be called and passed on, and nothing else. `K` is what the
    /// server means by it: `dyn Kv`.
    pub fn mint<K: ?Sized>(self, badge: EndpointBadge) -> Result<Cap<K>, Exhausted> {
        let slot = slots::allocate()?;
        let minted = Kernel::owned(slot);
        let source = slots::absolute(isthmus_abi::Slot(self.endpoint().bits() as u32));
        let rights = CapRights::new(false, true, false, true);
        // The slot is empty and the endpoint is ours: a refusal means that the kernel has no memory for it, as little as slots.
        slots::absolute(slot)
            .mint(&source, rights, badge.bits())
            .map_err(|_| Exhausted)?;
        Ok(Cap::new(minted))
    }
}

/// What can be signalled.
pub trait Signal {
    /// Signals it, and never waits: what turns out to be no notification hears nothing.
    fn signal(&self);
}

impl Signal for Cap<Notification> {
    fn signal(&self) {
        // A plain signal of what is in truth an endpoint would wait for somebody to receive it.
        let endpoint: cap::Endpoint = slots::cap(self.slot());
        endpoint.nb_send(MessageInfoBuilder::default().build());
    }
}
