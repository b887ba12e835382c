//! Whether to stay awake for an answer: only where answers usually come soon.

use core::time::Duration;

use netipc_protocol::Instant;

/// For how long a processor stays awake after a request has left, at most; and the longest usual time to an answer for which it does.
pub const LONGEST: Duration = Duration::from_millis(1);
/// The weight of the newest time in the usual one is one in so many.
const WEIGHT: u64 = 4;

/// How long answers take: from the first request that is out to the next frame that comes, smoothed.
///
/// A single late one changes little, for it counts as twice [`LONGEST`] at most: four that come soon make up for any number of those.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// When the oldest request left after which nothing has come yet.
    since: Option<Instant>,
    /// The usual time, in nanoseconds.
    usual: u64,
}

impl Patience {
    /// Nothing is known: the first answer is taken to come soon.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            since: None,
            usual: 0,
        }
    }

    /// A request has left: until when it pays to stay awake, if at all.
    pub fn sent(&mut self, now: Instant) -> Option<Instant> {
        self.since.get_or_insert(now);
        (self.usual <= nanos(LONGEST)).then(|| now + LONGEST)
    }

    /// A frame has come.
    pub fn heard(&mut self, now: Instant) {
        let Some(since) = self.since.take() else {
            return;
        };
        let took = now.as_nanos().saturating_sub(since.as_nanos());
        let took = took.min(2 * nanos(LONGEST));
        self.usual = (self.usual * (WEIGHT - 1) + took) / WEIGHT;
    }

    /// Nothing is waited for any more.
    pub const fn over(&mut self) {
        self.since = None;
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::new()
    }
}

const fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_nanos(micros * 1000)
    }

    /// A row of calls, each answered after `micros`; whether one more would be waited for awake.
    fn after(patience: &mut Patience, calls: u64, micros: u64) -> bool {
        for call in 0..calls {
            let start = call * 10_000_000;
            patience.sent(at(start));
            patience.heard(at(start + micros));
        }
        patience.sent(at(0)).is_some()
    }

    #[test]
    fn soon_answers_are_waited_for_awake_and_late_ones_are_not() {
        let mut patience = Patience::new();
        assert_eq!(patience.sent(at(5)), Some(at(1005)));
        patience.over();
        assert!(after(&mut patience, 100, 300));
        patience.over();
        assert!(!after(&mut patience, 100, 5000));
    }

    #[test]
    fn one_late_answer_changes_nothing_and_four_soon_ones_undo_any_number() {
        let mut patience = Patience::new();
        assert!(after(&mut patience, 100, 300));
        patience.over();
        assert!(after(&mut patience, 1, 4_000_000));
        patience.over();
        assert!(!after(&mut patience, 1000, 4_000_000));
        patience.over();
        assert!(after(&mut patience, 4, 300));
    }

    #[test]
    fn what_comes_without_a_request_is_no_answer() {
        let mut patience = Patience::new();
        for micros in 0..100 {
            patience.heard(at(micros * 100_000));
        }
        assert!(patience.sent(at(0)).is_some());
        // Once it is over, the next frame is no answer either.
        patience.over();
        patience.heard(at(90_000_000));
        assert!(patience.sent(at(0)).is_some());
    }
}
