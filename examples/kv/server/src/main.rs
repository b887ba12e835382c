//! The key-value server: registers itself as `kv`, and answers.
//!
//! It does not know where its clients are. The store is `kv-logic`'s; the calls are `kv-interface`'s.
#![no_std]
#![no_main]

use isthmus_runtime::abi::slots::SERVICE;
use isthmus_runtime::abi::{ComponentId, EndpointBadge, Name, ObjectId};
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::Disposition;
use isthmus_runtime::sel4::CapRights;
use isthmus_runtime::{Kernel, Service, Slot, Startup, say, slots, time};
use kv_interface::{Key, Kv, KvError, RequestId, Totals, Value, dispatch};
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
    if let Err(reason) = register(startup) {
        say!("demo: failed: the server cannot register: {reason}");
        isthmus_runtime::exit()
    }
    let Some(service) = Service::get() else {
        isthmus_runtime::exit()
    };
    say!(
        "demo: `{NAME}` is registered on machine {}",
        startup.machine.node
    );
    // The counter has gone on since the last start, and is read once for each.
    let mut server = Server(Store::new(time::now().ticks()));
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => dispatch(&mut server, request, answer),
        Occasion::Events(_) => Disposition::Nothing,
    })
}

/// Gives naming a capability that can be called, and passed on, and nothing else.
fn register(startup: &Startup) -> Result<(), &'static str> {
    if startup.serves.is_empty() {
        return Err("add `serves = [\"kv\"]` to the system description");
    }
    let naming = startup
        .endpoint(NamingClient::<Kernel>::INTERFACE)
        .map_err(|_| "it does not use naming")?;
    let slot = slots::allocate().map_err(|_| "no free slot")?;
    // The registered capability is everybody's: it tells no client.
    let badge = EndpointBadge {
        client: ComponentId::ROOT_TASK,
        object: EVERYBODY,
    };
    let rights = CapRights::new(false, true, false, true);
    slots::absolute(slot)
        .mint(&slots::absolute(SERVICE), rights, badge.bits())
        .map_err(|_| "the kernel refuses to mint")?;
    let name = Name::new(NAME).map_err(|_| "its name is malformed")?;
    let result = NamingClient::new(&Kernel, naming)
        .register(name, slot)
        .map_err(|_| "naming refuses");
    // Naming has its own copy, made from this one: it would be gone with it only if this one were revoked.
    slots::free(slot);
    result
}

impl Kv for Server {
    type Capability = Slot;

    fn put(&mut self, _badge: u64, id: RequestId, key: Key, value: Value) -> Result<u64, KvError> {
        self.0.run(id)?;
        self.0.put(key, &value)
    }

    fn get(&mut self, _badge: u64, id: RequestId, key: Key) -> Result<Value, KvError> {
        self.0.run(id)?;
        self.0.get(&key).cloned()
    }

    fn count(&mut self, _badge: u64, id: RequestId) -> Result<u64, KvError> {
        self.0.run(id)?;
        Ok(self.0.count())
    }

    fn executed(&mut self, _badge: u64, of: RequestId) -> Result<u32, KvError> {
        Ok(self.0.executed(of))
    }

    fn totals(&mut self, _badge: u64) -> Result<Totals, KvError> {
        Ok(self.0.totals())
    }
}
