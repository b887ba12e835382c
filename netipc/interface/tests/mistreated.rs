//! Every kind of wrong message, to the proxy's own dispatch.

use isthmus_interface::mistreat::mistreat;
use isthmus_interface::{Anything, Caller, Cap, Later, Notification};
use memory_interface::MemoryObject;
use netipc_interface::{
    Access, Agreed, Home, HomeId, Homes, HomesError, Loan, LoanError, Netipc, NetipcError,
    Statistics, Terms, homes, loan, netipc,
};

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

    fn lend(
        &mut self,
        _: Caller,
        object: Cap<MemoryObject>,
        _: u64,
        _: u64,
        _: Access,
        later: Later<Cap<dyn Loan>, NetipcError>,
    ) {
        later.answer(match object.own_badge() {
            None => Ok(object.alias().cast()),
            Some(_) => Err(NetipcError::NoMemory),
        });
    }

    fn reclaim(&mut self, _: Caller, _: Cap<Anything>, later: Later<(), NetipcError>) {
        later.answer(Err(NetipcError::NotALoan));
    }
}

struct Lender;

impl Loan for Lender {
    fn terms(&mut self) -> Result<Terms, LoanError> {
        Err(LoanError::Over)
    }

    fn fetch(&mut self, _: u64, _: u64, _: Cap<MemoryObject>, _: u64, later: Later<(), LoanError>) {
        later.answer(Ok(()));
    }

    fn store(&mut self, _: u64, _: u64, _: Cap<MemoryObject>, _: u64, later: Later<(), LoanError>) {
        later.answer(Err(LoanError::TooMany));
    }
}

#[test]
fn so_it_does_who_calls_a_loan() {
    mistreat(loan::METHODS, |request, answer| {
        loan::dispatch(&mut Lender, request, answer)
    });
}

#[test]
fn each_gets_its_answer() {
    mistreat(netipc::METHODS, |request, answer| {
        netipc::dispatch(&mut Server, request, answer)
    });
}

struct Owners;

impl Homes for Owners {
    fn claim(&mut self, _: HomeId, later: Later<Home, HomesError>) {
        later.answer(Ok(Home::default()));
    }

    fn release(&mut self, _: HomeId, _: u64, later: Later<(), HomesError>) {
        later.answer(Err(HomesError::NotOwner));
    }

    fn hand_over(&mut self, _: HomeId, _: u64, _: u8, later: Later<(), HomesError>) {
        later.answer(Err(HomesError::NoMember));
    }

    fn home(&mut self, _: HomeId) -> Result<Home, HomesError> {
        Ok(Home::default())
    }

    fn want(&mut self, _: HomeId) {}

    fn give_back(&mut self, _: HomeId) {}

    fn mine(&mut self, after: Option<HomeId>) -> Result<Option<HomeId>, HomesError> {
        Ok(after)
    }

    fn watch(&mut self, _: Caller, _: Cap<Notification>) -> Result<(), HomesError> {
        Err(HomesError::TooMany)
    }

    fn agreed(&mut self) -> Result<Agreed, HomesError> {
        Ok(Agreed::default())
    }
}

#[test]
fn so_it_does_who_asks_about_owners() {
    mistreat(homes::METHODS, |request, answer| {
        homes::dispatch(&mut Owners, request, answer)
    });
}
