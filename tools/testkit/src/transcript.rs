//! A record of what all machines of a cluster said, which can be waited on.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::console::{ConsoleLine, Said};

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
    use crate::pattern::contains;
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
