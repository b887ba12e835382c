//! From ticks of the machine's counter to the protocol's nanoseconds and back, by a multiplication each: this is done several
//! times for each message.

use netipc_protocol::Instant;

const NANOS: u64 = 1_000_000_000;
/// Bits behind the point of the factors.
const FRACTION: u32 = 32;

/// The machine's counter as a clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Nanoseconds in a tick, `FRACTION` bits behind the point.
    nanos_per_tick: u64,
    /// Ticks in a nanosecond, likewise.
    ticks_per_nano: u64,
}

impl Clock {
    /// Of a counter with so many ticks a second, at least 1 and below 2³².
    #[must_use]
    pub const fn new(hz: u64) -> Self {
        let hz = if hz == 0 { 1 } else { hz };
        Self {
            nanos_per_tick: ((NANOS as u128) << FRACTION).div_ceil(hz as u128) as u64,
            ticks_per_nano: ((hz as u128) << FRACTION).div_ceil(NANOS as u128) as u64,
        }
    }

    /// The time at a reading of the counter.
    #[must_use]
    pub const fn instant(self, ticks: u64) -> Instant {
        Instant::from_nanos(scale(ticks, self.nanos_per_tick))
    }

    /// The first reading of the counter that is not before `instant`, or a little later.
    #[must_use]
    pub const fn ticks(self, instant: Instant) -> u64 {
        scale(instant.as_nanos(), self.ticks_per_nano).saturating_add(1)
    }
}

const fn scale(value: u64, factor: u64) -> u64 {
    let product = (value as u128 * factor as u128) >> FRACTION;
    if product > u64::MAX as u128 {
        u64::MAX
    } else {
        product as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A year, in nanoseconds.
    const YEAR: u64 = 365 * 24 * 3600 * NANOS;

    proptest! {
        #[test]
        fn time_does_not_go_back(hz in 1_000_000..4_000_000_000_u64, ticks in 0..u64::MAX / 2, more in 0..1_000_000_u64) {
            let clock = Clock::new(hz);
            prop_assert!(clock.instant(ticks) <= clock.instant(ticks + more));
        }

        #[test]
        fn an_alarm_is_not_early_and_hardly_late(hz in 1_000_000..4_000_000_000_u64, nanos in 0..YEAR) {
            let clock = Clock::new(hz);
            let back = clock.instant(clock.ticks(Instant::from_nanos(nanos))).as_nanos();
            prop_assert!(back >= nanos);
            // Two ticks, and the factors' error over the time.
            prop_assert!(back - nanos <= 2 * NANOS.div_ceil(hz) + nanos / 1_000_000);
        }
    }

    #[test]
    fn a_second_is_a_second() {
        for hz in [62_500_000, 1_000_000_000, 2_399_999_999] {
            let nanos = Clock::new(hz).instant(hz).as_nanos();
            assert!(nanos.abs_diff(NANOS) <= 1, "{hz} Hz: {nanos} ns");
        }
    }
}
