//! Every kind of wrong message, to the dispatch of the tests' server.

use std::convert::Infallible;

use isthmus_interface::mistreat::mistreat;
use isthmus_interface::{Cap, Notification};
use remote_interface::{Allocations, Bytes, Hold, Remote, answer_to, remote};

struct Server;

impl Remote for Server {
    fn run(&mut self, request: u64, _: Hold) -> Result<u64, Infallible> {
        Ok(answer_to(request))
    }

    fn echo(&mut self, bytes: Bytes) -> Result<Bytes, Infallible> {
        Ok(bytes)
    }

    fn allocations(&mut self) -> Result<Option<Allocations>, Infallible> {
        Ok(None)
    }

    fn allocate(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn watch(&mut self, _: Cap<Notification>) -> Result<(), Infallible> {
        Ok(())
    }

    fn ring(&mut self) {}

    fn turn(
        &mut self,
        first: Cap<Notification>,
        second: Cap<Notification>,
    ) -> Result<(Cap<Notification>, Cap<Notification>), Infallible> {
        Ok((second, first))
    }

    fn executed(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(remote::METHODS, |request, answer| {
        remote::dispatch(&mut Server, request, answer)
    });
}
