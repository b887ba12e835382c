//! The server that `bench` calls: it does next to nothing, in the way of every server.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::convert::Infallible;

use bench_logic::{Bench, FOUR, MESSAGE_WORDS, TWELVE, answer_to, dispatch};
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::Disposition;
use isthmus_runtime::{Service, Slot, Startup};

isthmus_runtime::entry!(main);

struct Server {
    executed: u64,
}

fn main(_startup: &'static Startup) -> ! {
    let service = Service::get().expect("the description says `serves`");
    let mut server = Server { executed: 0 };
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => dispatch(&mut server, request, answer),
        Occasion::Events(_) => Disposition::Nothing,
    })
}

impl Server {
    fn answer<const N: usize>(&mut self, words: [u64; N]) -> [u64; N] {
        self.executed += 1;
        answer_to(words)
    }
}

impl Bench for Server {
    type Capability = Slot;

    fn nothing(&mut self, _badge: u64) -> Result<(), Infallible> {
        self.executed += 1;
        Ok(())
    }

    fn four(&mut self, _badge: u64, words: [u64; FOUR]) -> Result<[u64; FOUR], Infallible> {
        Ok(self.answer(words))
    }

    fn twelve(&mut self, _badge: u64, words: [u64; TWELVE]) -> Result<[u64; TWELVE], Infallible> {
        Ok(self.answer(words))
    }

    fn full(
        &mut self,
        _badge: u64,
        words: [u64; MESSAGE_WORDS],
    ) -> Result<[u64; MESSAGE_WORDS], Infallible> {
        Ok(self.answer(words))
    }

    fn executed(&mut self, _badge: u64) -> Result<u64, Infallible> {
        Ok(self.executed)
    }
}
