//! The hardware timer that this component was given.

use core::fmt;

use isthmus_abi::startup::{Interrupt, Missing, Timer};
use isthmus_runtime::Startup;

/// The timer and its interrupt.
pub struct Opened {
    /// To be set.
    pub alarm: imp::Hardware,
    /// When it rings.
    pub interrupt: Interrupt,
}

/// Why there is no timer.
pub enum NoTimer {
    /// The description grants none.
    Missing(Missing<'static>),
    /// It is one of another kind of machine, or its ports are not ours.
    Unusable,
}

impl fmt::Display for NoTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::Unusable => f.write_str("the timer granted is not one of this machine"),
        }
    }
}

/// Takes it.
pub fn open(startup: &Startup) -> Result<Opened, NoTimer> {
    imp::take(startup.timer().map_err(NoTimer::Missing)?)
}

#[cfg(target_arch = "x86_64")]
mod imp {
    use super::{NoTimer, Opened, Timer};
    use isthmus_runtime::sel4::cap;
    use isthmus_runtime::{slots, time};

    /// The PIT.
    pub type Hardware = hardware_timer::Pit<cap::IOPort>;

    pub fn take(timer: Timer) -> Result<Opened, NoTimer> {
        let Timer::Pit { ports, interrupt } = timer else {
            return Err(NoTimer::Unusable);
        };
        let alarm =
            Hardware::new(slots::cap(ports), time::frequency()).map_err(|_| NoTimer::Unusable)?;
        Ok(Opened { alarm, interrupt })
    }
}

#[cfg(target_arch = "aarch64")]
mod imp {
    use super::{NoTimer, Opened, Timer};

    /// The physical timer.
    pub type Hardware = hardware_timer::ArmPhysical;

    pub fn take(timer: Timer) -> Result<Opened, NoTimer> {
        let Timer::ArmPhysical { interrupt } = timer else {
            return Err(NoTimer::Unusable);
        };
        let alarm = Hardware::new();
        Ok(Opened { alarm, interrupt })
    }
}
