//! Runs of components: how the scheduler tells netipc's proxy, which it never waits for, that one has ended.
//!
//! The channel [`CHANNEL`] between the two holds a word for each component, at the index that is its number. The scheduler writes it, and signals when a run has
//! ended; the proxy reads. Nobody blocks, and whatever is read late is still true.

use crate::badge::ComponentId;

/// The channel between scheduler and proxy.
pub const CHANNEL: &str = "runs";

/// A run of a component: the word of its component while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run(u64);

impl Run {
    /// Of a component that the scheduler does not start, or where nobody tells.
    pub const UNTOLD: Self = Self(0);

    /// What a component's word says.
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The component's word.
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// Where a component's word is.
    #[must_use]
    pub const fn index(component: ComponentId) -> usize {
        component.0 as usize
    }

    /// The next run begins.
    #[must_use]
    pub const fn begin(self) -> Self {
        // Odd while it lasts. They do not run out in the lifetime of a machine.
        Self(self.0.wrapping_add(1) | 1)
    }

    /// It has ended.
    #[must_use]
    pub const fn end(self) -> Self {
        match self.0 % 2 {
            1 => Self(self.0.wrapping_add(1)),
            _ => self,
        }
    }

    /// Whether this run is over, where the component's word says `now`.
    #[must_use]
    pub const fn is_over(self, now: Self) -> bool {
        self.0 != now.0 || (now.0 != 0 && now.0.is_multiple_of(2))
    }
}
