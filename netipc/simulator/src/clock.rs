//! A machine's clock: it starts anywhere, runs a little too fast or too slow, and never goes back.

use std::time::Duration;

use netipc_protocol::Instant;

/// How wrong the clock of a simulated machine may run, in millionths: ten times what a quartz is allowed.
pub const DRIFT_MAX: i64 = 1000;

const MILLION: i64 = 1_000_000;

/// Local time as a straight line over the world's time; [`drift`](Self::drift) bends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    world: Instant,
    local: Instant,
    drift: i64,
}

impl Clock {
    pub(crate) const fn new(world: Instant, local: Instant, drift: i64) -> Self {
        Self {
            world,
            local,
            drift,
        }
    }

    /// What it shows.
    pub(crate) fn read(&self, world: Instant) -> Instant {
        let elapsed = nanos(self.world.until(world));
        let shown = elapsed + elapsed * self.drift / MILLION;
        self.local + Duration::from_nanos(shown as u64)
    }

    /// When it will show at least this.
    pub(crate) fn when(&self, local: Instant) -> Instant {
        let shown = nanos(self.local.until(local));
        let about = shown - shown * self.drift / (MILLION + self.drift);
        let mut at = self.world + Duration::from_nanos(about as u64);
        while self.read(at) < local {
            at = at + Duration::from_nanos(1);
        }
        at
    }

    /// From now on it runs so wrong.
    pub(crate) fn drift(&mut self, world: Instant, drift: i64) {
        *self = Self::new(world, self.read(world), drift);
    }
}

/// Histories are shorter than a day, so that a product with [`DRIFT_MAX`] fits.
fn nanos(duration: Duration) -> i64 {
    const DAY: Duration = Duration::from_secs(86_400);
    i64::try_from(duration.min(DAY).as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_time_is_reached_and_not_much_later() {
        for drift in [-DRIFT_MAX, -7, 0, 3, DRIFT_MAX] {
            let mut clock = Clock::new(Instant::from_nanos(77), Instant::from_nanos(5_000), drift);
            for local in [5_000, 5_001, 123_456_789, 9_999_999_999] {
                let local = Instant::from_nanos(local);
                let world = clock.when(local);
                assert!(clock.read(world) >= local);
                assert!(clock.read(world) <= local + Duration::from_nanos(2));
            }
            let before = clock.read(Instant::from_nanos(1_000_000));
            clock.drift(Instant::from_nanos(1_000_000), -drift);
            assert_eq!(clock.read(Instant::from_nanos(1_000_000)), before);
        }
    }
}
