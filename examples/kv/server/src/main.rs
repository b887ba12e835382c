//! The key-value server: registers itself as `kv`, and answers.
//!
//! It does not know where its clients are. The store is `kv-logic`'s; the calls are `kv-interface`'s.
#![no_std]
#![no_main]

use isthmus_runtime::abi::{ComponentId, EndpointBadge, Name, ObjectId};
use isthmus_runtime::calls::run;
use isthmus_runtime::interface::Anything;
use isthmus_runtime::{Kernel, Service, Startup, say, time};
use kv_interface::{Key, Kv, KvError, RequestId, Totals, Value, kv};
use kv_logic::Store;
use naming_interface::NamingClient;

isthmus_runtime::entry!(main);

/// The name that clients look up.
const NAME: &str = "kv";

/// The object behind the registered capability: the store, for whoever found it.
const EVERYBODY: ObjectId = match ObjectId::new(1) {
    Some(object) => object,
    None => panic!("1 has less than 20 bits"),
};

struct Server(Store);

fn main(startup: &'static Startup) -> ! {
    let Some(service) = Service::get() else {
        say!("demo: failed: add `serves = [\"kv\"]` to the system description");
        isthmus_runtime::exit()
    };
    if let Err(reason) = register(startup, service) {
        say!("demo: failed: the server cannot register: {reason}");
        isthmus_runtime::exit()
    }
    say!(
        "demo: `{NAME}` is registered on machine {}",
        startup.machine.node
    );
    // The counter has gone on since the last start, and is read once for each.
    let mut server = Server(Store::new(time::now().ticks()));
    run(service, &mut server, kv::dispatch)
}

/// Gives naming a capability that can be called, and passed on, and nothing else.
fn register(startup: &Startup, service: Service) -> Result<(), &'static str> {
    let naming = startup
        .endpoint(NamingClient::<Kernel>::INTERFACE)
        .map_err(|_| "it does not use naming")?;
    // The registered capability is everybody's: it tells no client.
    let badge = EndpointBadge {
        client: ComponentId::ROOT_TASK,
        object: EVERYBODY,
    };
    let itself = service
        .mint::<dyn Kv>(badge)
        .map_err(|_| "no slot is left")?;
    let name = Name::new(NAME).map_err(|_| "its name is malformed")?;
    // Naming has its own copy afterwards; this one goes when the call has ended.
    NamingClient::new(Kernel, naming)
        .register(name, itself.cast::<Anything>())
        .map_err(|_| "naming refuses")
}

impl Kv for Server {
    fn put(&mut self, id: RequestId, key: Key, value: Value) -> Result<u64, KvError> {
        self.0.run(id)?;
        self.0.put(key, &value)
    }

    fn get(&mut self, id: RequestId, key: Key) -> Result<Value, KvError> {
        self.0.run(id)?;
        self.0.get(&key).cloned()
    }

    fn count(&mut self, id: RequestId) -> Result<u64, KvError> {
        self.0.run(id)?;
        Ok(self.0.count())
    }

    fn executed(&mut self, of: RequestId) -> Result<u32, KvError> {
        Ok(self.0.executed(of))
    }

    fn totals(&mut self) -> Result<Totals, KvError> {
        Ok(self.0.totals())
    }
}
