//! A program and its arguments, ready to run or to paste.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::process::Command;

/// A program and its arguments. `Display` gives what a shell takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    program: OsString,
    arguments: Vec<OsString>,
}

impl CommandLine {
    /// A program without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn with<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// Its arguments.
    #[must_use]
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Ready to be started.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        quote(f, &self.program)?;
        for argument in &self.arguments {
            f.write_str(" ")?;
            quote(f, argument)?;
        }
        Ok(())
    }
}

/// As one word for a POSIX shell.
fn quote(f: &mut fmt::Formatter<'_>, word: &OsStr) -> fmt::Result {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+,.:/@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        f.write_str(&word)
    } else {
        write!(f, "'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        let words = ["plain-1,x=/a", "", "two words", "it's", "$(rm)", "a;b", "*"];
        let line = CommandLine::new("printf").with(["%s\\n"]).with(words);
        let output = Command::new("sh")
            .arg("-c")
            .arg(line.to_string())
            .output()
            .expect("a shell");
        let expected: String = words.iter().map(|word| format!("{word}\n")).collect();
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
}
