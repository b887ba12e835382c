//! Time: the machine's counter, read without a call. Waking up at a time is the timer server's (`docs/timer.md`).

use core::ops::{Add, Sub};

pub use core::time::Duration;

use crate::{arch, startup};

/// Nanoseconds in a second.
const NANOS: u128 = 1_000_000_000;

/// A point in time: ticks of the machine's counter since some time before its start. Means nothing on another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    ticks: u64,
}

/// Now.
#[must_use]
pub fn now() -> Instant {
    Instant {
        ticks: arch::counter(),
    }
}

/// Ticks of the counter in a second.
#[must_use]
pub fn frequency() -> u64 {
    startup().machine.counter_hz
}

impl Instant {
    /// From a reading of the counter.
    #[must_use]
    pub const fn from_ticks(ticks: u64) -> Self {
        Self { ticks }
    }

    /// The reading of the counter.
    #[must_use]
    pub const fn ticks(self) -> u64 {
        self.ticks
    }

    /// Microseconds since the counter started.
    #[must_use]
    pub fn micros(self) -> u64 {
        (u128::from(self.ticks) * 1_000_000 / u128::from(frequency())) as u64
    }

    /// Time from `earlier` to this; zero if that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        duration(self.ticks.saturating_sub(earlier.ticks))
    }
}

/// How long `ticks` of the counter are.
#[must_use]
pub fn duration(ticks: u64) -> Duration {
    Duration::from_nanos((u128::from(ticks) * NANOS / u128::from(frequency())) as u64)
}

/// How many ticks of the counter `duration` has, rounded up.
#[must_use]
pub fn ticks(duration: Duration) -> u64 {
    let ticks = (duration.as_nanos() * u128::from(frequency())).div_ceil(NANOS);
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self {
            ticks: self.ticks.saturating_add(ticks(duration)),
        }
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}
