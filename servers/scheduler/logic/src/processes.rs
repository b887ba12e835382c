//! The states of processes, and the policy of restarts.

use heapless::Vec;
use isthmus_abi::ComponentId;
use scheduler_interface::{Ended, How};

use crate::limits::{COMPONENTS, HEALTHY_MILLISECONDS, WAITERS, WATCHERS};
use crate::set::Set;

/// What follows when a process fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It stays ended.
    Never,
    /// It is started again.
    OnFailure {
        /// Milliseconds before the first restart; doubled for each further one in a row.
        back_off: u32,
        /// Milliseconds before a restart, at most.
        longest: u32,
        /// Restarts in a row, after which it stays ended.
        restarts: u16,
        /// Who is started again with it, after it.
        with: Set,
    },
}

/// The state of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was never started.
    Absent,
    /// It runs.
    Running {
        /// Since when, in milliseconds.
        since: u64,
    },
    /// It ended, and stays so until it is asked for.
    Ended(How),
    /// It ended, and will be started again.
    Waiting {
        /// When, in milliseconds.
        until: u64,
        /// How it ended.
        how: How,
    },
}

/// Why a process is not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// It runs already.
    Running,
    /// The scheduler starts no such component.
    Unknown,
}

/// Others that must be ended because of an end: they are started again with who ended. They are in their new state already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlsoEnded(pub Set);

/// No room for another waiter or watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

#[derive(Clone, Copy, Debug)]
struct Process {
    policy: Policy,
    state: State,
    /// Restarts in a row.
    restarts: u16,
    /// Starts since the machine's.
    starts: u32,
    /// How it ended last.
    last: Option<Ended>,
}

/// The processes of one machine that the scheduler starts. A waiter `W` is answered once, when a process has ended; a watcher `H` is signalled
/// at each end. Both are given back when they are due: nothing here knows what they are.
#[derive(Debug)]
pub struct Processes<W, H> {
    processes: [Option<Process>; COMPONENTS],
    waiters: Vec<(ComponentId, W), WAITERS>,
    watchers: Vec<(ComponentId, H), WATCHERS>,
}

