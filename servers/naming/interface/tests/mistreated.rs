//! Every kind of wrong message, to naming's dispatch.

use isthmus_interface::mistreat::mistreat;
use isthmus_interface::{Anything, Caller, Cap, Notification};
use naming_interface::{
    Access, Claims, Lease, Listing, Naming, NamingError, Part, Path, Reach, Standing, Watched,
    naming,
};

struct Server;

impl Naming for Server {
    fn lookup(&mut self, _: Caller, _: Path) -> Result<Cap<Anything>, NamingError> {
        Err(NamingError::NotFound)
    }

    fn register(
        &mut self,
        _: Caller,
        _: Path,
        _: Lease,
        _: Reach,
        _: Cap<Anything>,
    ) -> Result<(), NamingError> {
        Ok(())
    }

    fn renew(&mut self, _: Caller, _: Path, _: Lease) -> Result<Standing, NamingError> {
        Ok(Standing::Holder)
    }

    fn unlink(&mut self, _: Caller, _: Path) -> Result<(), NamingError> {
        Ok(())
    }

    fn rename(&mut self, _: Caller, _: Path, _: Path) -> Result<(), NamingError> {
        Ok(())
    }

    fn create(&mut self, _: Caller, _: Path, _: Lease) -> Result<(), NamingError> {
        Ok(())
    }

    fn open(&mut self, _: Caller, _: Path, _: Access) -> Result<Cap<dyn Naming>, NamingError> {
        Err(NamingError::NotFound)
    }

    fn list(&mut self, _: Caller, _: Path, _: Option<Part>) -> Result<Listing, NamingError> {
        Ok(Listing::default())
    }

    fn watch(
        &mut self,
        _: Caller,
        _: Path,
        _: Lease,
        _: Cap<Notification>,
    ) -> Result<Watched, NamingError> {
        Ok(Watched { id: 1, changes: 2 })
    }

    fn rewatch(&mut self, _: Caller, _: Path, _: u32, _: Lease) -> Result<u64, NamingError> {
        Ok(3)
    }

    fn unwatch(&mut self, _: Caller, _: Path, _: u32) -> Result<(), NamingError> {
        Ok(())
    }

    fn claims(&mut self, _: Caller, _: Option<Path>) -> Result<Claims, NamingError> {
        Ok(Claims::default())
    }

    fn owned(&mut self, _: Caller, _: Path) -> Result<(u64, Cap<Anything>), NamingError> {
        Err(NamingError::NoOwners)
    }

    fn changed(&mut self, _: Caller, _: u8) {}
}

#[test]
fn each_gets_its_answer() {
    mistreat(naming::METHODS, |request, answer| {
        naming::dispatch(&mut Server, request, answer)
    });
}
