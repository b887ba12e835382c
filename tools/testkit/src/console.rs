//! What machines say: lines, a record of them that can be waited on, and patterns to find one.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::logs::BuildId;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the one who follows each step.
    Trace,
    /// For the one who looks for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Not as it should be.
    Warn,
    /// Wrong.
    Error,
}

impl Level {
    /// Lower case, as in `RUST_LOG`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [
            Self::Trace,
            Self::Debug,
            Self::Info,
            Self::Warn,
            Self::Error,
        ]
        .into_iter()
        .find(|level| level.name() == name)
    }
}

/// Where in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// From the crate's folder on.
    pub file: String,
    /// From 1.
    pub line: u64,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The kernel or the root task.
    Plain(String),
    /// A component's text.
    Text {
        /// Whose.
        component: String,
        /// 0 is its main thread.
        thread: u8,
        /// What.
        text: String,
    },
    /// A component's log.
    Log {
        /// Whose.
        component: String,
        /// 0 is its main thread.
        thread: u8,
        /// `println` has none.
        level: Option<Level>,
        /// Where in its source, if the program has line tables.
        location: Option<Location>,
        /// What.
        message: String,
    },
    /// A component's log that cannot be read.
    Undecodable {
        /// Whose.
        component: String,
        /// 0 is its main thread.
        thread: u8,
        /// Why.
        reason: String,
    },
    /// A component has announced its program.
    Announced {
        /// Whose.
        component: String,
        /// Its program.
        id: BuildId,
        /// Whether its logs can be decoded.
        known: bool,
    },
    /// A component logged faster than the console could write.
    Lost {
        /// Whose.
        component: String,
        /// 0 is its main thread.
        thread: u8,
        /// Records.
        count: u64,
    },
    /// A line that broke on its way.
    Garbled(String),
    /// QEMU itself.
    Emulator(String),
    /// The harness: started, killed, ended.
    Harness(String),
}

impl Said {
    /// Who says it, if it is a component.
    #[must_use]
    pub fn component(&self) -> Option<&str> {
        match self {
            Self::Text { component, .. }
            | Self::Log { component, .. }
            | Self::Undecodable { component, .. }
            | Self::Announced { component, .. }
            | Self::Lost { component, .. } => Some(component),
            Self::Plain(_) | Self::Garbled(_) | Self::Emulator(_) | Self::Harness(_) => None,
        }
    }

    /// The words, if a machine says any.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Plain(text) | Self::Text { text, .. } | Self::Log { message: text, .. } => {
                Some(text)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |f: &mut fmt::Formatter<'_>, component: &str, thread: u8| match thread {
            0 => write!(f, "{component}: "),
            thread => write!(f, "{component}/{thread}: "),
        };
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::Text {
                component,
                thread,
                text,
            } => {
                who(f, component, *thread)?;
                f.write_str(text)
            }
            Self::Log {
                component,
                thread,
                level,
                location,
                message,
            } => {
                who(f, component, *thread)?;
                if let Some(level) = level {
                    write!(f, "{}: ", level.name())?;
                }
                f.write_str(message)?;
                match location {
                    Some(Location { file, line }) => write!(f, "  ({file}:{line})"),
                    None => Ok(()),
                }
            }
            Self::Undecodable {
                component,
                thread,
                reason,
            } => {
                who(f, component, *thread)?;
                write!(f, "[a log that cannot be read: {reason}]")
            }
            Self::Announced {
                component,
                id,
                known,
            } => {
                write!(
                    f,
                    "{component}: [program {id}{}]",
                    if *known {
                        ""
                    } else {
                        ", of which there is no ELF"
                    }
                )
            }
            Self::Lost {
                component,
                thread,
                count,
            } => {
                who(f, component, *thread)?;
                write!(f, "[{count} records lost]")
            }
            Self::Garbled(text) => write!(f, "[garbled] {text:?}"),
            Self::Emulator(text) => write!(f, "[qemu] {text}"),
            Self::Harness(text) => write!(f, "[{text}]"),
        }
    }
}

/// A line of a machine's console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLine {
    /// Since the cluster was started.
    pub at: Duration,
    /// The machine, from 1.
    pub node: u8,
    /// How often the machine had been started, from 1.
    pub boot: u32,
    /// What it says.
    pub said: Said,
}

impl fmt::Display for ConsoleLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:9.3} {} | {}",
            self.at.as_secs_f64(),
            self.node,
            self.said
        )
    }
}

/// Finds a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    component: Option<String>,
    needle: String,
}

/// A line of `component` that contains `needle`.
#[must_use]
pub fn says(component: &str, needle: &str) -> Pattern {
    Pattern {
        component: Some(component.to_owned()),
        needle: needle.to_owned(),
    }
}

/// A line of anybody on the machine that contains `needle`.
#[must_use]
pub fn contains(needle: &str) -> Pattern {
    Pattern {
        component: None,
        needle: needle.to_owned(),
    }
}

impl Pattern {
    /// Whether this is such a line.
    #[must_use]
    pub fn matches(&self, said: &Said) -> bool {
        let who = self
            .component
            .as_deref()
            .is_none_or(|component| said.component() == Some(component));
        who && said
            .words()
            .is_some_and(|words| words.contains(&self.needle))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(component) => write!(f, "{component} to say {:?}", self.needle),
            None => write!(f, "{:?}", self.needle),
        }
    }
}

