//! Time, in milliseconds, and the timer server, which wakes the scheduler when a restart is due.

use isthmus_abi::EventBit;
use isthmus_runtime::{Kernel, Slot, Startup, time};
use timer_interface::TimerClient;

use crate::Unfit;

/// The timer's interface, and the component that is expected to serve it.
const TIMER: &str = TimerClient::<Kernel>::INTERFACE;

/// The scheduler's alarm.
pub struct Clock {
    timer: Slot,
    /// The bit by which it rings.
    pub bit: EventBit,
    /// What it is set to, in milliseconds.
    set: Option<u64>,
}

impl Clock {
    /// From what the description grants.
    pub fn new(startup: &Startup) -> Result<Self, Unfit> {
        let missing = Unfit::Missing("uses = [\"timer\"], and an [[event]] from the timer");
        let (Ok(timer), Ok(bit)) = (startup.endpoint(TIMER), startup.event(TIMER)) else {
            return Err(missing);
        };
        Ok(Self {
            timer,
            bit,
            set: None,
        })
    }

    /// Milliseconds since some time before the machine's start.
    pub fn now() -> u64 {
        time::now().micros() / 1_000
    }

    /// Rings at `due`, in place of what was set before.
    pub fn set(&mut self, due: Option<u64>) {
        if due == self.set {
            return;
        }
        self.set = due;
        let timer = TimerClient::new(Kernel, self.timer);
        // One-way, and short: it cannot fail here, and there is nobody to tell.
        let _ = match due {
            Some(due) => timer.arm(Self::ticks(due)),
            None => timer.disarm(),
        };
    }

    /// Ticks of the counter in so many milliseconds, rounded up.
    pub fn ticks(milliseconds: u64) -> u64 {
        let ticks = (u128::from(milliseconds) * u128::from(time::frequency())).div_ceil(1_000);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// It has rung.
    pub fn rang(&mut self) {
        self.set = None;
    }
}
