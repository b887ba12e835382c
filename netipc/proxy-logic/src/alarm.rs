//! When to ask the timer: as seldom as can be.

use netipc_protocol::Instant;

/// What the timer was asked for.
///
/// A deadline that is not needed any more is left armed: the timer then fires once for nothing. So a row of calls, each of
/// which ends long before its deadline, asks the timer once for many.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alarm {
    armed: Option<Instant>,
}

impl Alarm {
    /// Nothing is armed.
    #[must_use]
    pub const fn new() -> Self {
        Self { armed: None }
    }

    /// The timer has fired.
    pub const fn fired(&mut self) {
        self.armed = None;
    }

    /// The next deadline is at `needed`: what to arm now, if anything.
    pub fn need(&mut self, needed: Option<Instant>) -> Option<Instant> {
        let needed = needed?;
        if self.armed.is_some_and(|armed| armed <= needed) {
            return None;
        }
        self.armed = Some(needed);
        self.armed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn only_an_earlier_deadline_is_armed() {
        let mut alarm = Alarm::new();
        assert_eq!(alarm.need(None), None);
        assert_eq!(alarm.need(Some(at(50))), Some(at(50)));
        assert_eq!(alarm.need(Some(at(50))), None);
        assert_eq!(alarm.need(Some(at(70))), None);
        assert_eq!(alarm.need(None), None);
        assert_eq!(alarm.need(Some(at(40))), Some(at(40)));
        alarm.fired();
        assert_eq!(alarm.need(Some(at(70))), Some(at(70)));
    }
}
