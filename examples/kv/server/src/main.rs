//! The key-value server: keeps the name `kv` in the whole cluster, and answers.
//!
//! It does not know where its clients are. The store is `kv-logic`'s; the calls are `kv-interface`'s.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::Disposition;
use isthmus_runtime::names::Name;
use isthmus_runtime::{Service, Startup, say, time};
use kv_interface::{Key, Kv, KvError, RequestId, Totals, Value, kv};
use kv_logic::Store;

isthmus_runtime::entry!(main);

/// The name that clients look up.
const NAME: &str = "kv";

struct Server(Store);

fn main(startup: &'static Startup) -> ! {
    let Some(service) = Service::get() else {
        say!("demo: failed: add `serves = [\"kv\"]` to the system description");
        isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
    };
    let name = match Name::register(NAME, service) {
        Ok(name) => name,
        Err(reason) => {
            say!("demo: failed: the server cannot register: {reason}");
            isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
        }
    };
    say!(
        "demo: `{NAME}` is registered on machine {}",
        startup.machine.node
    );
    // The counter has gone on since the last start, and is read once for each.
    let mut server = Server(Store::new(time::now().ticks()));
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => kv::dispatch(&mut server, request, answer),
        Occasion::Events(events) => {
            name.hear(events);
            Disposition::Nothing
        }
    })
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
