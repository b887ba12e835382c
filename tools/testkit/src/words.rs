//! The words of machines that tools and tests understand, all in one place. `docs/testing.md` has them as a table.

use crate::console::Said;

/// What a line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The root task has started a component: its name, and the SHA-256 of its program as it was loaded.
    Component {
        /// Its name in the description.
        name: String,
        /// In hexadecimal.
        sha256: String,
    },
    /// The root task has started everything.
    AllStarted,
    /// The root task, or the boot loader, cannot go on.
    CannotStart(String),
    /// A component has died: what the root task says of it.
    Died(String),
    /// A step of the demonstration.
    Told(String),
    /// The demonstration's end: the answers were right.
    Right(String),
    /// The demonstration's end: they were not; or a benchmark could not measure.
    Wrong(String),
    /// A figure.
    Figure(Figure),
    /// A benchmark program has measured everything that it can on its machine.
    Measured,
    /// A test program's check, and whether it held.
    Check {
        /// Of what.
        name: String,
        /// The reason if it did not.
        held: Result<(), String>,
    },
    /// A test program has made all its checks: so many.
    Checked(u64),
}

/// A figure of a benchmark.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Of what.
    pub name: String,
    /// What the two are counted in.
    pub unit: String,
    /// The median.
    pub p50: f64,
    /// 99 of 100 are no more than this.
    pub p99: f64,
    /// How many were measured.
    pub n: u64,
}

impl Eq for Figure {}

/// What a line means, if it means anything here.
#[must_use]
pub fn understand(said: &Said) -> Option<Word> {
    let words = said.words()?.trim();
    if let Some(rest) = words.strip_prefix("isthmus loader: ") {
        return Some(Word::CannotStart(format!("the boot loader: {rest}")));
    }
    let Some((speaker, rest)) = words.split_once(": ") else {
        return checked(words);
    };
    match speaker {
        "isthmus" => root_task(rest),
        "demo" => Some(demo(rest)),
        "bench" if rest == "done" => Some(Word::Measured),
        "bench" if rest.starts_with("failed: ") => Some(demo(rest)),
        "bench" => figure(rest).map(Word::Figure),
        _ => check(words),
    }
}

fn root_task(rest: &str) -> Option<Word> {
    if let Some(reason) = rest.strip_prefix("cannot start: ") {
        return Some(Word::CannotStart(reason.to_owned()));
    }
    if rest.ends_with("all components started") {
        return Some(Word::AllStarted);
    }
    let component = rest.strip_prefix("component ")?;
    if component.contains(" died ") {
        return Some(Word::Died(component.to_owned()));
    }
    // "component ID NAME: priority P, program PROGRAM, sha256 DIGEST, build ID"
    let (head, facts) = component.split_once(": ")?;
    let sha256 = facts
        .split(", ")
        .find_map(|fact| fact.strip_prefix("sha256 "))?;
    Some(Word::Component {
        name: head.split(' ').next_back()?.to_owned(),
        sha256: sha256.to_owned(),
    })
}

fn demo(rest: &str) -> Word {
    let (first, more) = rest.split_once(' ').unwrap_or((rest, ""));
    match first.trim_end_matches(':') {
        "ok" => Word::Right(more.to_owned()),
        "failed" => Word::Wrong(more.to_owned()),
        _ => Word::Told(rest.to_owned()),
    }
}

/// "NAME UNIT P50 P99 N"
fn figure(rest: &str) -> Option<Figure> {
    let mut words = rest.split_whitespace();
    let figure = Figure {
        name: words.next()?.to_owned(),
        unit: words.next()?.to_owned(),
        p50: words.next()?.parse().ok()?,
        p99: words.next()?.parse().ok()?,
        n: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some(figure)
}

/// "fact NAME: ok", "fact NAME: FAILED WHY"
fn check(words: &str) -> Option<Word> {
    let (name, how) = words.strip_prefix("fact ")?.split_once(": ")?;
    let held = match how.split_once(' ').unwrap_or((how, "")) {
        ("ok", "") => Ok(()),
        ("FAILED", why) => Err(why.to_owned()),
        _ => return None,
    };
    Some(Word::Check {
        name: name.to_owned(),
        held,
    })
}

/// "N passed, N failed"
fn checked(words: &str) -> Option<Word> {
    let (passed, failed) = words.split_once(", ")?;
    let count = |text: &str, what: &str| text.strip_suffix(what)?.trim_end().parse::<u64>().ok();
    Some(Word::Checked(
        count(passed, "passed")? + count(failed, "failed")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Option<Word> {
        understand(&Said::Plain(text.to_owned()))
    }

    #[test]
    fn the_root_task_is_understood() {
        let line = "isthmus: component 7 kv-client: priority 100, program kv-client, sha256 00ff, build a1";
        assert_eq!(
            plain(line),
            Some(Word::Component {
                name: "kv-client".into(),
                sha256: "00ff".into()
            })
        );
        assert_eq!(
            plain("isthmus: node 2: all components started"),
            Some(Word::AllStarted)
        );
        assert_eq!(
            plain("isthmus: cannot start: no memory"),
            Some(Word::CannotStart("no memory".into()))
        );
        let died = "isthmus: component kv-server died in thread 0: a page fault";
        assert_eq!(
            plain(died),
            Some(Word::Died(
                "kv-server died in thread 0: a page fault".into()
            ))
        );
        assert_eq!(
            plain("isthmus loader: GICv3"),
            Some(Word::CannotStart("the boot loader: GICv3".into()))
        );
    }

    #[test]
    fn components_are_understood() {
        let text = |text: &str| {
            understand(&Said::Text {
                component: "c".into(),
                thread: 0,
                text: text.into(),
            })
        };
        assert_eq!(
            text("demo: get a -> 1"),
            Some(Word::Told("get a -> 1".into()))
        );
        assert_eq!(
            text("demo: ok 3 calls"),
            Some(Word::Right("3 calls".into()))
        );
        assert_eq!(
            text("demo: failed: wrong answer"),
            Some(Word::Wrong("wrong answer".into()))
        );
        let figure = Figure {
            name: "boot".into(),
            unit: "ms".into(),
            p50: 1.5,
            p99: 2.0,
            n: 10,
        };
        assert_eq!(text("bench: boot ms 1.5 2 10"), Some(Word::Figure(figure)));
        assert_eq!(text("bench: done"), Some(Word::Measured));
        assert_eq!(
            text("bench: failed: x: lost"),
            Some(Word::Wrong("x: lost".into()))
        );
        assert_eq!(
            text("bench: failed: local_call: an answer was wrong"),
            Some(Word::Wrong("local_call: an answer was wrong".into()))
        );
        let check = |name: &str, held| {
            Some(Word::Check {
                name: name.into(),
                held,
            })
        };
        assert_eq!(text("fact badge-width: ok"), check("badge-width", Ok(())));
        assert_eq!(
            text("fact x: FAILED 3: not 4"),
            check("x", Err("3: not 4".into()))
        );
        assert_eq!(text("12 passed, 1 failed"), Some(Word::Checked(13)));
    }

    #[test]
    fn other_words_mean_nothing() {
        for text in [
            "",
            "hello",
            "bench: boot",
            "bench: boot ms x 2 3",
            "fact x",
            "fact x: perhaps",
            "some passed, 1 failed",
            "Booting: all",
            "isthmus: node 1 of 2",
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
