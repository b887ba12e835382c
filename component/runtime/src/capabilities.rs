//! Typed capabilities on the target: making them for clients, and signalling.

use core::marker::PhantomData;

use isthmus_abi::{EndpointBadge, EventBit, Slot, limits};
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

/// A capability of this component's service, given away and to be taken back: [`revoke`](Self::revoke) is the kernel's revocation.
#[derive(Debug)]
pub struct Lent<K: ?Sized> {
    /// With all rights; never leaves this component. What was derived from it dies with it.
    parent: Slot,
    /// What is given away.
    copy: Slot,
    kind: PhantomData<fn() -> K>,
}

impl Service {
    /// As [`mint`](Self::mint), but to be taken back one day: takes two slots. To take it back from one client alone, lend each client one.
    /// The badge should be nobody else's.
    pub fn lend<K: ?Sized>(self, badge: EndpointBadge) -> Result<Lent<K>, Exhausted> {
        let parent = slots::allocate()?;
        let Ok(copy) = slots::allocate() else {
            slots::free(parent);
            return Err(Exhausted);
        };
        let lent = Lent {
            parent,
            copy,
            kind: PhantomData,
        };
        let source = slots::absolute(Slot(self.endpoint().bits() as u32));
        let given = CapRights::new(false, true, false, true);
        // The slots are empty and the endpoint is ours, as above.
        let made = slots::absolute(parent)
            .mint(&source, CapRights::all(), badge.bits())
            .and_then(|()| slots::absolute(copy).copy(&slots::absolute(parent), given));
        match made {
            Ok(()) => Ok(lent),
            Err(_) => {
                slots::free(copy);
                slots::free(parent);
                Err(Exhausted)
            }
        }
    }
}

impl<K: ?Sized> Lent<K> {
    /// What is given away: it can be called and passed on, and nothing else.
    #[must_use]
    pub fn capability(&self) -> Cap<K> {
        Cap::from(self.copy)
    }

    /// Takes it from everybody on this machine, at once, netipc included: so no call through it comes from any machine any more. A call that waits to be received is
    /// turned away; one that was received goes on. To have the other machines told, say `revoked` to netipc afterwards.
    pub fn revoke(self) {
        let parent = slots::absolute(self.parent);
        // In this order: without capabilities left nobody can queue anew. Neither fails: it is an endpoint with all rights.
        let _ = parent.revoke();
        let _ = parent.cancel_badged_sends();
        slots::free(self.copy);
        slots::free(self.parent);
    }
}

/// The event of this component's [`bell`]: the last bit, which no description reaches.
pub const BELL: EventBit = match EventBit::new(limits::EVENT_BITS as u8 - 1) {
    Some(bit) => bit,
    None => panic!("the last bit is one of them"),
};

const _: () = assert!(
    limits::EVENT_SOURCES + limits::INTERRUPTS + limits::THREADS < limits::EVENT_BITS,
    "the bits that a description gives out end below the bell's"
);

/// A capability to signal this component, to be given away: who has it can do nothing else with it. Each signal is the event [`BELL`]; several may merge.
pub fn bell() -> Result<Cap<Notification>, Exhausted> {
    let slot = slots::allocate()?;
    let minted = Kernel::owned(slot);
    let source = slots::absolute(isthmus_abi::slots::NOTIFICATION);
    slots::absolute(slot)
        .mint(&source, CapRights::write_only(), BELL.badge())
        .map_err(|_| Exhausted)?;
    Ok(Cap::new(minted))
}

/// What can be signalled.
pub trait Signal {
    /// Signals it, and never waits: what turns out to be no notification hears nothing.
    fn signal(&self);
}

impl Signal for Cap<Notification> {
    fn signal(&self) {
        // A plain signal of what is in truth an endpoint would wait for somebody to receive it. This does not, and an import hears it all the same:
        // the proxy stands above everybody who signals, so that whenever they run it waits for messages. To a notification the label is nothing.
        let endpoint: cap::Endpoint = slots::cap(self.slot());
        let label = isthmus_abi::Label::SIGNAL.bits();
        endpoint.nb_send(MessageInfoBuilder::default().label(label).build());
    }
}
