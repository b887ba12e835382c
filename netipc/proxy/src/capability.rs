//! The capabilities of an import: two slots, the parent and the copy that clients get.

use isthmus_abi::Slot;
use isthmus_runtime::Service;
use isthmus_runtime::sel4::{self, CapRights, CapRightsBuilder};
use isthmus_runtime::slots::{self, Exhausted, absolute};

/// Two slots for one import after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// All rights; never leaves the proxy. What was derived from it dies with it.
    parent: Slot,
    /// What is delivered.
    copy: Slot,
}

impl Capabilities {
    /// Takes two slots; both are empty.
    pub fn allocate() -> Result<Self, Exhausted> {
        let parent = slots::allocate()?;
        match slots::allocate() {
            Ok(copy) => Ok(Self { parent, copy }),
            Err(exhausted) => {
                slots::free(parent);
                Err(exhausted)
            }
        }
    }

    /// Makes the import's capabilities, in empty slots.
    pub fn mint(self, service: Service, badge: u64) -> Result<(), sel4::Error> {
        let ingress = absolute(isthmus_abi::slots::SERVICE);
        debug_assert!(service.endpoint().bits() == isthmus_abi::slots::SERVICE.bits());
        absolute(self.parent).mint(&ingress, CapRights::all(), badge)?;
        let result = absolute(self.copy).copy(&absolute(self.parent), delivered());
        if result.is_err() {
            // Deleting what was just made succeeds.
            let _ = absolute(self.parent).delete();
        }
        result
    }

    /// Gives the slots back, which are empty.
    pub fn free(self) {
        slots::free(self.copy);
        slots::free(self.parent);
    }

    /// What a client is given.
    pub const fn delivered(self) -> Slot {
        self.copy
    }

    /// Takes every copy away from everybody, and empties the slots. Whoever waits to send through one starts again, and finds
    /// nothing: so no message with this badge comes any more.
    pub fn revoke(self) {
        let parent = absolute(self.parent);
        // In this order: without capabilities left nobody can queue anew. None of these fails on a slot of ours that holds
        // an endpoint with all rights.
        let results = [
            parent.revoke(),
            parent.cancel_badged_sends(),
            parent.delete(),
        ];
        if results.iter().any(Result::is_err) {
            defmt::error!("netipc: an import could not be revoked");
        }
    }
}

/// A capability to the proxy's own endpoint, for its own threads.
pub fn ingress(badge: u64) -> Result<Slot, Exhausted> {
    let slot = slots::allocate()?;
    let service = absolute(isthmus_abi::slots::SERVICE);
    // The slot is empty, and the endpoint is ours.
    match absolute(slot).mint(&service, delivered(), badge) {
        Ok(()) => Ok(slot),
        Err(_) => Err(Exhausted),
    }
}

/// Write to call, Grant to be answered and to pass capabilities; never Read, for a client must not receive.
fn delivered() -> CapRights {
    CapRightsBuilder::none().write(true).grant(true).build()
}
