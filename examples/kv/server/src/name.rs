//! The server's name, in the whole cluster: registered with a lease, and renewed in time.

use core::time::Duration;

use isthmus_runtime::abi::{ComponentId, EndpointBadge, ObjectId};
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{EventBit, Kernel, Service, Slot, Startup, time};
use kv_interface::Kv;
use naming_interface::{Lease, NamingClient, NamingError, Path, Reach, Registration};
use timer_interface::TimerClient;

/// The name that clients look up.
pub const NAME: &str = "kv";

/// How long the name outlives a server that has died: long enough for a busy machine, short enough for those who wait for another.
const LEASE: Duration = Duration::from_secs(15);

/// The object behind the registered capability: the store, for whoever found it.
const EVERYBODY: ObjectId = match ObjectId::new(1) {
    Some(object) => object,
    None => panic!("1 has less than 20 bits"),
};

/// What keeping the name takes.
pub struct Name {
    /// Told when it is time to renew.
    pub timer_event: EventBit,
    timer: Slot,
    naming: Slot,
    registration: Registration,
}

impl Name {
    /// What the description gives for it.
    pub fn of(startup: &Startup, service: Service) -> Result<Self, &'static str> {
        let timer = TimerClient::<Kernel>::INTERFACE;
        // The registered capability is everybody's: it tells no client.
        let badge = EndpointBadge {
            client: ComponentId::ROOT_TASK,
            object: EVERYBODY,
        };
        let itself = service
            .mint::<dyn Kv>(badge)
            .map_err(|_| "no slot is left")?;
        Ok(Self {
            timer_event: startup
                .event(timer)
                .map_err(|_| "the timer has no event for it")?,
            timer: startup
                .endpoint(timer)
                .map_err(|_| "it does not use the timer")?,
            naming: startup
                .endpoint(NamingClient::<Kernel>::INTERFACE)
                .map_err(|_| "it does not use naming")?,
            registration: Registration {
                path: Path::new(NAME).map_err(|_| "its name is malformed")?,
                capability: itself.cast(),
                lease: Lease::new(LEASE).map_err(|_| "its lease is too long")?,
                reach: Reach::Cluster,
            },
        })
    }

    /// Registers the name, or renews it, and has the timer tell when it is time again.
    pub fn keep(&self) -> Result<(), CallError<NamingError>> {
        let next = time::now() + self.registration.lease.renew_after();
        // A word always fits a message.
        let _ = TimerClient::new(Kernel, self.timer).arm(next.ticks());
        self.registration.keep(&Kernel, self.naming).map(|_| ())
    }
}
