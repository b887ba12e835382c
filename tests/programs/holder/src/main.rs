//! The server of the tests of capabilities across machines: makes some, keeps others', gives them on.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt;

use holder_interface::{
    FIRST_OBJECT, Holder, HolderError, NAME, OBJECTS, PLACES, Ran, Seen, Tell, Took, holder,
};
use isthmus_runtime::abi::{ComponentId, EndpointBadge, ObjectId};
use isthmus_runtime::calls::run;
use isthmus_runtime::capabilities::Lent;
use isthmus_runtime::interface::{Anything, Caller, Cap};
use isthmus_runtime::{Duration, Instant, Kernel, Service, Slot, Startup, say, time};
use naming_interface::{Lease, NamingClient, Path, Reach};
use netipc_interface::NetipcClient;

isthmus_runtime::entry!(main);

/// The object behind the registered capability: the server itself.
const ITSELF: u16 = 1;

/// Longer than a lost importer takes to be noticed, and shorter than a call's deadline.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(3);

const _: () = assert!(ITSELF < FIRST_OBJECT);

struct Server {
    node: u8,
    service: Service,
    netipc: Option<Slot>,
    objects: [Option<Object>; OBJECTS],
    places: [Option<Kept>; PLACES],
}

struct Object {
    /// None: it was revoked.
    lent: Option<Lent<dyn Holder>>,
    ran: u64,
}

enum Kept {
    Own(u16),
    Other(Cap<dyn Holder>),
}

fn main(startup: &'static Startup) -> ! {
    let Some(service) = Service::get() else {
        isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
    };
    if let Err(reason) = register(startup, service) {
        say!("demo: failed: the holder: {reason}");
        isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
    }
    let mut server = Server {
        node: startup.machine.node,
        service,
        netipc: startup.endpoint(NetipcClient::<Kernel>::INTERFACE).ok(),
        objects: [const { None }; OBJECTS],
        places: [const { None }; PLACES],
    };
    run(service, &mut server, holder::dispatch)
}

fn badge(object: u16) -> EndpointBadge {
    EndpointBadge {
        client: ComponentId::ROOT_TASK,
        // 16 bits are less than 20.
        object: ObjectId::new(u32::from(object)).unwrap_or(ObjectId::SERVICE),
    }
}

/// Gives naming a capability, for as long as the test lasts.
fn register(startup: &Startup, service: Service) -> Result<(), &'static dyn fmt::Display> {
    let naming = startup.endpoint(NamingClient::<Kernel>::INTERFACE);
    let naming = naming.map_err(|_| &"it has no naming" as &dyn fmt::Display)?;
    let itself = service.mint::<dyn Holder>(badge(ITSELF));
    let itself = itself.map_err(|_| &"no slot is left" as &dyn fmt::Display)?;
    let name = startup.argument("name").unwrap_or(NAME);
    let path = Path::new(name).map_err(|_| &"a bad path" as &dyn fmt::Display)?;
    NamingClient::new(Kernel, naming)
        .register(path, Lease::MAX, Reach::Machine, itself.cast::<Anything>())
        .map_err(|_| &"naming refuses" as &dyn fmt::Display)
}

impl Server {
    fn netipc(&self) -> Result<NetipcClient<Kernel>, HolderError> {
        let netipc = self.netipc.ok_or(HolderError::NoNetipc)?;
        Ok(NetipcClient::new(Kernel, netipc))
    }

    fn object(&mut self, object: u16) -> Result<&mut Object, HolderError> {
        let place = self.objects.get_mut(usize::from(object));
        place.and_then(Option::as_mut).ok_or(HolderError::BadObject)
    }
}

impl Holder for Server {
    fn make(&mut self, object: u16) -> Result<Cap<dyn Holder>, HolderError> {
        let place = self.objects.get_mut(usize::from(object));
        let place = place
            .filter(|place| object >= FIRST_OBJECT && place.is_none())
            .ok_or(HolderError::BadObject)?;
        let lent = self.service.lend(badge(object));
        let lent = lent.map_err(|_| HolderError::NoSlot)?;
        let capability = lent.capability();
        *place = Some(Object {
            lent: Some(lent),
            ran: 0,
        });
        Ok(capability)
    }

    fn keep(&mut self, place: u8, capability: Cap<dyn Holder>) -> Result<Seen, HolderError> {
        let place = self.places.get_mut(usize::from(place));
        let place = place.ok_or(HolderError::Empty)?;
        let own = capability
            .own_badge()
            .map_or(0, |badge| Caller::new(badge).object().number() as u16);
        *place = Some(match own {
            0 => Kept::Other(capability),
            own => Kept::Own(own),
        });
        Ok(Seen { own })
    }

    fn show(&mut self, place: u8) -> Result<Cap<dyn Holder>, HolderError> {
        let place = self.places.get(usize::from(place));
        match place.and_then(Option::as_ref).ok_or(HolderError::Empty)? {
            Kept::Other(capability) => Ok(capability.alias()),
            Kept::Own(object) => {
                let object = *object;
                let lent = self.object(object)?.lent.as_ref();
                Ok(lent.ok_or(HolderError::BadObject)?.capability())
            }
        }
    }

    fn run(&mut self, caller: Caller, request: u64) -> Result<Ran, HolderError> {
        let node = self.node;
        let object = caller.object().number() as u16;
        self.object(object)?.ran += 1;
        Ok(Ran {
            node,
            object,
            request,
        })
    }

    fn ran(&mut self, object: u16) -> Result<u64, HolderError> {
        Ok(self.object(object)?.ran)
    }

    fn revoke(&mut self, object: u16, tell: Tell) -> Result<u64, HolderError> {
        let lent = self.object(object)?.lent.take();
        lent.ok_or(HolderError::BadObject)?.revoke();
        match tell {
            Tell::Nobody => Ok(0),
            Tell::Netipc => self.netipc()?.revoked().map_err(|_| HolderError::NoNetipc),
        }
    }

    fn unconfirmed(&mut self, number: u64) -> Result<u64, HolderError> {
        let unconfirmed = self.netipc()?.unconfirmed(number);
        unconfirmed.map_err(|_| HolderError::NoNetipc)
    }

    fn revoke_and_wait(&mut self, object: u16) -> Result<Took, HolderError> {
        let begin = time::now();
        let lent = self.object(object)?.lent.take();
        lent.ok_or(HolderError::BadObject)?.revoke();
        let effective = time::now();
        let netipc = self.netipc()?;
        let number = netipc.revoked().map_err(|_| HolderError::NoNetipc)?;
        while netipc
            .unconfirmed(number)
            .map_err(|_| HolderError::NoNetipc)?
            > 0
        {
            if time::now() > begin + CONFIRMED_WITHIN {
                return Err(HolderError::Unconfirmed);
            }
        }
        let since = |end: Instant| {
            let ticks = end.ticks().wrapping_sub(begin.ticks());
            u64::try_from(time::duration(ticks).as_nanos()).unwrap_or(u64::MAX)
        };
        Ok(Took {
            effective: since(effective),
            complete: since(time::now()),
        })
    }
}
