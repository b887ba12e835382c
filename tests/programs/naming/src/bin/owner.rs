//! An owner: has a cluster-wide name that it renews, and a directory that it gives away; dies when it is told to.
#![no_std]
#![no_main]

use isthmus_runtime::abi::{ComponentId, EndpointBadge, ObjectId};
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::{Cap, Disposition};
use isthmus_runtime::{Kernel, Service, Slot, Startup, say, time};
use naming_interface::{Access, Lease, Naming, NamingClient, Path, Reach, Registration};
use naming_programs::{LEASE, OWNER, Owner, OwnerError, SHARED, owner};
use remote_programs::{Failure, failure};
use timer_interface::TimerClient;

isthmus_runtime::entry!(main);

struct Server {
    node: u8,
    naming: Slot,
}

fn main(startup: &'static Startup) -> ! {
    match run(startup) {
        Ok(never) => match never {},
        Err(reason) => {
            say!("demo: failed: the owner: {reason}");
            isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
        }
    }
}

fn run(startup: &'static Startup) -> Result<isthmus_runtime::Never, Failure> {
    let missing = |missing| failure!("{missing}");
    let naming = startup
        .endpoint(NamingClient::<Kernel>::INTERFACE)
        .map_err(missing)?;
    let timer = startup.endpoint("timer").map_err(missing)?;
    let rung = startup.event("timer").map_err(missing)?;
    let service = Service::get().ok_or_else(|| failure!("it serves nothing"))?;
    let badge = EndpointBadge {
        client: ComponentId::ROOT_TASK,
        object: ObjectId::new(1).ok_or_else(|| failure!("1 has less than 20 bits"))?,
    };
    let itself = service
        .mint::<dyn Owner>(badge)
        .map_err(|_| failure!("no slot is left"))?;
    let registration = Registration {
        path: path(OWNER)?,
        capability: itself.cast(),
        lease: Lease::new(LEASE).map_err(|error| failure!("{error}"))?,
        reach: Reach::Cluster,
    };
    NamingClient::new(Kernel, naming)
        .create(path(SHARED)?, Lease::MAX)
        .map_err(|error| failure!("{SHARED}: {error}"))?;
    let keep = || {
        let next = time::now() + registration.lease.renew_after();
        // A word always fits a message.
        let _ = TimerClient::new(Kernel, timer).arm(next.ticks());
        match registration.keep(&Kernel, naming) {
            Ok(standing) => say!("{OWNER}: {standing:?}"),
            Err(error) => say!("{OWNER}: {error}"),
        }
    };
    keep();
    let mut server = Server {
        node: startup.machine.node,
        naming,
    };
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => owner::dispatch(&mut server, request, answer),
        Occasion::Events(events) => {
            if events.contains(rung) {
                keep();
            }
            Disposition::Nothing
        }
    })
}

fn path(text: &str) -> Result<Path, Failure> {
    Path::new(text).map_err(|error| failure!("{text}: {error}"))
}

impl Owner for Server {
    fn node(&mut self) -> Result<u8, OwnerError> {
        Ok(self.node)
    }

    fn share(&mut self) -> Result<Cap<dyn Naming>, OwnerError> {
        let shared = Path::new(SHARED).map_err(|_| OwnerError::Refused)?;
        NamingClient::new(Kernel, self.naming)
            .open(shared, Access::Change)
            .map_err(|_| OwnerError::Refused)
    }

    fn die(&mut self) {
        panic!("as I was told");
    }
}
