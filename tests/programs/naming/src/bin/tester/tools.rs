//! What every part of the test needs.

use core::fmt::Debug;
use core::time::Duration;

use isthmus_runtime::abi::slots::{NOTIFICATION, SERVICE};
use isthmus_runtime::abi::{ComponentId, EndpointBadge, EventBit, ObjectId};
use isthmus_runtime::interface::CallError;
use isthmus_runtime::sel4::CapRights;
use isthmus_runtime::{Kernel, Slot, Startup, service, slots, time};
use naming_interface::{
    Access, Lease, Listing, NamingClient, NamingError, Path, Reach, ResolveError, resolve,
};
use naming_programs::OWNER;
use remote_programs::{Failure, failure};
use timer_interface::TimerClient;

/// How long to look for what another machine, which may be starting, has.
const LOOK_FOR: Duration = Duration::from_secs(60);
/// Between two look-ups.
pub const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// To be called, and passed on; never to receive.
const CALLED: CapRights = CapRights::new(false, true, false, true);
/// To be signalled.
const SIGNALLED: CapRights = CapRights::new(false, false, false, true);
/// By which changes are heard: no other source has so high a bit.
const CHANGED: u8 = 62;

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
    pub fn root(&self) -> NamingClient<'static, Kernel> {
        NamingClient::new(&Kernel, self.naming)
    }

    /// A capability to a directory.
    pub fn open(
        &self,
        of: NamingClient<'static, Kernel>,
        text: &str,
        access: Access,
    ) -> Result<NamingClient<'static, Kernel>, Failure> {
        let ((), slot) = of
            .open(path(text), access)
            .map_err(|error| failure!("open {text}: {error}"))?;
        Ok(NamingClient::new(&Kernel, slot))
    }

    /// A capability to this component's endpoint. Nobody answers there.
    pub fn endpoint(&self) -> Result<Slot, Failure> {
        let badge = EndpointBadge {
            client: ComponentId::ROOT_TASK,
            object: ObjectId::new(1).ok_or_else(|| failure!("1 has less than 20 bits"))?,
        };
        mint(SERVICE, CALLED, badge.bits())
    }

    /// A capability by which changes are heard.
    pub fn notification(&self) -> Result<Slot, Failure> {
        mint(NOTIFICATION, SIGNALLED, self.changed.badge())
    }

    /// Registers this component's endpoint.
    pub fn register(
        &self,
        directory: NamingClient<'static, Kernel>,
        text: &str,
        lease: Lease,
        reach: Reach,
    ) -> Result<(), CallError<NamingError>> {
        let Ok(slot) = self.endpoint() else {
            return Err(isthmus_runtime::abi::NotExecuted::Overload.into());
        };
        let result = directory.register(path(text), lease, reach, slot);
        slots::free(slot);
        result
    }

    /// Waits for a change, or until `limit` is over.
    pub fn listen(&self, limit: Duration) -> Heard {
        let end = time::now() + limit;
        // A word always fits a message.
        let _ = TimerClient::new(&Kernel, self.timer).arm(end.ticks());
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
    pub fn owner(&self) -> Result<Slot, Failure> {
        self.until(|| resolve(&Kernel, self.naming, &path(OWNER)))
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

fn mint(from: Slot, rights: CapRights, badge: u64) -> Result<Slot, Failure> {
    let slot = slots::allocate().map_err(|error| failure!("{error:?}"))?;
    slots::absolute(slot)
        .mint(&slots::absolute(from), rights, badge)
        .map_err(|error| failure!("the kernel refuses to mint: {error:?}"))?;
    Ok(slot)
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
pub fn look(naming: NamingClient<'static, Kernel>, text: &str) -> Result<(), ResolveError> {
    let ((), slot) = naming.lookup(path(text))?;
    slots::free(slot);
    Ok(())
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
