//! How much of a machine lent memory takes: what nobody else wants, and a share in any case. The prose is in `docs/bulk.md`.

use netipc_protocol::Instant;

use crate::limits::SLICE_WITHIN;

/// Whether a slice of the work may be done.
///
/// Work is asked for, and allowed as soon as the machine is idle or [`SLICE_WITHIN`] has passed; then once, and is asked for again if some is left.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is nothing to do.
    Rest,
    /// There is; at this time it is allowed however busy the machine is.
    Waits(Instant),
    /// A slice is allowed.
    Allowed,
}

/// Whether the idle machine is to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Yes.
    Idle,
    /// It will already, or need not.
    Nobody,
}

impl Share {
    /// Nothing is to be done.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Rest }
    }

    /// There is work left, at this time.
    pub fn wants(&mut self, now: Instant) -> Ask {
        match self.state {
            State::Rest => {
                self.state = State::Waits(now + SLICE_WITHIN);
                Ask::Idle
            }
            State::Waits(_) | State::Allowed => Ask::Nobody,
        }
    }

    /// Nobody else has anything to do. Not asked for, it means nothing.
    pub const fn idle(&mut self) {
        if matches!(self.state, State::Waits(_)) {
            self.state = State::Allowed;
        }
    }

    /// Whether a slice is to be done now; it counts as done.
    pub fn take(&mut self, now: Instant) -> bool {
        let allowed = match self.state {
            State::Rest => false,
            State::Waits(at) => at <= now,
            State::Allowed => true,
        };
        if allowed {
            self.state = State::Rest;
        }
        allowed
    }

    /// When a slice is allowed, if nobody says that the machine is idle.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waits(at) => Some(at),
            State::Rest | State::Allowed => None,
        }
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_nanos(micros * 1000)
    }

    #[test]
    fn an_idle_machine_allows_one_slice_for_each_time_that_it_is_asked() {
        let mut share = Share::new();
        share.idle();
        assert!(!share.take(at(0)), "nothing is wanted");
        for _ in 0..3 {
            assert_eq!(share.wants(at(0)), Ask::Idle);
            assert_eq!(share.wants(at(1)), Ask::Nobody);
            assert!(!share.take(at(1)), "the machine is busy");
            share.idle();
            assert_eq!(share.wants(at(2)), Ask::Nobody);
            assert!(share.take(at(2)));
            assert!(!share.take(at(2)), "it was one slice");
        }
    }

    #[test]
    fn a_busy_machine_allows_one_in_a_while() {
        let mut share = Share::new();
        let mut slices = 0;
        let while_ = SLICE_WITHIN.as_micros() as u64;
        for now in (0..100 * while_).step_by(10) {
            if share.take(at(now)) {
                slices += 1;
            }
            share.wants(at(now));
            let left = share.deadline().map(|due| due.as_nanos() / 1000 - now);
            assert!(left.is_some_and(|left| left <= while_));
        }
        assert_eq!(slices, 99);
    }
}
