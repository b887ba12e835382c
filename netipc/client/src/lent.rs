//! Lending memory for a call.

use isthmus_runtime::Kernel;
use isthmus_runtime::abi::Slot;
use isthmus_runtime::interface::{CallError, Cap};
use isthmus_runtime::memory::ObjectCap;
use netipc_interface::{Access, Loan, NetipcClient, NetipcError};

/// Bytes of a memory object that are lent, until it is dropped: then nobody fetches from them or stores into them any more, wherever they were lent to.
///
/// Give [`capability`](Self::capability) along with a call (an argument of the kind `Cap<dyn Loan>`); the server on the other machine, or on this one, fetches and stores
/// through it. For a server on another machine the loan ends with that call. `docs/bulk.md` says what holds when somebody dies.
#[derive(Debug)]
pub struct Lent {
    netipc: Slot,
    capability: Cap<dyn Loan>,
}

impl Lent {
    /// Lends `length` bytes of an object, from byte `offset` on. `netipc` is the proxy's endpoint.
    ///
    /// # Errors
    /// The proxy's, if it cannot map the object; nothing is lent.
    pub fn new(
        netipc: Slot,
        object: &ObjectCap,
        (offset, length): (u64, u64),
        access: Access,
    ) -> Result<Self, CallError<NetipcError>> {
        let proxy = NetipcClient::new(Kernel, netipc);
        let capability = proxy.lend(object.alias(), offset, length, access)?;
        Ok(Self { netipc, capability })
    }

    /// What the server gets.
    #[must_use]
    pub const fn capability(&self) -> Cap<dyn Loan> {
        self.capability.alias()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Without the proxy nothing is lent.
        let loan = self.capability.alias().cast();
        let _ = NetipcClient::new(Kernel, self.netipc).reclaim(loan);
    }
}
