//! What a component of this machine asks the netipc proxy itself for: a way to another machine, and figures.
//!
//! Calls *through* an import are no calls of this interface: they go to the server on the other machine, and have its labels.
//! The proxy answers each of these at once, from what it knows; none waits for a peer. A second interface, [`Homes`], is about who owns what in the
//! cluster; there some wait for a majority of the voters.
//!
//! Read next: `docs/proxy.md`; `netipc-proxy` answers them.
#![no_std]
#![forbid(unsafe_code)]

mod lent;
mod ownership;
pub mod ring;
mod statistics;

use isthmus_interface::{Anything, Caller, Cap, Later, error_codes, interface};
use memory_interface::MemoryObject;

pub use lent::{Access, Loan, LoanClient, LoanError, Terms, loan};
pub use ownership::{Agreed, Home, HomeId, Homes, HomesClient, HomesError, homes};
pub use statistics::Statistics;

error_codes! {
    /// Why the proxy does not do what it is asked for.
    pub enum NetipcError {
        /// No machine of this number is a peer of this one.
        NoSuchPeer = 1, "no machine of this number is a peer";
        /// The capability is no import from another machine.
        NotAnImport = 2, "the capability is no import from another machine";
        /// The description has no channel between the caller and the proxy, or too many components have one.
        NoRing = 3, "there is no ring of calls between the caller and netipc: add a [[channel]]";
        /// As many capabilities are registered as may be, or no slot is left.
        TooMany = 4, "too many capabilities are registered";
        /// No capability is registered under this number.
        NotRegistered = 5, "no capability is registered under this number";
        /// Calls are out through the capability.
        Busy = 6, "calls are out through the capability";
        /// The capability is one to the proxy's own interface, which answers plain calls only.
        NotCallable = 7, "the proxy's own calls are not made through its rings";
        /// The import was made for another component than the caller.
        NotTheCallers = 8, "the import was made for another component";
        /// The proxy cannot map the object: it is none, or mapped by the proxy already, or more than the proxy's `memory`.
        NoMemory = 9, "netipc cannot map the object: it is in use there, or `memory` in its description is too little";
        /// The object is not so long, or there are no bytes.
        OutOfRange = 10, "the object is not so long";
        /// The capability is no loan of the caller's.
        NotALoan = 11, "the capability is no loan of the caller's";
    }
}

/// The proxy's own calls.
#[interface(name = "netipc")]
pub trait Netipc {
    /// A capability to another machine's naming. It leads there in every session, and calling it opens one.
    #[method(0)]
    fn peer(&mut self, caller: Caller, node: u8) -> Result<Cap<Anything>, NetipcError>;

    /// Gives an import back, with every copy of it: the exporter will know. Calls that were made through it go on.
    #[method(1)]
    fn release(&mut self, import: Cap<Anything>) -> Result<(), NetipcError>;

    /// What the proxy has done since its start.
    #[method(2)]
    fn statistics(&mut self) -> Result<Statistics, NetipcError>;

    /// The caller has started, and has a ring of calls: what an earlier start has submitted and registered is forgotten. Use `netipc-client`.
    #[method(3)]
    fn open(&mut self, caller: Caller) -> Result<(), NetipcError>;

    /// The number for submissions through a capability: an import, or one of this machine.
    #[method(4)]
    fn register(&mut self, caller: Caller, capability: Cap<Anything>) -> Result<u16, NetipcError>;

    /// Forgets a capability.
    #[method(5)]
    fn unregister(&mut self, caller: Caller, number: u16) -> Result<(), NetipcError>;

    /// The caller has taken capabilities back (`Lent::revoke` in the runtime), and with that alone no call through them comes any more. This has the machines told
    /// that had them. The number is for [`unconfirmed`](Netipc::unconfirmed). Nothing waits for a peer.
    #[method(6)]
    fn revoked(&mut self) -> Result<u64, NetipcError>;

