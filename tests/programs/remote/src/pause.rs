//! Sleeping, by the timer server.

use isthmus_runtime::{Duration, EventBit, Kernel, Slot, Startup, service, time};
use timer_interface::TimerClient;

use crate::{Failure, failure};

/// What sleeping takes: the timer's endpoint, and the event by which it wakes us.
pub struct Pause {
    timer: Slot,
    event: EventBit,
}

impl Pause {
    /// For a component that uses the timer and gets its event.
    ///
    /// # Errors
    /// What the description does not give it.
    pub fn new(startup: &Startup) -> Result<Self, Failure> {
        let name = TimerClient::<Kernel>::INTERFACE;
        let timer = startup
            .endpoint(name)
            .map_err(|missing| failure!("{missing}"))?;
        let event = startup
            .event(name)
            .map_err(|missing| failure!("{missing}"))?;
        Ok(Self { timer, event })
    }

    /// Returns after `duration`, or a little later.
    pub fn sleep(&self, duration: Duration) {
        let end = time::now() + duration;
        // The message has one word, so it fits.
        let _ = TimerClient::new(Kernel, self.timer).arm(end.ticks());
        while !(service::wait().contains(self.event) && time::now() >= end) {}
    }
}
