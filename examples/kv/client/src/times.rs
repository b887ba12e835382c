//! How long calls took.

use alloc::vec::Vec;
use core::fmt;

use isthmus_runtime::Duration;

/// A duration in milliseconds, to three places.
pub(crate) struct Millis(pub(crate) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}.{:03} ms", micros / 1000, micros % 1000)
    }
}

/// Durations, of which the middle and both ends are told. The room is taken beforehand: calls do not allocate.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn for_calls(calls: u32) -> Self {
        Self(Vec::with_capacity(calls as usize))
    }

    /// Notes one; more than there is room for are not noted.
    pub(crate) fn note(&mut self, duration: Duration) {
        if self.0.len() < self.0.capacity() {
            self.0.push(duration);
        }
    }

    /// Fastest, median, slowest.
    pub(crate) fn spread(mut self) -> Option<[Duration; 3]> {
        self.0.sort_unstable();
        let last = self.0.len().checked_sub(1)?;
        Some([self.0[0], self.0[last / 2], self.0[last]])
    }
}
