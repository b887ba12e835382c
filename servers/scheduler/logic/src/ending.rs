//! How processes end.

use core::fmt;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Its main function returned, or it ended itself without an error.
    Exited,
    /// A thread of it faulted.
    Faulted,
    /// A thread of it panicked.
    Panicked,
    /// Somebody asked the scheduler to stop it.
    Stopped,
    /// Somebody asked the scheduler to kill it.
    Killed,
    /// A component that it depends on failed, and it is started again with that one.
    WithAnother,
    /// It could not be started: no memory, or no usable program.
    NotStarted,
}

impl Ending {
    /// Every ending, with the number that stands for it in a message.
    pub const ALL: [(Self, u8); 7] = [
        (Self::Exited, 1),
        (Self::Faulted, 2),
        (Self::Panicked, 3),
        (Self::Stopped, 4),
        (Self::Killed, 5),
        (Self::WithAnother, 6),
        (Self::NotStarted, 7),
    ];

    /// Whether the policy for failures is followed.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Faulted | Self::Panicked | Self::Killed | Self::NotStarted
        )
    }

    /// The number that stands for it in a message.
    #[must_use]
    pub fn code(self) -> u8 {
        let found = Self::ALL.iter().find(|(ending, _)| *ending == self);
        found.map_or(0, |(_, code)| *code)
    }

    /// The ending with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == code);
        found.map(|(ending, _)| *ending)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exited => "it ended itself",
            Self::Faulted => "it faulted",
            Self::Panicked => "it panicked",
            Self::Stopped => "it was stopped",
            Self::Killed => "it was killed",
            Self::WithAnother => "it is started again with what it depends on",
            Self::NotStarted => "it could not be started",
        })
    }
}
