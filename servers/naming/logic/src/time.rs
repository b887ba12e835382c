//! Time, as it is handed in.

use core::time::Duration;

use crate::limits::{DRIFT_BASE, DRIFT_PART};

/// A point in time: milliseconds since some start of this machine's counter. Means nothing on another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// This much later.
    #[must_use]
    pub const fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_millis() as u64))
    }

    /// From this to `later`, in milliseconds; zero if that is earlier.
    #[must_use]
    pub fn millis_to(self, later: Self) -> u32 {
        later
            .0
            .saturating_sub(self.0)
            .try_into()
            .unwrap_or(u32::MAX)
    }
}

/// How much longer than `lease` a mirror keeps what it was told to last so long.
#[must_use]
pub fn drift(lease: Duration) -> Duration {
    lease / DRIFT_PART + DRIFT_BASE
}
