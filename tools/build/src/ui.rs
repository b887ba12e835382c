//! What the person at the terminal sees: a spinner for each step that takes a while, plain lines where there is no terminal.
//!
//! Results go to standard output, everything here to standard error.

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Steps that take less are not worth a line.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// How the spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// Where progress goes.
#[derive(Debug)]
pub struct Ui {
    terminal: bool,
}

/// A step under way.
pub struct Step {
    show: Show,
}

enum Show {
    Spinner(ProgressBar, String),
    /// Says the step's name when it has taken a second; ends when the sender goes.
    Line(Option<Sender<()>>, Option<JoinHandle<()>>),
}

impl Default for Ui {
    fn default() -> Self {
        Self::new()
    }
}

impl Ui {
    /// For this process's standard error.
    #[must_use]
    pub fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A line for the user.
    pub fn say(&self, text: &str) {
        eprintln!("{text}");
    }

    /// What went wrong and what to do.
    pub fn error(&self, text: &str) {
        eprintln!("error: {}", text.trim_end());
    }

    /// Does `work`, and shows that it goes on when it takes more than a second.
    pub fn step<T, E>(&self, what: &str, work: impl FnOnce(&Step) -> Result<T, E>) -> Result<T, E> {
        let start = Instant::now();
        let step = self.begin(what);
        let result = work(&step);
        step.end();
        let took = start.elapsed();
        let how = if result.is_ok() { "" } else { "failed: " };
        if took >= WORTH_A_LINE || result.is_err() {
            self.say(&format!("  {how}{what} ({:.1} s)", took.as_secs_f64()));
        }
        result
    }

    fn begin(&self, what: &str) -> Step {
        let show = if self.terminal {
            let bar = ProgressBar::new_spinner();
            // The template is a constant: it parses, or every run fails.
            bar.set_style(
                ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}")
                    .expect("a correct template"),
            );
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(TICK);
            Show::Spinner(bar, what.to_owned())
        } else {
            let (sender, receiver) = channel();
            let line = format!("  {what} ...");
            let timer = std::thread::spawn(move || {
                if receiver.recv_timeout(WORTH_A_LINE) == Err(RecvTimeoutError::Timeout) {
                    eprintln!("{line}");
                }
            });
            Show::Line(Some(sender), Some(timer))
        };
        Step { show }
    }
}

impl Step {
    /// What is being done right now, shown beside the step's name.
    pub fn detail(&self, text: &str) {
        if let Show::Spinner(bar, what) = &self.show {
            bar.set_message(format!("{what}: {text}"));
        }
    }

    fn end(self) {
        match self.show {
            Show::Spinner(bar, _) => bar.finish_and_clear(),
            Show::Line(sender, timer) => {
                drop(sender);
                // It only prints.
                let _ = timer.map(JoinHandle::join);
            }
        }
    }
}
