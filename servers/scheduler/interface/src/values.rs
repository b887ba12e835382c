//! What the calls carry.

use core::fmt;

use isthmus_interface::Wire;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Wire)]
pub enum How {
    /// Its main function returned, or it ended itself without an error.
    Exited = 1,
    /// A thread of it faulted.
    Faulted = 2,
    /// A thread of it panicked.
    Panicked = 3,
    /// Somebody asked the scheduler to stop it.
    Stopped = 4,
    /// Somebody asked the scheduler to kill it.
    Killed = 5,
    /// It is started again with a component that it depends on.
    WithAnother = 6,
    /// It could not be started.
    NotStarted = 7,
}

impl fmt::Display for How {
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

/// The end of a process.
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
    /// How it ended last, if it did since its last start.
    pub how: Option<How>,
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