    /// Of the exports that were found revoked up to a number of [`revoked`](Netipc::revoked): how many are not yet confirmed to be gone on the machines that had them. A machine
    /// that is lost confirms by that.
    #[method(7)]
    fn unconfirmed(&mut self, number: u64) -> Result<u64, NetipcError>;

    /// An import that was made for the caller is `component`'s from now on: with that one it ends, and that one is responsible for what goes out through it. For servers that fetch
    /// capabilities for others, as naming does.
    #[method(8)]
    fn entrust(
        &mut self,
        caller: Caller,
        component: u8,
        import: Cap<Anything>,
    ) -> Result<(), NetipcError>;

    /// Lends bytes of a memory object. The capability is given along with a call, which may go to another machine, and to this one as well; the server there fetches
    /// from it and stores into it ([`Loan`]). Use `netipc-client`.
    #[method(9)]
    fn lend(
        &mut self,
        caller: Caller,
        object: Cap<MemoryObject>,
        offset: u64,
        length: u64,
        access: Access,
        later: Later<Cap<dyn Loan>, NetipcError>,
    );

    /// Takes a loan back: whoever has the capability has nothing, and calls that it was given with and that are still out are cancelled. With the answer nobody writes
    /// to the memory any more.
    #[method(10)]
    fn reclaim(&mut self, caller: Caller, loan: Cap<Anything>, later: Later<(), NetipcError>);
}

#[cfg(test)]
mod tests {
    use super::*;
    use isthmus_interface::abi::{Label, Slot};
    use isthmus_interface::loopback::Ledger;
    use isthmus_interface::{Answer, Capability, Request};

    struct Proxy;

    impl Netipc for Proxy {
        fn peer(&mut self, _: Caller, node: u8) -> Result<Cap<Anything>, NetipcError> {
            match node {
                2 => Ok(Slot(7).into()),
                _ => Err(NetipcError::NoSuchPeer),
            }
        }

        fn release(&mut self, _import: Cap<Anything>) -> Result<(), NetipcError> {
            Err(NetipcError::NotAnImport)
        }

        fn statistics(&mut self) -> Result<Statistics, NetipcError> {
            Ok(Statistics::default())
        }

        fn open(&mut self, _caller: Caller) -> Result<(), NetipcError> {
            Err(NetipcError::NoRing)
        }

        fn register(&mut self, _: Caller, _: Cap<Anything>) -> Result<u16, NetipcError> {
            Err(NetipcError::NoRing)
        }

        fn unregister(&mut self, _: Caller, _: u16) -> Result<(), NetipcError> {
            Err(NetipcError::NoRing)
        }

        fn revoked(&mut self) -> Result<u64, NetipcError> {
            Ok(1)
        }

        fn unconfirmed(&mut self, _: u64) -> Result<u64, NetipcError> {
            Ok(0)
        }

        fn entrust(&mut self, _: Caller, _: u8, _: Cap<Anything>) -> Result<(), NetipcError> {
            Err(NetipcError::NotAnImport)
        }

        fn lend(
            &mut self,
            _: Caller,
            _: Cap<MemoryObject>,
            _: u64,
            _: u64,
            _: Access,
            later: Later<Cap<dyn Loan>, NetipcError>,
        ) {
            later.answer(Err(NetipcError::NoMemory));
        }

        fn reclaim(&mut self, _: Caller, _: Cap<Anything>, later: Later<(), NetipcError>) {
            later.answer(Err(NetipcError::NotALoan));
        }
    }

    #[test]
    fn a_peer_is_answered_with_a_capability_and_nobody_else_is() {
        for (node, label, capability) in [
            (2, Label::REPLY, Some(Slot(7))),
            (3, Label::REPLY_ERROR, None),
        ] {
            let mut answer = Answer::new();
            let mut request = Request {
                label: netipc::LABELS[0],
                words: &[node],
                badge: 1,
                capability: None,
                system: &Ledger,
            };
            let _ = netipc::dispatch(&mut Proxy, &mut request, &mut answer);
            assert_eq!(answer.label(), label);
            assert_eq!(answer.capability().map(Capability::slot), capability);
        }
    }
}
