//! Mistakes: where, what, and what to do.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

/// One mistake of a description.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}\n    {}",
            self.line, self.column, self.message, self.remedy
        )
    }
}

/// All mistakes of a description, in its order; never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// As compilers print them: `FILE:LINE:COLUMN: message`, the remedy below.
    #[must_use]
    pub fn in_file<'a>(&'a self, file: &'a str) -> impl fmt::Display + 'a {
        struct InFile<'a>(&'a Mistakes, &'a str);
        impl fmt::Display for InFile<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for (i, mistake) in self.0.0.iter().enumerate() {
                    write!(f, "{}{}:{mistake}", if i == 0 { "" } else { "\n" }, self.1)?;
                }
                Ok(())
            }
        }
        InFile(self, file)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.in_file("description").fmt(f)
    }
}

impl std::error::Error for Mistakes {}

/// A place in the text: bytes.
pub(crate) type Span = Range<usize>;

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub value: T,
    pub span: Span,
}

/// Collects mistakes while a text is read and checked.
pub(crate) struct Collector<'a> {
    text: &'a str,
    found: Vec<Mistake>,
    keys: BTreeSet<(&'static str, &'static str)>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            found: Vec::new(),
            keys: BTreeSet::new(),
        }
    }

    /// Remembers which keys a kind of table has.
    pub(crate) fn note_keys(&mut self, table: &'static str, keys: &[&'static str]) {
        self.keys.extend(keys.iter().map(|key| (table, *key)));
    }

    /// All keys that were asked for, by table.
    pub(crate) fn keys(self) -> BTreeSet<(&'static str, &'static str)> {
        self.keys
    }

    pub(crate) fn add(
        &mut self,
        span: &Span,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (line, column) = position(self.text, span.start);
        self.found.push(Mistake {
            line,
            column,
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    /// The line on which something stands, to refer to.
    pub(crate) fn line_of(&self, span: &Span) -> usize {
        position(self.text, span.start).0
    }

    /// Passes `value` on, unless there are mistakes.
    pub(crate) fn stop_if_any<T>(&mut self, value: T) -> Result<T, Mistakes> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort();
        // Instances differ in numbers only, and so do their mistakes: one of them is enough.
        let rule = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
        self.found
            .dedup_by_key(|m| (m.line, m.column, rule(&m.message)));
        Err(Mistakes(std::mem::take(&mut self.found)))
    }
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// "did you mean …", if one of the names is close; else what there is.
pub(crate) fn suggestion<'n>(
    wrong: &str,
    names: impl Iterator<Item = &'n str>,
    none: &str,
) -> String {
    let names: Vec<&str> = names.collect();
    let close = names
        .iter()
        .map(|name| (distance(wrong, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    match (close, names.is_empty()) {
        (Some((_, name)), _) => format!("did you mean `{name}`?"),
        (None, true) => none.into(),
        (None, false) => format!("there is: {}", names.join(", ")),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("ab\ncä x", 7), (2, 4));
        assert_eq!(position("ä", 1), (1, 1), "inside a character");
        assert_eq!(position("ab", 99), (1, 3));
    }

    #[test]
    fn near_names_are_suggested() {
        assert_eq!(distance("netipc", "netpic"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(
            suggestion("tmer", ["timer", "network"].into_iter(), ""),
            "did you mean `timer`?"
        );
        assert_eq!(
            suggestion("foo", ["timer", "network"].into_iter(), ""),
            "there is: timer, network"
        );
    }
}
