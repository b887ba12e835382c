//! Every kind of wrong message, to the network server's dispatch.

use isthmus_interface::Later;
use isthmus_interface::mistreat::mistreat;
use network_interface::calls::{Network, NetworkError, network};
use network_interface::{Counters, EchoReport};

/// It keeps every other echo's caller waiting, until the next.
#[derive(Default)]
struct Server(Option<Later<EchoReport, NetworkError>>);

impl Network for Server {
    fn counters(&mut self) -> Result<Counters, NetworkError> {
        Ok(Counters::default())
    }

    fn wire_echo(&mut self, _: u8, _: u16, _: u8, later: Later<EchoReport, NetworkError>) {
        match self.0.take() {
            None => self.0 = Some(later),
            Some(first) => {
                first.answer(Ok(EchoReport::default()));
                later.answer(Err(NetworkError::Busy));
            }
        }
    }

    fn allocations(&mut self) -> Result<u64, NetworkError> {
        Ok(3)
    }
}

#[test]
fn each_gets_its_answer() {
    let mut server = Server::default();
    mistreat(network::METHODS, |request, answer| {
        network::dispatch(&mut server, request, answer)
    });
}
