//! Every kind of wrong message, to the proxy's own dispatch.

use isthmus_interface::mistreat::mistreat;
use isthmus_interface::{Anything, Caller, Cap};
use netipc_interface::{Netipc, NetipcError, Statistics, netipc};

struct Server;

impl Netipc for Server {
    fn peer(&mut self, _: Caller, _: u8) -> Result<Cap<Anything>, NetipcError> {
        Err(NetipcError::NoSuchPeer)
    }

    fn release(&mut self, import: Cap<Anything>) -> Result<(), NetipcError> {
        import
            .own_badge()
            .map(|_| ())
            .ok_or(NetipcError::NotAnImport)
    }

    fn statistics(&mut self) -> Result<Statistics, NetipcError> {
        Ok(Statistics::default())
    }

    fn open(&mut self, _: Caller) -> Result<(), NetipcError> {
        Err(NetipcError::NoRing)
    }

    fn register(&mut self, _: Caller, _: Cap<Anything>) -> Result<u16, NetipcError> {
        Ok(0)
    }

    fn unregister(&mut self, _: Caller, _: u16) -> Result<(), NetipcError> {
        Err(NetipcError::NotRegistered)
    }

    fn revoked(&mut self) -> Result<u64, NetipcError> {
        Ok(1)
    }

    fn unconfirmed(&mut self, _: u64) -> Result<u64, NetipcError> {
        Ok(0)
    }

    fn entrust(&mut self, _: Caller, _: u8, import: Cap<Anything>) -> Result<(), NetipcError> {
        import
            .own_badge()
            .map(|_| ())
            .ok_or(NetipcError::NotAnImport)
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(netipc::METHODS, |request, answer| {
        netipc::dispatch(&mut Server, request, answer)
    });
}
