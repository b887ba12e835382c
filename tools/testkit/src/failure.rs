//! Why a test of machines failed.

use std::fmt;

/// What was wrong, and what all machines said until then.
///
/// `Debug` prints the same as `Display`, so that `?` and `unwrap` in a test show it as it is meant to be read.
pub struct Failure {
    what: String,
    transcript: String,
}

impl Failure {
    /// A failure that no machine has anything to say about.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            transcript: String::new(),
        }
    }

    /// Adds what the machines said.
    #[must_use]
    pub fn with_transcript(self, transcript: String) -> Self {
        Self { transcript, ..self }
    }

    /// One sentence, without the consoles.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What all machines said; empty if there were none.
    #[must_use]
    pub fn transcript(&self) -> &str {
        &self.transcript
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.transcript.is_empty() {
            write!(f, "\n\n{}", self.transcript.trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}
