//! One deadline at the timer server, armed as rarely as possible: each arming is a message.

use isthmus_abi::EventBit;
use isthmus_abi::startup::Missing;
use isthmus_runtime::calls::Kernel;
use isthmus_runtime::startup;
use network_logic::Ticks;
use timer_interface::TimerClient;

/// The server's alarm.
pub struct Alarm {
    timer: TimerClient<Kernel>,
    bit: EventBit,
    /// When it will ring. It may be earlier than needed: deadlines mostly move away before they come.
    armed: Option<Ticks>,
}

impl Alarm {
    /// By the description: `uses = ["timer"]`, and an event from it.
    pub fn new() -> Result<Self, Missing<'static>> {
        let endpoint = startup().endpoint("timer")?;
        Ok(Self {
            timer: TimerClient::new(Kernel, endpoint),
            bit: startup().event("timer")?,
            armed: None,
        })
    }

    /// The event by which it rings.
    pub const fn bit(&self) -> EventBit {
        self.bit
    }

    /// It has rung.
    pub const fn rang(&mut self) {
        self.armed = None;
    }

    /// Sees to it that it rings at `deadline` or before.
    pub fn ring_by(&mut self, deadline: Option<Ticks>) {
        let Some(deadline) = deadline else { return };
        if self.armed.is_some_and(|armed| armed <= deadline) {
            return;
        }
        // A timer that is gone never rings; retries then wait for the next frame.
        if self.timer.arm(deadline.0).is_ok() {
            self.armed = Some(deadline);
        }
    }
}
