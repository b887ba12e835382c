//! Sleeping, by the timer server. Needs `uses = ["timer"]` and an `[[event]]` from the timer to this component.

use isthmus_abi::EventBit;
use isthmus_abi::startup::Missing;
use timer_interface::TimerClient;

use crate::{Duration, Kernel, Slot, service, startup, time};

/// What sleeping takes: the timer's endpoint, and the event by which it wakes us.
///
/// Only for the main thread of a component that hears no other events: one that comes meanwhile is taken, and lost. There is one deadline for each
/// component; a server that has one of its own arms the timer itself.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    timer: Slot,
    event: EventBit,
}

impl Pause {
    /// From what the description gives.
    ///
    /// # Errors
    /// What it lacks.
    pub fn new() -> Result<Self, Missing<'static>> {
        let name = TimerClient::<Kernel>::INTERFACE;
        Ok(Self {
            timer: startup().endpoint(name)?,
            event: startup().event(name)?,
        })
    }

    /// Returns after `duration`, or a little later.
    pub fn sleep(&self, duration: Duration) {
        let end = time::now() + duration;
        // The message has one word, so it fits.
        let _ = TimerClient::new(Kernel, self.timer).arm(end.ticks());
        while !(service::wait().contains(self.event) && time::now() >= end) {}
    }
}

/// Returns after `duration`, or a little later: a [`Pause`] for who needs one only once.
///
/// # Errors
/// What the description lacks.
pub fn sleep(duration: Duration) -> Result<(), Missing<'static>> {
    Pause::new().map(|pause| pause.sleep(duration))
}
