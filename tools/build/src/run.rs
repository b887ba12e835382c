//! Other programs, run with their output kept for the case that they fail.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};

use anyhow::{Context, Result};
use isthmus_process::Isolated;

use crate::ui::Step;

/// What a program said and how it ended.
#[derive(Debug)]
pub struct Finished {
    /// How.
    pub status: ExitStatus,
    /// What went to standard output.
    pub output: String,
    /// What went to standard output and error, as it came.
    pub everything: String,
    command: String,
}

/// A program that failed, with what it said.
#[derive(Debug)]
pub struct Failed(Finished);

/// How lines begin with which Cargo says what it does.
const BUSY: [&str; 9] = [
    "Compiling ",
    "Checking ",
    "Documenting ",
    "Downloading ",
    "Downloaded ",
    "Blocking ",
    "running ",
    "Doc-tests ",
    "test result: ok.",
];

/// More of a program's output than this is not shown.
const MAX_LINES_SHOWN: usize = 200;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finished {
            status,
            everything,
            command,
            ..
        } = &self.0;
        writeln!(f, "`{command}` failed ({status}):")?;
        f.write_str(&tail(everything))
    }
}

impl std::error::Error for Failed {}

/// The last lines of a long text, without those that only say that Cargo works, or that a test passed.
pub fn tail(text: &str) -> String {
    let busy = |line: &str| BUSY.iter().any(|word| line.trim_start().starts_with(word));
    let passed = |line: &str| line.starts_with("test ") && line.ends_with(" ... ok");
    let empty = |line: &str| line.trim().is_empty();
    let tells = |line: &&str| !(busy(line) || passed(line) || empty(line));
    let lines: Vec<&str> = text.lines().filter(tells).collect();
    let skipped = lines.len().saturating_sub(MAX_LINES_SHOWN);
    let mut tail = if skipped > 0 {
        format!("    ({skipped} lines before)\n")
    } else {
        String::new()
    };
    for line in &lines[skipped..] {
        tail.push_str(&format!("    {line}\n"));
    }
    tail
}

impl Finished {
    /// Itself if the program succeeded.
    pub fn check(self) -> Result<Self, Failed> {
        if self.status.success() {
            Ok(self)
        } else {
            Err(Failed(self))
        }
    }
}

/// Runs `command` to its end; its last line of standard error is shown beside the step. It dies with this program.
pub fn run(step: &Step, command: Command) -> Result<Finished> {
    let text = describe(&command);
    let spawned = Isolated::spawn(command, |command| {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    });
    let mut process = spawned.with_context(|| format!("`{text}` cannot be started"))?;
    let (sender, lines) = channel();
    let child = process.child();
    let pipes: [(Option<Box<dyn Read + Send>>, Stream); 2] = [
        (
            child.stdout.take().map(|pipe| Box::new(pipe) as _),
            Stream::Output,
        ),
        (
            child.stderr.take().map(|pipe| Box::new(pipe) as _),
            Stream::Error,
        ),
    ];
    for (pipe, stream) in pipes {
        if let Some(pipe) = pipe {
            let sender = sender.clone();
            std::thread::spawn(move || forward(pipe, stream, &sender));
        }
    }
    drop(sender);
    let (mut output, mut everything) = (String::new(), String::new());
    for (stream, line) in lines {
        everything.push_str(&line);
        match stream {
            Stream::Output => output.push_str(&line),
            Stream::Error => step.detail(line.trim()),
        }
    }
    let status = process
        .wait()
        .with_context(|| format!("`{text}` cannot be waited for"))?;
    Ok(Finished {
        status,
        output,
        everything,
        command: text,
    })
}

#[derive(Clone, Copy, Debug)]
enum Stream {
    Output,
    Error,
}

/// Sends on each line until the pipe ends.
fn forward(pipe: impl Read, stream: Stream, lines: &Sender<(Stream, String)>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while pipe
        .read_until(b'\n', &mut line)
        .is_ok_and(|count| count > 0)
    {
        // The receiver is there until all senders are gone.
        let _ = lines.send((stream, String::from_utf8_lossy(&line).into_owned()));
        line.clear();
    }
}

/// The command as somebody would type it, without the environment.
fn describe(command: &Command) -> String {
    qemu_machines::CommandLine::new(command.get_program())
        .with(command.get_args())
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Ui;

    fn shell(script: &str) -> Finished {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Ui::new()
            .step("a shell", |step| run(step, command))
            .expect("a shell")
    }

    #[test]
    fn both_streams_are_kept() {
        let finished = shell("echo out; echo err >&2")
            .check()
            .expect("it succeeds");
        assert_eq!(finished.output, "out\n");
        assert!(finished.everything.contains("err\n"));
    }

    #[test]
    fn a_failure_shows_the_end_of_what_was_said() {
        let failed = shell("seq 1000; exit 3").check().expect_err("it fails");
        let text = failed.to_string();
        assert!(
            text.contains("exit status: 3")
                && text.contains("    1000\n")
                && text.contains("(800 lines before)"),
            "{text}"
        );
        assert!(!text.contains("    100\n"));
    }
}
