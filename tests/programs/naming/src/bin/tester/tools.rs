//! What every part of the test needs.

use core::fmt::Debug;
use core::time::Duration;

use isthmus_runtime::abi::slots::NOTIFICATION;
use isthmus_runtime::abi::{ComponentId, EndpointBadge, EventBit, NotExecuted, ObjectId};
use isthmus_runtime::interface::{Anything, CallError, Cap, Notification};
use isthmus_runtime::sel4::CapRights;
use isthmus_runtime::{Kernel, Service, Slot, Startup, service, slots, time};
use naming_interface::{
    Access, Lease, Listing, NamingClient, NamingError, Path, Reach, ResolveError, resolve,
};
use naming_programs::{OWNER, OwnerClient};
use remote_programs::{Failure, failure};
use timer_interface::TimerClient;

/// How long to look for what another machine, which may be starting, has.
const LOOK_FOR: Duration = Duration::from_secs(60);
/// Between two look-ups.
pub const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// To be signalled.
const SIGNALLED: CapRights = CapRights::new(false, false, false, true);
/// By which changes are heard: no other source has so high a bit.
const CHANGED: u8 = 62;

/// A directory that was opened, or the component's root.
pub type Directory = NamingClient<Kernel>;

/// What every part of the test needs.
pub struct Tools {
    pub startup: &'static Startup,
    pub naming: Slot,
    timer: Slot,
    rung: EventBit,
    changed: EventBit,
}

/// Whether an event has come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    InTime,
    Nothing,
}

impl Tools {
    pub fn new(startup: &'static Startup) -> Result<Self, Failure> {
        let missing = |missing| failure!("{missing}");
        Ok(Self {
            startup,
            naming: startup
                .endpoint(NamingClient::<Kernel>::INTERFACE)
                .map_err(missing)?,
            timer: startup.endpoint("timer").map_err(missing)?,
            rung: startup.event("timer").map_err(missing)?,
            changed: EventBit::new(CHANGED).ok_or_else(|| failure!("62 is a bit"))?,
        })
    }

    /// The component's root.
    pub fn root(&self) -> Directory {
        NamingClient::new(Kernel, self.naming)
    }

    /// A capability to a directory.
    pub fn open(&self, of: &Directory, text: &str, access: Access) -> Result<Directory, Failure> {
        let opened = of
            .open(path(text), access)
            .map_err(|error| failure!("open {text}: {error}"))?;
        Ok(NamingClient::new(Kernel, opened))
    }

    /// A capability to this component's endpoint. Nobody answers there.
    pub fn endpoint(&self) -> Result<Cap<Anything>, Failure> {
        let service = Service::get().ok_or_else(|| failure!("it serves nothing"))?;
        let badge = EndpointBadge {
            client: ComponentId::ROOT_TASK,
            object: ObjectId::new(1).ok_or_else(|| failure!("1 has less than 20 bits"))?,
        };
        service.mint(badge).map_err(|_| failure!("no slot is left"))
    }

    /// A capability by which changes are heard.
    pub fn notification(&self) -> Result<Cap<Notification>, Failure> {
        let slot = slots::allocate().map_err(|error| failure!("{error:?}"))?;
        slots::absolute(slot)
            .mint(
                &slots::absolute(NOTIFICATION),
                SIGNALLED,
                self.changed.badge(),
            )
            .map_err(|error| failure!("the kernel refuses to mint: {error:?}"))?;
        Ok(Cap::new(Kernel::owned(slot)))
    }

    /// Registers this component's endpoint.
    pub fn register(
        &self,
        directory: &Directory,
        text: &str,
        lease: Lease,
        reach: Reach,
    ) -> Result<(), CallError<NamingError>> {
        let endpoint = self.endpoint().map_err(|_| NotExecuted::Overload)?;
        directory.register(path(text), lease, reach, endpoint)
    }

    /// Waits for a change, or until `limit` is over.
    pub fn listen(&self, limit: Duration) -> Heard {
        let end = time::now() + limit;
        // A word always fits a message.
        let _ = TimerClient::new(Kernel, self.timer).arm(end.ticks());
        loop {
            let events = service::wait();
            if events.contains(self.changed) {
                return Heard::InTime;
            }
            if events.contains(self.rung) && time::now() >= end {
                return Heard::Nothing;
            }
        }
    }

    /// Returns after `duration`, or a little later. A change that is heard meanwhile is forgotten.
    pub fn sleep(&self, duration: Duration) {
        let end = time::now() + duration;
        while time::now() < end {
            let _ = self.listen(end - time::now());
        }
    }

    /// Looks the owner up until it is there.
    pub fn owner(&self) -> Result<OwnerClient<Kernel>, Failure> {
        self.until(|| resolve(&Kernel, self.naming, &path(OWNER)))
            .map(|found| OwnerClient::new(Kernel, found.cast()))
            .map_err(|error| failure!("{OWNER}: {error}"))
    }

    /// Tries until it succeeds, for a minute.
    pub fn until<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, ResolveError>,
    ) -> Result<T, ResolveError> {
        let end = time::now() + LOOK_FOR;
        loop {
            match attempt() {
                Err(_) if time::now() < end => self.sleep(LOOK_AGAIN),
                other => return other,
            }
        }
    }
}

/// A path that is right.
pub fn path(text: &str) -> Path {
    Path::new(text).unwrap_or(Path::ROOT)
}

/// A lease that is right.
pub fn lease(length: Duration) -> Lease {
    Lease::new(length).unwrap_or(Lease::MAX)
}

/// Looks a name up, and gives what was found back.
pub fn look(naming: &Directory, text: &str) -> Result<(), ResolveError> {
    naming.lookup(path(text)).map(drop)
}

/// Fails with what it was, if it is not what it should be.
pub fn equal<T: PartialEq + Debug>(what: &str, is: T, should_be: T) -> Result<(), Failure> {
    if is == should_be {
        Ok(())
    } else {
        Err(failure!("{what}: {is:?} instead of {should_be:?}"))
    }
}

/// A call's result is naming's error.
pub fn refused<T: PartialEq + Debug>(
    what: &str,
    is: Result<T, CallError<NamingError>>,
    error: NamingError,
) -> Result<(), Failure> {
    equal(what, is.map(|_| ()), Err(CallError::Interface(error)))
}

/// What was called has answered rightly.
pub fn done<T>(what: &str, is: Result<T, CallError<NamingError>>) -> Result<T, Failure> {
    is.map_err(|error| failure!("{what}: {error}"))
}

/// The first page of a directory is these names.
pub fn holds(
    what: &str,
    page: Result<Listing, CallError<NamingError>>,
    names: &[&str],
) -> Result<(), Failure> {
    let page = done(what, page)?;
    let is = page.items.iter().map(|item| item.name.as_str());
    if is.eq(names.iter().copied()) {
        Ok(())
    } else {
        Err(failure!("{what}: {:?} instead of {names:?}", page.items))
    }
}
