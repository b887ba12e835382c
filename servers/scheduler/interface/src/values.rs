//! What the calls carry.

use core::fmt;

use isthmus_interface::abi::ExitCode;
use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// Its main function returned, with this code.
    Returned(ExitCode),
    /// It asked for its end, with this code.
    Exited(ExitCode),
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

impl How {
    /// The number that stands for it in a message, and the code that follows.
    const fn words(self) -> [u64; 2] {
        match self {
            Self::Returned(code) => [1, code.0 as u64],
            Self::Exited(code) => [2, code.0 as u64],
            Self::Faulted => [3, 0],
            Self::Panicked => [4, 0],
            Self::Stopped => [5, 0],
            Self::Killed => [6, 0],
            Self::WithAnother => [7, 0],
            Self::NotStarted => [8, 0],
        }
    }

    /// Whether the policy for failures is followed.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        match self {
            Self::Returned(code) | Self::Exited(code) => !code.is_success(),
            Self::Faulted | Self::Panicked | Self::Killed | Self::NotStarted => true,
            Self::Stopped | Self::WithAnother => false,
        }
    }
}

impl Wire for How {
    const MAX_WORDS: usize = 2;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.words()
            .into_iter()
            .try_for_each(|word| writer.word(word))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let words = [reader.word()?, reader.word()?];
        let code = ExitCode(u32::try_from(words[1]).map_err(|_| Malformed)?);
        let all = [
            Self::Returned(code),
            Self::Exited(code),
            Self::Faulted,
            Self::Panicked,
            Self::Stopped,
            Self::Killed,
            Self::WithAnother,
            Self::NotStarted,
        ];
        let meant = all.into_iter().find(|how| how.words() == words);
        meant.ok_or(Malformed)
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Returned(code) => return write!(f, "its main function returned with {code}"),
            Self::Exited(code) => return write!(f, "it exited with {code}"),
            Self::Faulted => "it faulted",
            Self::Panicked => "it panicked",
            Self::Stopped => "it was stopped",
            Self::Killed => "it was killed",
            Self::WithAnother => "it is started again with what it depends on",
            Self::NotStarted => "it could not be started",
        })
    }
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Wire)]
pub enum Condition {
    /// It was never started.
    Absent = 1,
    /// It runs.
    Running = 2,
    /// It ended, and stays so until somebody starts it.
    Ended = 3,
    /// It ended, and will be started again.
    Waiting = 4,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "never started",
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Waiting => "waiting for its restart",
        })
    }
}

/// The end of one of a process's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Ended {
    /// How.
    pub how: How,
    /// Which of its starts it was that ended, from 1.
    pub start: u32,
}

/// The state of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Report {
    /// What it is doing.
    pub condition: Condition,
    /// Its last end, also when it runs again.
    pub last: Option<Ended>,
    /// How often it was started.
    pub starts: u32,
    /// The priority that its threads have; less than its own while it has had more than its share of the processor.
    pub priority: u8,
}

/// Counts of one machine's scheduler. With no process running, they are what they were before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire)]
pub struct Statistics {
    /// Slots for processes that nobody has.
    pub free_slots: u32,
    /// Processes that run.
    pub running: u32,
    /// Starts since the machine's.
    pub starts: u64,
    /// Clients that wait for an end.
    pub waiting: u32,
}
