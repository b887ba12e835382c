//! The page of limits, made from the constants that are the limits.

use std::fmt::Write as _;

/// A file of constants, and what its readers must know about all of them.
struct Source {
    title: &'static str,
    file: &'static str,
    /// What happens to the one who reaches one of them.
    reached: &'static str,
}

const SOURCES: &[Source] = &[
    Source {
        title: "A machine",
        file: "component/abi/src/limits.rs",
        reached: "Refused with line and column when the description is checked; a message that is too long is `NotExecuted(TooLong)`.",
    },
    Source {
        title: "netipc's protocol",
        file: "netipc/protocol/src/limits.rs",
        reached: "A call beyond a limit ends at once with `NotExecuted(Overload)`; a one-way message without credit is dropped; a frame \
                  that would need more is dropped and repeated by its sender.",
    },
    Source {
        title: "Lent memory",
        file: "netipc/proxy-logic/src/limits.rs",
        reached: "`TooMany` to who lends, fetches or stores; a request that comes with a loan too many is `NotExecuted(Overload)`.",
    },
    Source {
        title: "netipc's keys",
        file: "netipc/crypto/src/limits.rs",
        reached: "A HELLO beyond the limits is asked to come back with a cookie, or dropped; an old key is replaced.",
    },
    Source {
        title: "The view",
        file: "netipc/view/src/limits.rs",
        reached: "A request beyond is refused with `Busy`, a claim beyond answered `Full`; a leader without room in its log proposes nothing until \
                  something is agreed.",
    },
    Source {
        title: "Names",
        file: "servers/naming/logic/src/limits.rs",
        reached: "The call is refused with the naming interface's error (`TooMany`, `Busy`).",
    },
    Source {
        title: "Paths, pages and leases",
        file: "servers/naming/interface/src/limits.rs",
        reached: "Refused where the value is made; a message that carries another is `NotExecuted(BadArguments)`.",
    },
    Source {
        title: "The memory server",
        file: "servers/memory/logic/src/limits.rs",
        reached: "`TooMany`, or `BadSize`, to the one who asked; nothing changes.",
    },
    Source {
        title: "The scheduler",
        file: "servers/scheduler/logic/src/limits.rs",
        reached: "The caller of `wait` or `watch` is told `TooMany`; a start for which no slots are left is `OutOfMemory`.",
    },
    Source {
        title: "The network server",
        file: "servers/network/logic/src/limits.rs",
        reached: "The datagram is dropped and counted (`counters()`).",
    },
];

/// One limit, as the source says it.
#[derive(Debug, PartialEq, Eq)]
pub struct Limit {
    /// The constant's name.
    pub name: String,
    /// The expression that is its value.
    pub value: String,
    /// Its documentation.
    pub meaning: String,
}

/// The documented public constants of a Rust source.
#[must_use]
pub fn constants(source: &str) -> Vec<Limit> {
    let mut found = Vec::new();
    let mut meaning = String::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            if !meaning.is_empty() {
                meaning.push(' ');
            }
            meaning.push_str(text.trim());
        } else {
            if let Some(limit) = constant(line, &meaning) {
                found.push(limit);
            }
            meaning.clear();
        }
    }
    found
}

fn constant(line: &str, meaning: &str) -> Option<Limit> {
    let (name, rest) = line.strip_prefix("pub const ")?.split_once(':')?;
    let (_, value) = rest.split_once(" = ")?;
    Some(Limit {
        name: name.to_owned(),
        value: value.trim_end_matches(';').to_owned(),
        meaning: meaning.to_owned(),
    })
}

/// The page `docs/limits.md`, from the sources below `root`.
///
/// # Errors
/// A source that cannot be read, or that has no documented constants.
pub fn page(root: &std::path::Path) -> Result<String, String> {
    let mut page = String::from(
        "# Limits\n\nEvery table and queue has a limit, and reaching it gives an error to the one who asked for too much. This page is made from the constants \
         themselves (`BLESS=1 cargo test -p guides` writes it, `cargo test -p guides` fails when it is stale).\n",
    );
    for source in SOURCES {
        let text = std::fs::read_to_string(root.join(source.file))
            .map_err(|e| format!("{}: {e}", source.file))?;
        let limits = constants(&text);
        if limits.is_empty() {
            return Err(format!("{} has no documented constants", source.file));
        }
        let _ = write!(
            page,
            "\n## {}\n\n`{}`. {}\n\n| limit | value | what |\n|---|---|---|\n",
            source.title, source.file, source.reached
        );
        for limit in limits {
            let meaning = limit.meaning.replace('|', "\\|");
            let _ = writeln!(page, "| `{}` | `{}` | {meaning} |", limit.name, limit.value);
        }
    }
    Ok(page)
}
