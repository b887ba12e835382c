//! Time for the leases, and the timer that wakes naming when the next one ends.

use core::time::Duration;

use isthmus_runtime::{EventBit, Kernel, Slot, Startup, time};
use naming_logic::Time;
use timer_interface::TimerClient;

const MICROS_OF_MILLI: u64 = 1000;

/// The timer, if the description gives one. Without it, what has ended is noticed at the next call.
pub struct Clock {
    timer: Option<(Slot, EventBit)>,
    /// What the timer is set to.
    set: Option<Time>,
}

impl Clock {
    pub fn new(startup: &Startup) -> Self {
        let name = TimerClient::<Kernel>::INTERFACE;
        let timer = startup.endpoint(name).ok().zip(startup.event(name).ok());
        Self { timer, set: None }
    }

    pub fn now() -> Time {
        Time(time::now().micros() / MICROS_OF_MILLI)
    }

    /// The event of the timer.
    pub fn event(&self) -> Option<EventBit> {
        self.timer.map(|(_, event)| event)
    }

    /// The timer has rung.
    pub fn rang(&mut self) {
        self.set = None;
    }

    /// Has the timer ring at `next`. Nothing is armed when there is nothing to wait for, so that an idle machine sleeps.
    pub fn need(&mut self, next: Option<Time>) {
        let Some((timer, _)) = self.timer else { return };
        if self.set == next {
            return;
        }
        self.set = next;
        let timer = TimerClient::new(Kernel, timer);
        // A word always fits a message.
        let _ = match next {
            Some(next) => timer.arm(time::ticks(Duration::from_millis(next.0))),
            None => timer.disarm(),
        };
    }
}
