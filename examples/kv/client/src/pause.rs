//! Sleeping, by the timer server.

use isthmus_runtime::abi::EventBit;
use isthmus_runtime::{Duration, Kernel, Slot, Startup, service, time};
use timer_interface::TimerClient;

use crate::{Failure, failure};

/// What sleeping takes: the timer's endpoint, and the event by which it wakes us.
pub(crate) struct Pause {
    timer: Slot,
    event: EventBit,
}

impl Pause {
    pub(crate) fn new(startup: &Startup) -> Result<Self, Failure> {
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
    pub(crate) fn sleep(&self, duration: Duration) {
        let end = time::now() + duration;
        // The message has one word, so it fits.
        let _ = TimerClient::new(Kernel, self.timer).arm(end.ticks());
        while !(service::wait().contains(self.event) && time::now() >= end) {}
    }
}