/// Is called with each line, in the thread that reads the console.
pub(crate) type Listener = Box<dyn Fn(&ConsoleLine) + Send + Sync>;

/// What all machines of a cluster said, in the order in which it was heard.
pub(crate) struct Transcript {
    started: Instant,
    state: Mutex<State>,
    changed: Condvar,
    listener: Option<Listener>,
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<ConsoleLine>,
    /// How many were forgotten.
    forgotten: usize,
}

/// What became of waiting for a line.
#[derive(Debug)]
pub(crate) enum Waited {
    Found(ConsoleLine),
    TimedOut,
    /// The caller's condition said that it will not come.
    Hopeless,
}

impl Transcript {
    /// The oldest are forgotten first: hours of a chatty system must not fill the memory.
    const MAX_LINES: usize = 200_000;

    pub(crate) fn new(listener: Option<Listener>) -> Self {
        Self {
            started: Instant::now(),
            state: Mutex::default(),
            changed: Condvar::new(),
            listener,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Lines are pushed whole: the record is sound after a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, node: u8, boot: u32, said: Said) {
        let line = ConsoleLine {
            at: self.started.elapsed(),
            node,
            boot,
            said,
        };
        if let Some(listener) = &self.listener {
            listener(&line);
        }
        let mut state = self.lock();
        if state.lines.len() >= Self::MAX_LINES {
            state.lines.pop_front();
            state.forgotten += 1;
        }
        state.lines.push_back(line);
        self.changed.notify_all();
    }

    /// Has those who wait look again.
    pub(crate) fn nudge(&self) {
        let _state = self.lock();
        self.changed.notify_all();
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// All lines that `wanted` picks.
    pub(crate) fn lines(&self, wanted: impl Fn(&ConsoleLine) -> bool) -> Vec<ConsoleLine> {
        self.lock()
            .lines
            .iter()
            .filter(|line| wanted(line))
            .cloned()
            .collect()
    }

    /// Waits for a line that `wanted` picks, among those that have come too. Each line is looked at once.
    pub(crate) fn wait(
        &self,
        timeout: Duration,
        wanted: impl Fn(&ConsoleLine) -> bool,
        hopeless: impl Fn() -> bool,
    ) -> Waited {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        let mut next = 0;
        loop {
            // Asked before the lines are looked at: what came before the end must be found.
            let hopeless = hopeless();
            let first = next.max(state.forgotten) - state.forgotten;
            if let Some(line) = state.lines.iter().skip(first).find(|line| wanted(line)) {
                return Waited::Found(line.clone());
            }
            next = state.forgotten + state.lines.len();
            if hopeless {
                return Waited::Hopeless;
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return Waited::TimedOut;
            };
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Everything, for a person.
    pub(crate) fn text(&self) -> String {
        let state = self.lock();
        let mut text = String::new();
        if state.forgotten > 0 {
            text.push_str(&format!("({} earlier lines forgotten)\n", state.forgotten));
        }
        for line in &state.lines {
            text.push_str(&format!("{line}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn plain(text: &str) -> Said {
        Said::Plain(text.to_owned())
    }

    #[test]
    fn a_line_that_has_come_and_one_that_comes_are_found() {
        let transcript = Arc::new(Transcript::new(None));
        transcript.push(1, 1, plain("early"));
        let find = |needle: &'static str, timeout| {
            transcript.wait(
                timeout,
                |line| contains(needle).matches(&line.said),
                || false,
            )
        };
        assert!(matches!(find("early", Duration::ZERO), Waited::Found(_)));
        let other = Arc::clone(&transcript);
        let speaker = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            other.push(1, 1, plain("noise"));
            other.push(1, 1, plain("late"));
        });
        assert!(matches!(
            find("late", Duration::from_secs(10)),
            Waited::Found(_)
        ));
        speaker.join().expect("no panic");
        assert!(matches!(
            find("never", Duration::from_millis(10)),
            Waited::TimedOut
        ));
    }

    #[test]
    fn waiting_ends_when_there_is_no_hope() {
        let transcript = Transcript::new(None);
        transcript.push(1, 1, plain("last word"));
        let wait = |needle: &'static str| {
            transcript.wait(
                Duration::from_secs(60),
                |line| contains(needle).matches(&line.said),
                || true,
            )
        };
        assert!(matches!(wait("more"), Waited::Hopeless));
        assert!(matches!(wait("last word"), Waited::Found(_)));
    }

    #[test]
    fn patterns_tell_components_apart() {
        let said = Said::Text {
            component: "a".into(),
            thread: 0,
            text: "ok 1".into(),
        };
        assert!(says("a", "ok").matches(&said) && contains("ok").matches(&said));
        assert!(!says("b", "ok").matches(&said) && !says("a", "no").matches(&said));
        assert!(
            !contains("killed").matches(&Said::Harness("killed".into())),
            "the harness is no machine"
        );
    }

    #[test]
    fn old_lines_are_forgotten_and_counted() {
        let transcript = Transcript::new(None);
        for i in 0..Transcript::MAX_LINES + 10 {
            transcript.push(1, 1, plain(&i.to_string()));
        }
        assert!(
            transcript
                .text()
                .starts_with("(10 earlier lines forgotten)")
        );
    }
}
