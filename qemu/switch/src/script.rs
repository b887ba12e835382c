//! Commands with the times at which they count.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use crate::commands::{Command, CommandError, duration};

/// A file of lines `TIME COMMAND`, the times counted from when the script is given to the switch. Empty lines, and what follows a `#`, are passed over.
///
/// ```text
/// # a bad second
/// 2s    loss all 20%
/// 2.5s  cut 1>2
/// 3s    clear all
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    steps: VecDeque<(Duration, Command)>,
}

/// What is wrong with a script, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ScriptError {
    /// From 1.
    pub line: usize,
    /// What.
    pub what: ScriptMistake,
}

/// What is wrong with a line of a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptMistake {
    /// It does not begin with a time.
    #[error("`{0}` is no time: write 2s, 150ms or 500us, and then the command")]
    Time(String),
    /// Its time is before that of the line above.
    #[error("its time is before that of the line above: the lines are in the order of their times")]
    Order,
    /// Its command.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Script {
    /// Whether a switch of `ports` ports has all the machines.
    ///
    /// # Errors
    /// The first command that names another.
    pub fn check(&self, ports: u8) -> Result<(), CommandError> {
        self.steps
            .iter()
            .try_for_each(|(_, step)| step.check(ports))
    }

    /// How long it takes.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.steps.back().map_or(Duration::ZERO, |(at, _)| *at)
    }

    /// Counts its times from `now`, behind what is there.
    pub(crate) fn append(&mut self, now: Duration, other: Self) {
        let steps = other.steps.into_iter();
        self.steps.extend(steps.map(|(at, step)| (now + at, step)));
        self.steps.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    /// When the next command counts.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.steps.front().map(|(at, _)| *at)
    }

    /// The next command, if its time has come.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Command> {
        let due = self.next_due()? <= now;
        if due {
            self.steps.pop_front().map(|(_, step)| step)
        } else {
            None
        }
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut steps = VecDeque::new();
        let mut before = Duration::ZERO;
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.split('#').next().unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            let error = |what| ScriptError { line, what };
            let (time, command) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            let at = duration(time).ok_or_else(|| error(ScriptMistake::Time(time.to_owned())))?;
            if at < before {
                return Err(error(ScriptMistake::Order));
            }
            before = at;
            let command = command
                .parse::<Command>()
                .map_err(|what| error(what.into()))?;
            steps.push_back((at, command));
        }
        Ok(Self { steps })
    }
}
