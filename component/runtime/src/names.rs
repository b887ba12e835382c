//! Names, for who has no special wishes: making a server known under one, and finding a server by one, wherever it is.
//!
//! Everything here is done with the naming server's own interface (`naming-interface`, `docs/naming.md`), which offers more.

use core::fmt;

use isthmus_abi::startup::Missing;
use isthmus_abi::{ComponentId, EndpointBadge, EventBit, Events, ObjectId, Slot};
use isthmus_interface::{Answer, CallError, Cap, Disposition, Request};
use naming_interface::{
    BadPath, Lease, NamingClient, NamingError, Path, Reach, Registration, ResolveError,
};
use timer_interface::TimerClient;

use crate::calls::{self, Occasion};
use crate::{Duration, Kernel, Never, Service, startup, time, timer};

/// Between two look-ups of a name that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long a name outlives a server that has died: long enough for a busy machine, short enough for those who wait for another.
const LEASE: Lease = match Lease::new(Duration::from_secs(15)) {
    Ok(lease) => lease,
    Err(_) => panic!("15 seconds are a lease"),
};

/// The object behind a registered capability: it tells no client, for everybody has the same.
const EVERYBODY: ObjectId = match ObjectId::new(1) {
    Some(object) => object,
    None => panic!("1 has less than 20 bits"),
};

/// Why a name cannot be had, or does not lead anywhere.
#[derive(Clone, Copy, Debug)]
pub enum Error {
    /// The description does not grant what it takes.
    NotGranted(Missing<'static>),
    /// The description gives the component nothing to serve.
    NothingServed,
    /// It is not a path.
    BadPath(BadPath),
    /// No free slot is left (`slots` in the description).
    NoSlot,
    /// Naming refuses to register it.
    Refused(CallError<NamingError>),
    /// It was not found in time: what the last look-up said.
    NotFound(ResolveError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted(missing) => missing.fmt(f),
            Self::NothingServed => f.write_str(
                "the description gives this component nothing to serve: add `serves = [...]`",
            ),
            Self::BadPath(error) => error.fmt(f),
            Self::NoSlot => f.write_str("no free slot is left: raise `slots` in the description"),
            Self::Refused(error) => write!(f, "naming refuses the name: {error}"),
            Self::NotFound(error) => write!(f, "not found in time: {error}"),
        }
    }
}

impl core::error::Error for Error {}

impl From<Missing<'static>> for Error {
    fn from(missing: Missing<'static>) -> Self {
        Self::NotGranted(missing)
    }
}

/// A name of this component, in the whole cluster: registered with a lease, and renewed as long as the component runs.
///
/// Needs `uses = ["naming", "timer"]` and an `[[event]]` from the timer: the component's one deadline is the renewal's. What calls it through the name tells no
/// client from another.
#[derive(Debug)]
pub struct Name {
    registration: Registration,
    naming: Slot,
    timer: Slot,
    event: EventBit,
}

impl Name {
    /// Registers `path` for `service`.
    ///
    /// # Errors
    /// What stands in the way of being known.
    pub fn register(path: &str, service: Service) -> Result<Self, Error> {
        let timer = TimerClient::<Kernel>::INTERFACE;
        let capability = service
            .mint(EndpointBadge {
                client: ComponentId::ROOT_TASK,
                object: EVERYBODY,
            })
            .map_err(|_| Error::NoSlot)?;
        let name = Self {
            registration: Registration {
                path: Path::new(path).map_err(Error::BadPath)?,
                capability,
                lease: LEASE,
                reach: Reach::Cluster,
            },
            naming: startup().endpoint(NamingClient::<Kernel>::INTERFACE)?,
            timer: startup().endpoint(timer)?,
            event: startup().event(timer)?,
        };
        name.keep().map_err(Error::Refused)?;
        Ok(name)
    }

    /// Renews the name if it is time: to be called with the events that a server hears. If naming refuses it says so on the console; it is tried again, and a lease
    /// outlasts that.
    pub fn hear(&self, events: Events) {
        if events.contains(self.event)
            && let Err(error) = self.keep()
        {
            crate::say!(
                "the name `{}` is not renewed: {error}",
                self.registration.path
            );
        }
    }

    /// Registers or renews it, and has the timer tell when it is time again.
    fn keep(&self) -> Result<(), CallError<NamingError>> {
        let next = time::now() + self.registration.lease.renew_after();
        // A word always fits a message.
        let _ = TimerClient::new(Kernel, self.timer).arm(next.ticks());
        self.registration.keep(&Kernel, self.naming).map(|_| ())
    }
}

/// Makes the component known as `path`, and serves for ever: `serve("kv", &mut server, kv::dispatch)`.
///
/// # Errors
/// What stands in the way of being known.
pub fn serve<S>(
    path: &str,
    server: &mut S,
    dispatch: impl Fn(&mut S, &mut Request<'_>, &mut Answer) -> Disposition,
) -> Result<Never, Error> {
    let service = Service::get().ok_or(Error::NothingServed)?;
    let name = Name::register(path, service)?;
    calls::serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => dispatch(server, request, answer),
        Occasion::Events(events) => {
            name.hear(events);
            Disposition::Nothing
        }
    })
}

/// Looks `path` up until it leads to a server, at most for `patience`: machines start, and restart. Sleeps in between (see [`timer::sleep`]).
///
/// # Errors
/// That it was not found, and why; what the description lacks.
pub fn find<K: ?Sized>(path: &str, patience: Duration) -> Result<Cap<K>, Error> {
    let naming = startup().endpoint(NamingClient::<Kernel>::INTERFACE)?;
    let path = Path::new(path).map_err(Error::BadPath)?;
    let end = time::now() + patience;
    loop {
        match naming_interface::resolve(&Kernel, naming, &path) {
            Ok(found) => return Ok(found.cast()),
            Err(error) if time::now() >= end => return Err(Error::NotFound(error)),
            Err(_) => timer::sleep(LOOK_AGAIN)?,
        }
    }
}
