//! The numbered rules of `docs/netipc.md`, and where code and tests cite them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::root;

/// What is rule-abiding code, and not a test of it.
const CODE: &[&str] = &[
    "netipc/wire/src",
    "netipc/protocol/src",
    "netipc/crypto/src",
    "netipc/proxy-logic/src",
    "netipc/view/src",
];
/// Tests: scenarios, the simulator with what it plants and checks, and the fuzzer.
const TESTS: &[&str] = &[
    "netipc/wire/tests",
    "netipc/protocol/tests",
    "netipc/crypto/tests",
    "netipc/proxy-logic/tests",
    "netipc/view/tests",
    "netipc/simulator",
    "netipc/fuzz",
];

/// The numbers of the rules, in the page's order.
#[must_use]
pub fn stated(page: &str) -> Vec<u32> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| N"));
    rows.filter_map(|row| row.split_once(" | ")?.0.parse().ok())
        .collect()
}

/// Where rules are cited: file and line of each, by number.
pub type Citations = BTreeMap<u32, Vec<String>>;

/// What code and tests cite.
///
/// # Errors
/// If a file cannot be read.
pub fn cited() -> std::io::Result<(Citations, Citations)> {
    let read = |folders: &[&str]| {
        let mut found = Citations::new();
        for folder in folders {
            gather(&root().join(folder), &mut found)?;
        }
        Ok::<_, std::io::Error>(found)
    };
    Ok((read(CODE)?, read(TESTS)?))
}

fn gather(folder: &Path, found: &mut Citations) -> std::io::Result<()> {
    let entries: BTreeSet<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    for path in entries {
        if path.is_dir() {
            gather(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)?;
            for (line, said) in (1..).zip(text.lines()) {
                for number in in_line(said) {
                    let place = format!("{}:{line}", path.display());
                    found.entry(number).or_default().push(place);
                }
            }
        }
    }
    Ok(())
}

/// The rules that a comment cites: `// [N3] [N16]`.
fn in_line(line: &str) -> impl Iterator<Item = u32> {
    let comment = line.trim_start().strip_prefix("// ").unwrap_or("");
    comment
        .split("[N")
        .skip(1)
        .filter_map(|rest| rest.split_once(']')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_citations_are_read() {
        let page =
            "| Frames | |\n|---|---|\n| N1 | One MUST. |\n| N12 | Two MUST NOT. |\n| No | rule |\n";
        assert_eq!(stated(page), [1, 12]);
        assert!(in_line("    // [N3] [N16]").eq([3, 16]));
        assert_eq!(in_line("let text = \"[N3]\";").count(), 0);
    }
}
