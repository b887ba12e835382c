//! A server to be called from another machine, that holds a request wherever it is told to.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use core::convert::Infallible;

use isthmus_runtime::abi::slots::SERVICE;
use isthmus_runtime::abi::{ComponentId, EndpointBadge, Name, ObjectId};
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::Disposition;
use isthmus_runtime::sel4::CapRights;
use isthmus_runtime::{Kernel, Service, Slot, Startup, say, service, slots};
use naming_interface::NamingClient;
use remote_interface::{Allocations, Bytes, Hold, NAME, Remote, answer_to, dispatch};
use remote_programs::{Failure, failure, machine_allocations};

isthmus_runtime::entry!(main);

/// The object behind the registered capability: this server.
const ITSELF: ObjectId = match ObjectId::new(1) {
    Some(object) => object,
    None => panic!("1 has less than 20 bits"),
};

struct Server(&'static Startup);

fn main(startup: &'static Startup) -> ! {
    let mut server = Server(startup);
    let Some(service) = Service::get() else {
        isthmus_runtime::exit()
    };
    match register(startup) {
        Ok(()) => say!("registered"),
        Err(reason) => say!("demo: failed: the server cannot register: {reason}"),
    }
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => dispatch(&mut server, request, answer),
        Occasion::Events(_) => Disposition::Nothing,
    })
}

/// Gives naming a capability that can be called, and passed on, and nothing else.
fn register(startup: &Startup) -> Result<(), Failure> {
    let naming = startup
        .endpoint(NamingClient::<Kernel>::INTERFACE)
        .map_err(|missing| failure!("{missing}"))?;
    let slot = slots::allocate().map_err(|error| failure!("{error:?}"))?;
    let badge = EndpointBadge {
        client: ComponentId::ROOT_TASK,
        object: ITSELF,
    };
    let rights = CapRights::new(false, true, false, true);
    slots::absolute(slot)
        .mint(&slots::absolute(SERVICE), rights, badge.bits())
        .map_err(|error| failure!("the kernel refuses to mint: {error:?}"))?;
    let name = Name::new(NAME).map_err(|error| failure!("{error:?}"))?;
    let result = NamingClient::new(&Kernel, naming).register(name, slot);
    // Naming has its own copy.
    slots::free(slot);
    result.map_err(|error| failure!("{error}"))
}

/// Says where a request is, and stays there: the machine is about to be killed.
fn stay(request: u64, how_far: &str) -> ! {
    say!("request {request} {how_far}");
    loop {
        let _ = service::wait();
    }
}

impl Remote for Server {
    type Capability = Slot;

    fn run(&mut self, _badge: u64, request: u64, hold: Hold) -> Result<u64, Infallible> {
        match hold {
            Hold::Nowhere => Ok(answer_to(request)),
            Hold::BeforeRunning => stay(request, "has arrived"),
            Hold::BeforeAnswering => stay(request, "has run"),
        }
    }

    fn echo(&mut self, _badge: u64, bytes: Bytes) -> Result<Bytes, Infallible> {
        Ok(bytes)
    }

    fn allocations(&mut self, _badge: u64) -> Result<Option<Allocations>, Infallible> {
        Ok(machine_allocations(self.0))
    }

    fn allocate(&mut self, _badge: u64) -> Result<(), Infallible> {
        drop(core::hint::black_box(Box::new(0_u64)));
        Ok(())
    }
}
