//! A server to be called from another machine, that holds a request wherever it is told to.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use core::convert::Infallible;

use isthmus_runtime::abi::{ComponentId, EndpointBadge, ObjectId};
use isthmus_runtime::calls::run;
use isthmus_runtime::interface::{Anything, Cap, Notification};
use isthmus_runtime::{Duration, Kernel, Service, Signal, Startup, say, service};
use naming_interface::{Lease, NamingClient, Path, Reach};
use remote_interface::{Allocations, Bytes, Hold, NAME, Remote, answer_to, remote};
use remote_programs::{Failure, Pause, failure, machine_allocations};

isthmus_runtime::entry!(main);

/// The object behind the registered capability: this server.
const ITSELF: ObjectId = match ObjectId::new(1) {
    Some(object) => object,
    None => panic!("1 has less than 20 bits"),
};

struct Server {
    startup: &'static Startup,
    pause: Option<Pause>,
    bell: Option<Cap<Notification>>,
    executed: u64,
}

fn main(startup: &'static Startup) -> ! {
    let mut server = Server {
        startup,
        pause: Pause::new().ok(),
        bell: None,
        executed: 0,
    };
    let Some(service) = Service::get() else {
        isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
    };
    match register(startup, service) {
        Ok(()) => say!("registered"),
        Err(reason) => say!("demo: failed: the server cannot register: {reason}"),
    }
    run(service, &mut server, remote::dispatch)
}

/// Gives naming a capability that can be called, and passed on, and nothing else.
fn register(startup: &Startup, service: Service) -> Result<(), Failure> {
    let naming = startup
        .endpoint(NamingClient::<Kernel>::INTERFACE)
        .map_err(|missing| failure!("{missing}"))?;
    let badge = EndpointBadge {
        client: ComponentId::ROOT_TASK,
        object: ITSELF,
    };
    let itself = service
        .mint::<dyn Remote>(badge)
        .map_err(|_| failure!("no slot is left"))?;
    let path = Path::new(NAME).map_err(|error| failure!("{error}"))?;
    // Of several machines with this server the first has the name for all.
    let reach = if startup.machine.node == 1 {
        Reach::Cluster
    } else {
        Reach::Machine
    };
    // Naming has its own copy afterwards. The test is shorter than the longest lease, and kills whole machines only.
    NamingClient::new(Kernel, naming)
        .register(path, Lease::MAX, reach, itself.cast::<Anything>())
        .map_err(|error| failure!("{error}"))
}

/// Longer than a busy host takes to do to the machine what it is to suffer at this point, and until its client's outcome.
const STAY: Duration = Duration::from_secs(5);

/// Says where a request is, and stays there: the machine is about to be killed, stopped or cut off. Asleep, so that the console says it.
fn stay(pause: Option<&Pause>, request: u64, how_far: &str) {
    say!("request {request} {how_far}");
    match pause {
        Some(pause) => pause.sleep(STAY),
        // Without a timer: for ever.
        None => loop {
            let _ = service::wait();
        },
    }
}

impl Remote for Server {
    fn run(&mut self, request: u64, hold: Hold) -> Result<u64, Infallible> {
        match hold {
            Hold::Nowhere => self.executed += 1,
            Hold::BeforeRunning => {
                stay(self.pause.as_ref(), request, "has arrived");
                self.executed += 1;
            }
            Hold::BeforeAnswering => {
                self.executed += 1;
                stay(self.pause.as_ref(), request, "has run");
            }
        }
        Ok(answer_to(request))
    }

    fn echo(&mut self, bytes: Bytes) -> Result<Bytes, Infallible> {
        Ok(bytes)
    }

    fn allocations(&mut self) -> Result<Option<Allocations>, Infallible> {
        Ok(machine_allocations(self.startup))
    }

    fn allocate(&mut self) -> Result<(), Infallible> {
        drop(core::hint::black_box(Box::new(0_u64)));
        Ok(())
    }

    fn watch(&mut self, bell: Cap<Notification>) -> Result<(), Infallible> {
        self.bell = Some(bell);
        Ok(())
    }

    fn ring(&mut self) {
        if let Some(bell) = &self.bell {
            bell.signal();
        }
    }

    fn turn(
        &mut self,
        first: Cap<Notification>,
        second: Cap<Notification>,
    ) -> Result<(Cap<Notification>, Cap<Notification>), Infallible> {
        Ok((second, first))
    }

    fn executed(&mut self) -> Result<u64, Infallible> {
        Ok(self.executed)
    }
}
