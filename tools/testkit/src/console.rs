//! What machines say: lines, and who says them. Read next: `pattern.rs` finds one, `transcript.rs` keeps them all.

use std::fmt;
use std::time::Duration;

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
