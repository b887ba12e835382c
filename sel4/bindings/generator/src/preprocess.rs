//! The part of the C preprocessor that headers and bit-field files use around their definitions: conditions and comments.

use crate::Error;
use crate::config::Config;
use crate::expression::{Names, evaluate};

impl Names for Config {
    fn value(&self, name: &str) -> Option<i128> {
        // The preprocessor takes an unknown name in a condition for 0.
        Some(self.number(name).unwrap_or(0))
    }

    fn is_defined(&self, name: &str) -> bool {
        Config::is_defined(self, name)
    }
}

/// Keeps the lines that the configuration selects. Directives other than conditions and `#define` are dropped, so are C comments.
///
/// # Errors
/// When a condition cannot be evaluated or conditions are not nested rightly.
pub fn preprocess(text: &str, config: &Config) -> Result<String, Error> {
    let text = without_comments(text).replace("\\\n", " ");
    let mut out = String::new();
    // For each open condition: is this branch taken, was one taken before.
    let mut open: Vec<(bool, bool)> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        let Some(directive) = trimmed.strip_prefix('#').map(str::trim_start) else {
            if open.iter().all(|(taken, _)| *taken) {
                out.push_str(line);
                out.push('\n');
            }
            continue;
        };
        let unbalanced = || Error::malformed(line, "no condition is open");
        let length = directive
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(directive.len());
        let (word, rest) = (&directive[..length], directive[length..].trim_start());
        let outer = open.iter().all(|(taken, _)| *taken);
        match word {
            "if" | "ifdef" | "ifndef" => {
                let taken = outer && condition(word, rest, config)?;
                open.push((taken, taken));
            }
            "elif" => {
                let (_, before) = open.pop().ok_or_else(unbalanced)?;
                let outer = open.iter().all(|(taken, _)| *taken);
                let taken = outer && !before && condition("if", rest, config)?;
                open.push((taken, before || taken));
            }
            "else" => {
                let (_, before) = open.pop().ok_or_else(unbalanced)?;
                open.push((!before, true));
            }
            "endif" => {
                open.pop().ok_or_else(unbalanced)?;
            }
            "define" if outer => {
                out.push_str(line);
                out.push('\n');
            }
            _ => {}
        }
    }
    if open.is_empty() {
        Ok(out)
    } else {
        Err(Error::malformed("conditions", "an #if is never closed"))
    }
}

fn condition(word: &str, rest: &str, config: &Config) -> Result<bool, Error> {
    let name = rest.split_whitespace().next().unwrap_or("");
    match word {
        "ifdef" => Ok(config.is_defined(name)),
        "ifndef" => Ok(!config.is_defined(name)),
        _ => Ok(evaluate(rest, config)? != 0),
    }
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('/') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment.find("*/").map_or(comment.len(), |end| end + 2);
            // Line structure stays, so that a comment never joins two directives.
            out.extend(comment[..end].chars().filter(|c| *c == '\n'));
            out.push(' ');
            rest = &comment[end..];
        } else if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else {
            out.push('/');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> String {
        let config = Config::parse(r#"{"A": true, "N": 4}"#).unwrap();
        preprocess(text, &config)
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn follows_conditions() {
        assert_eq!(run("#ifdef CONFIG_A\na\n#else\nb\n#endif"), "a");
        assert_eq!(run("#ifndef CONFIG_A\na\n#else\nb\n#endif"), "b");
        assert_eq!(
            run("#if CONFIG_N > 4\na\n#elif CONFIG_N == 4\nb\n#else\nc\n#endif"),
            "b"
        );
        assert_eq!(
            run("#ifdef CONFIG_B\n#ifdef CONFIG_A\na\n#else\nb\n#endif\nc\n#endif\nd"),
            "d"
        );
        assert_eq!(
            run("#ifdef CONFIG_B\n#else\n#ifdef CONFIG_B\na\n#else\nb\n#endif\n#endif"),
            "b"
        );
        assert_eq!(
            run("# 1 \"file.h\"\n#include <x.h>\nx /* y\n */ z // w\n"),
            "x z"
        );
    }

    #[test]
    fn refuses_unbalanced_conditions() {
        let config = Config::default();
        assert!(preprocess("#endif", &config).is_err());
        assert!(preprocess("#else", &config).is_err());
        assert!(preprocess("#if 1", &config).is_err());
    }
}
