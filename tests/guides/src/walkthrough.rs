//! A guide as a program: what its reader types, writes into files, and sees.
//!
//! Fenced blocks of a page mean something by their first line:
//!
//! | fence | what its reader does |
//! |---|---|
//! | `` ```sh `` | types it |
//! | `` ```rust file=PATH `` (any language) | writes the block into that file |
//! | `` ```toml append=PATH `` | appends it to that file |
//! | `` ```text `` after one of `sh` | sees these lines in this order, with others between them |
//!
//! Other blocks are only read. All of it becomes one shell script, so that a folder or a variable stays as it was set.

use std::fmt::Write as _;

/// Something that the reader does.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Types commands, and sees lines.
    Type {
        /// The page's line with the fence, from 1.
        line: usize,
        /// The commands.
        commands: String,
        /// What must be among what they print.
        sees: Vec<String>,
    },
    /// Writes a file, or more of it.
    Write {
        /// Which, from where the reader stands.
        path: String,
        /// How.
        how: How,
        /// What.
        text: String,
    },
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// From its beginning.
    Whole,
    /// After what is there.
    Appended,
}

/// What is printed before the commands of the step with that index.
pub const MARK: &str = "==== step ";

/// What ends a file in the script.
const END: &str = "END-OF-THE-BLOCK";

/// What the reader of a page does.
///
/// # Errors
/// A fence that is not closed, or an expected output without commands.
pub fn steps(page: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else {
            continue;
        };
        let mut text = String::new();
        loop {
            let (_, line) = lines
                .next()
                .ok_or_else(|| format!("line {}: the block is not closed", number + 1))?;
            if line == "```" {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        let mut words = fence.split_whitespace();
        let language = words.next().unwrap_or_default();
        let what = words.next().and_then(|word| word.split_once('='));
        match (language, what) {
            ("sh", None) => steps.push(Step::Type {
                line: number + 1,
                commands: text,
                sees: Vec::new(),
            }),
            (_, Some(("file", path))) => steps.push(written(path, How::Whole, text)),
            (_, Some(("append", path))) => steps.push(written(path, How::Appended, text)),
            ("text", None) => match steps.last_mut() {
                Some(Step::Type { sees, .. }) => {
                    sees.extend(text.lines().map(str::trim).map(str::to_owned));
                }
                _ => return Err(format!("line {}: the output of what?", number + 1)),
            },
            _ => {}
        }
    }
    Ok(steps)
}

fn written(path: &str, how: How, text: String) -> Step {
    Step::Write {
        path: path.to_owned(),
        how,
        text,
    }
}

/// The script that does it all. It ends at the first command that fails.
#[must_use]
pub fn script(steps: &[Step]) -> String {
    let mut script = String::from("set -euo pipefail\nexec 2>&1\n");
    for (index, step) in steps.iter().enumerate() {
        let _ = match step {
            Step::Type { commands, .. } => writeln!(script, "echo '{MARK}{index}'\n{commands}"),
            Step::Write { path, how, text } => {
                let to = match how {
                    How::Whole => ">",
                    How::Appended => ">>",
                };
                writeln!(script, "cat {to} '{path}' <<'{END}'\n{text}{END}")
            }
        };
    }
    script
}

/// Whether everything was seen that the page shows.
///
/// # Errors
/// What was not, and where the page says so.
pub fn check(steps: &[Step], output: &str) -> Result<(), String> {
    for (index, step) in steps.iter().enumerate() {
        let Step::Type { line, sees, .. } = step else {
            continue;
        };
        let mark = format!("{MARK}{index}\n");
        let printed = output
            .split_once(&mark)
            .map(|(_, after)| after.split_once(MARK).map_or(after, |(these, _)| these))
            .ok_or_else(|| format!("line {line}: this was never reached"))?;
        let mut lines = printed.lines();
        for wanted in sees {
            if !lines.any(|line| line.contains(wanted.as_str())) {
                return Err(format!(
                    "line {line}: {wanted:?} was not printed; this was:\n{printed}"
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Page\n\n```sh\ncd /tmp\necho one\n```\n\nIt says:\n\n```text\none\n```\n\n```rust file=a.rs\nfn main() {}\n```\n\n```rust\n// only read\n```\n\n```toml append=b\nx = 1\n```\n";

    #[test]
    fn blocks_become_steps() {
        let steps = steps(PAGE).expect("a page");
        assert_eq!(steps.len(), 3);
        assert_eq!(
            steps[0],
            Step::Type {
                line: 3,
                commands: "cd /tmp\necho one\n".into(),
                sees: vec!["one".into()]
            }
        );
        assert_eq!(
            steps[1],
            written("a.rs", How::Whole, "fn main() {}\n".into())
        );
        let script = script(&steps);
        assert!(
            script.contains("cat > 'a.rs' <<'END-OF-THE-BLOCK'\nfn main() {}\nEND-OF-THE-BLOCK\n"),
            "{script}"
        );
        assert!(script.contains("cat >> 'b'"), "{script}");
    }

    #[test]
    fn what_is_not_seen_is_said() {
        let steps = steps(PAGE).expect("a page");
        assert_eq!(check(&steps, "==== step 0\nnoise\none\n"), Ok(()));
        let wrong = check(&steps, "==== step 0\ntwo\n").expect_err("it is not there");
        assert!(wrong.contains("line 3") && wrong.contains("two"), "{wrong}");
        assert!(check(&steps, "").is_err());
    }

    #[test]
    fn pages_that_make_no_sense_are_refused() {
        assert!(steps("```sh\n").is_err());
        assert!(steps("```text\nx\n```\n").is_err());
    }
}
