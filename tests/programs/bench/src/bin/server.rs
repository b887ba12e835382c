//! The server that `bench` calls: it does next to nothing, in the way of every server.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::convert::Infallible;

use bench_logic::{Bench, FOUR, MESSAGE_WORDS, TWELVE, answer_to, dispatch};
use isthmus_runtime::abi::slots::SERVICE;
use isthmus_runtime::abi::{ComponentId, EndpointBadge, Name, ObjectId};
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::Disposition;
use isthmus_runtime::sel4::CapRights;
use isthmus_runtime::{Kernel, Service, Slot, Startup, say, slots};
use naming_interface::NamingClient;

isthmus_runtime::entry!(main);

struct Server {
    executed: u64,
}

/// The name that a client on another machine looks up.
const NAME: &str = "bench";

fn main(startup: &'static Startup) -> ! {
    // The description says who is to be found: only one of several that run this program can have the name.
    if let Ok(naming) = startup.endpoint(NamingClient::<Kernel>::INTERFACE)
        && let Err(reason) = register(naming)
    {
        say!("bench: failed: {NAME}: the server cannot register: {reason}");
    }
    let service = Service::get().expect("the description says `serves`");
    let mut server = Server { executed: 0 };
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => dispatch(&mut server, request, answer),
        Occasion::Events(_) => Disposition::Nothing,
    })
}

/// Gives naming a capability that can be called, and passed on, and nothing else.
fn register(naming: Slot) -> Result<(), &'static str> {
    let slot = slots::allocate().map_err(|_| "no free slot")?;
    // The registered capability is everybody's: it tells no client.
    let badge = EndpointBadge {
        client: ComponentId::ROOT_TASK,
        object: ObjectId::new(1).ok_or("1 has less than 20 bits")?,
    };
    let rights = CapRights::new(false, true, false, true);
    slots::absolute(slot)
        .mint(&slots::absolute(SERVICE), rights, badge.bits())
        .map_err(|_| "the kernel refuses to mint")?;
    let name = Name::new(NAME).map_err(|_| "its name is malformed")?;
    let result = NamingClient::new(&Kernel, naming)
        .register(name, slot)
        .map_err(|_| "naming refuses");
    slots::free(slot);
    result
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
