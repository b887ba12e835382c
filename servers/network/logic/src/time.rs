//! Time as the machine counts it.
use core::time::Duration;

/// A reading of the machine's counter. Arithmetic saturates: it never wraps in the life of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(pub u64);

impl Ticks {
    /// Ticks from `earlier` to this; zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// How fast the counter counts. Times are compared in ticks; only what leaves the fast path is converted.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    hertz: u64,
}

impl Clock {
    /// A counter with `hertz` ticks a second; 0 counts as 1.
    #[must_use]
    pub const fn new(hertz: u64) -> Self {
        Self {
            hertz: if hertz == 0 { 1 } else { hertz },
        }
    }

    /// How many ticks `duration` has, rounded up.
    #[must_use]
    pub const fn ticks(self, duration: Duration) -> u64 {
        const NANOS: u128 = 1_000_000_000;
        let ticks = (duration.as_nanos() * self.hertz as u128).div_ceil(NANOS);
        if ticks > u64::MAX as u128 {
            u64::MAX
        } else {
            ticks as u64
        }
    }

    /// `duration` after `from`.
    #[must_use]
    pub const fn after(self, from: Ticks, duration: Duration) -> Ticks {
        Ticks(from.0.saturating_add(self.ticks(duration)))
    }

    /// smoltcp's view of a time.
    pub(crate) fn instant(self, at: Ticks) -> smoltcp::time::Instant {
        let micros = u128::from(at.0) * 1_000_000 / u128::from(self.hertz);
        smoltcp::time::Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}