impl<W, H> Default for Processes<W, H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W, H> Processes<W, H> {
    /// No processes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            processes: [None; COMPONENTS],
            waiters: Vec::new(),
            watchers: Vec::new(),
        }
    }

    /// Adds a component that the scheduler may start. A number that no component can have is passed over.
    pub fn add(&mut self, id: ComponentId, policy: Policy) {
        if let Some(entry) = self.processes.get_mut(usize::from(id.0)) {
            *entry = Some(Process {
                policy,
                state: State::Absent,
                restarts: 0,
                starts: 0,
                last: None,
            });
        }
    }

    fn get(&self, id: ComponentId) -> Option<&Process> {
        self.processes.get(usize::from(id.0))?.as_ref()
    }

    fn get_mut(&mut self, id: ComponentId) -> Option<&mut Process> {
        self.processes.get_mut(usize::from(id.0))?.as_mut()
    }

    /// The state of a process; `None` if the scheduler starts no such component.
    #[must_use]
    pub fn state(&self, id: ComponentId) -> Option<State> {
        self.get(id).map(|process| process.state)
    }

    /// How often a process was started since the machine was.
    #[must_use]
    pub fn starts(&self, id: ComponentId) -> u32 {
        self.get(id).map_or(0, |process| process.starts)
    }

    /// The last end of a process, whether it runs again or not.
    #[must_use]
    pub fn last_end(&self, id: ComponentId) -> Option<Ended> {
        self.get(id)?.last
    }

    /// Whether a process runs.
    #[must_use]
    pub fn is_running(&self, id: ComponentId) -> bool {
        matches!(self.state(id), Some(State::Running { .. }))
    }

    /// Somebody asks for a start: at once, whatever the policy was waiting for.
    ///
    /// # Errors
    /// [`NotStarted`]
    pub fn start(&mut self, id: ComponentId, now: u64) -> Result<(), NotStarted> {
        let process = self.get_mut(id).ok_or(NotStarted::Unknown)?;
        if matches!(process.state, State::Running { .. }) {
            return Err(NotStarted::Running);
        }
        process.restarts = 0;
        process.run(now);
        Ok(())
    }

    /// A process has ended, or could not be started. `None` if it did not run.
    pub fn end(&mut self, id: ComponentId, how: How, now: u64) -> Option<AlsoEnded> {
        let process = self.get_mut(id)?;
        let State::Running { since } = process.state else {
            return None;
        };
        if now.saturating_sub(since) >= HEALTHY_MILLISECONDS {
            process.restarts = 0;
        }
        let until = process.next_start(how, now);
        process.end(match until {
            Some(until) => State::Waiting { until, how },
            None => State::Ended(how),
        });
        let mut also = Set::EMPTY;
        if let (Some(until), Policy::OnFailure { with, .. }) = (until, process.policy) {
            for other in with.iter().filter(|&other| other != id) {
                if self.end_with(other, until) {
                    also.insert(other);
                }
            }
        }
        Some(AlsoEnded(also))
    }

    /// Ends a running dependant until `until`; whether it ran.
    fn end_with(&mut self, id: ComponentId, until: u64) -> bool {
        match self.get_mut(id) {
            Some(process) if matches!(process.state, State::Running { .. }) => {
                process.end(State::Waiting {
                    until,
                    how: How::WithAnother,
                });
                true
            }
            _ => false,
        }
    }

    /// Somebody asks that a process that is not running be not started again either.
    pub fn forget_restart(&mut self, id: ComponentId) {
        if let Some(process) = self.get_mut(id)
            && let State::Waiting { how, .. } = process.state
        {
            process.state = State::Ended(how);
        }
    }

    /// When the next restart is due.
    #[must_use]
    pub fn next_restart(&self) -> Option<u64> {
        let all = self.processes.iter().flatten();
        all.filter_map(|process| match process.state {
            State::Waiting { until, .. } => Some(until),
            _ => None,
        })
        .min()
    }

    /// The next process whose restart is due; it counts as running from now on. What was ended because of another comes after that one.
    pub fn restart(&mut self, now: u64) -> Option<ComponentId> {
        let due = |process: &Process, with_another: bool| match process.state {
            State::Waiting { until, how } => {
                until <= now && (how == How::WithAnother) == with_another
            }
            _ => false,
        };
        let find = |with_another| {
            self.processes
                .iter()
                .position(|entry| entry.as_ref().is_some_and(|p| due(p, with_another)))
        };
        let index = find(false).or_else(|| find(true))?;
        let process = self.processes[index].as_mut()?;
        process.run(now);
        Some(ComponentId(index as u8))
    }

    /// Adds a waiter for the end of a running process.
    ///
    /// # Errors
    /// [`Full`], with the waiter.
    pub fn wait(&mut self, id: ComponentId, waiter: W) -> Result<(), (Full, W)> {
        self.waiters
            .push((id, waiter))
            .map_err(|(_, waiter)| (Full, waiter))
    }

    /// A waiter for a process that has ended: to be asked for until there is none.
    pub fn take_waiter(&mut self, id: ComponentId) -> Option<W> {
        let index = self.waiters.iter().position(|(of, _)| *of == id)?;
        Some(self.waiters.swap_remove(index).1)
    }

    /// Takes away the waiters that `gone` says of, one by one.
    pub fn take_waiter_that(&mut self, mut gone: impl FnMut(&W) -> bool) -> Option<W> {
        let index = self.waiters.iter().position(|(_, waiter)| gone(waiter))?;
        Some(self.waiters.swap_remove(index).1)
    }

    /// Adds a watcher of a process.
    ///
    /// # Errors
    /// [`Full`], with the watcher.
    pub fn watch(&mut self, id: ComponentId, watcher: H) -> Result<(), (Full, H)> {
        self.watchers
            .push((id, watcher))
            .map_err(|(_, watcher)| (Full, watcher))
    }

    /// The watchers of a process.
    pub fn watchers(&self, id: ComponentId) -> impl Iterator<Item = &H> {
        let of = move |entry: &&(ComponentId, H)| entry.0 == id;
        self.watchers.iter().filter(of).map(|(_, watcher)| watcher)
    }

    /// Takes away the watchers that `gone` says of, one by one.
    pub fn take_watcher(&mut self, mut gone: impl FnMut(&H) -> bool) -> Option<H> {
        let index = self
            .watchers
            .iter()
            .position(|(_, watcher)| gone(watcher))?;
        Some(self.watchers.swap_remove(index).1)
    }
}

impl Process {
    fn run(&mut self, now: u64) {
        self.state = State::Running { since: now };
        self.starts = self.starts.saturating_add(1);
    }

    /// Its run is over, and `state` follows.
    const fn end(&mut self, state: State) {
        if let State::Ended(how) | State::Waiting { how, .. } = state {
            self.last = Some(Ended {
                how,
                start: self.starts,
            });
        }
        self.state = state;
    }

    /// When it is started again after `how`, if the policy says so; counts the restart.
    fn next_start(&mut self, how: How, now: u64) -> Option<u64> {
        let Policy::OnFailure {
            back_off,
            longest,
            restarts,
            ..
        } = self.policy
        else {
            return None;
        };
        if !how.is_failure() || self.restarts >= restarts {
            return None;
        }
        let doubled = u64::from(back_off) << self.restarts.min(u16::BITS as u16);
        self.restarts += 1;
        Some(now.saturating_add(doubled.min(u64::from(longest))))
    }
}
