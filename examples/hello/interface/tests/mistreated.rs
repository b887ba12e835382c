//! Every kind of wrong message, to the dispatch of `hello`'s server.

use hello_interface::{Guest, Hello, HelloError, hello};
use isthmus_interface::mistreat::mistreat;

struct Server;

impl Hello for Server {
    fn greet(&mut self, _: Guest) -> Result<u64, HelloError> {
        Ok(1)
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(hello::METHODS, |request, answer| {
        hello::dispatch(&mut Server, request, answer)
    });
}
