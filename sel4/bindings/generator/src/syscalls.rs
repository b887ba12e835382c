//! System call numbers out of `syscall.xml`.

use std::fmt::Write as _;

use crate::Error;
use crate::config::Config;
use crate::expression::evaluate;

/// Names and numbers, from -1 downward, of the calls that this configuration has.
///
/// # Errors
/// When the file is no such XML or a condition cannot be evaluated.
pub fn parse(text: &str, config: &Config) -> Result<Vec<(String, i64)>, Error> {
    let malformed = |reason: String| Error::malformed("syscall.xml", reason);
    let document =
        roxmltree::Document::parse(text).map_err(|error| malformed(error.to_string()))?;
    let mut calls = Vec::new();
    let mut number = -1;
    let groups = document
        .descendants()
        .filter(|node| node.has_tag_name("config"));
    for group in groups {
        // The kernel's generator numbers inside the condition: a group that is off takes numbers all the same.
        let is_on = match group.attribute("condition") {
            Some(condition) => evaluate(condition, config)? != 0,
            None => true,
        };
        for call in group.children().filter(|node| node.has_tag_name("syscall")) {
            let name = call
                .attribute("name")
                .ok_or_else(|| malformed("a system call has no name".into()))?;
            if is_on {
                calls.push((name.to_owned(), number));
            }
            number -= 1;
        }
    }
    if calls.is_empty() {
        Err(malformed("no system calls".into()))
    } else {
        Ok(calls)
    }
}

/// The numbers as Rust source.
#[must_use]
pub fn emit(calls: &[(String, i64)]) -> String {
    let mut out = String::new();
    let mut table = String::new();
    for (name, number) in calls {
        let _ = writeln!(out, "pub const seL4_Sys{name}: i64 = {number};");
        let _ = writeln!(table, "    (\"seL4_Sys{name}\", seL4_Sys{name}),");
    }
    let _ = writeln!(
        out,
        "\n#[doc(hidden)]\npub const SYSTEM_CALLS: &[(&str, i64)] = &[\n{table}];\n"
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_downward_and_skips_what_is_off_without_renumbering() {
        let text = r#"<syscalls><api><config><syscall name="Call"/><syscall name="Send"/></config></api>
            <debug><config condition="defined CONFIG_A"><syscall name="A"/></config>
            <config condition="defined CONFIG_B"><syscall name="B"/></config></debug></syscalls>"#;
        let config = Config::parse(r#"{"B": true}"#).unwrap();
        let calls = parse(text, &config).unwrap();
        assert_eq!(
            calls,
            [
                ("Call".to_owned(), -1),
                ("Send".to_owned(), -2),
                ("B".to_owned(), -4)
            ]
        );
        assert!(parse("<syscalls/>", &config).is_err());
        assert!(parse("<", &config).is_err());
    }
}
