//! The server that `bench` calls: it does next to nothing, in the way of every server.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::convert::Infallible;

use bench_logic::{Bench, Block, FOUR, MESSAGE_WORDS, TWELVE, answer_to, bench};
use isthmus_runtime::abi::{ComponentId, EndpointBadge, ObjectId};
use isthmus_runtime::calls::run;
use isthmus_runtime::interface::{Anything, Cap};
use isthmus_runtime::{Kernel, Service, Slot, Startup, say};
use naming_interface::{Lease, NamingClient, Path, Reach};
use netipc_interface::NetipcClient;

isthmus_runtime::entry!(main);

struct Server {
    executed: u64,
    netipc: Option<NetipcClient<Kernel>>,
}

/// The name that a client on another machine looks up.
const NAME: &str = "bench";

fn main(startup: &'static Startup) -> ! {
    let service = Service::get().expect("the description says `serves`");
    // The description says who is to be found: only one of several that run this program can have the name.
    if let Ok(naming) = startup.endpoint(NamingClient::<Kernel>::INTERFACE)
        && let Err(reason) = register(naming, service)
    {
        say!("bench: failed: {NAME}: the server cannot register: {reason}");
    }
    let netipc = startup.endpoint(NetipcClient::<Kernel>::INTERFACE).ok();
    let mut server = Server {
        executed: 0,
        netipc: netipc.map(|netipc| NetipcClient::new(Kernel, netipc)),
    };
    run(service, &mut server, bench::dispatch)
}

/// Gives naming a capability that can be called, and passed on, and nothing else.
fn register(naming: Slot, service: Service) -> Result<(), &'static str> {
    // The registered capability is everybody's: it tells no client.
    let badge = EndpointBadge {
        client: ComponentId::ROOT_TASK,
        object: ObjectId::new(1).ok_or("1 has less than 20 bits")?,
    };
    let itself = service
        .mint::<dyn Bench>(badge)
        .map_err(|_| "no slot is left")?;
    let path = Path::new(NAME).map_err(|_| "its name is malformed")?;
    // On every machine one: the client says which it means. No run is longer than the longest lease.
    NamingClient::new(Kernel, naming)
        .register(path, Lease::MAX, Reach::Machine, itself.cast::<Anything>())
        .map_err(|_| "naming refuses")
}

impl Server {
    fn answer<const N: usize>(&mut self, words: [u64; N]) -> [u64; N] {
        self.executed += 1;
        answer_to(words)
    }
}

impl Bench for Server {
    fn nothing(&mut self) -> Result<(), Infallible> {
        self.executed += 1;
        Ok(())
    }

    fn four(&mut self, words: [u64; FOUR]) -> Result<[u64; FOUR], Infallible> {
        Ok(self.answer(words))
    }

    fn twelve(&mut self, words: [u64; TWELVE]) -> Result<[u64; TWELVE], Infallible> {
        Ok(self.answer(words))
    }

    fn full(&mut self, words: [u64; MESSAGE_WORDS]) -> Result<[u64; MESSAGE_WORDS], Infallible> {
        Ok(self.answer(words))
    }

    fn one(&mut self, word: u64) -> Result<u64, Infallible> {
        let [word] = self.answer([word]);
        Ok(word)
    }

    fn encoded(&mut self, block: Block) -> Result<Block, Infallible> {
        self.executed += 1;
        Ok(block.answer())
    }

    fn take(&mut self, capability: Cap<Anything>) -> Result<(), Infallible> {
        self.executed += 1;
        if let Some(netipc) = &self.netipc {
            // What is no import is not netipc's, and refused: it goes when it is dropped.
            let _ = netipc.release(&capability);
        }
        Ok(())
    }

    fn executed(&mut self) -> Result<u64, Infallible> {
        Ok(self.executed)
    }
}
