//! What a test looks for in what machines say.

use std::fmt;

use crate::console::Said;

/// Finds a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    component: Option<String>,
    needle: String,
}

/// A line of `component` that contains `needle`.
#[must_use]
pub fn says(component: &str, needle: &str) -> Pattern {
    Pattern {
        component: Some(component.to_owned()),
        needle: needle.to_owned(),
    }
}

/// A line of anybody on the machine that contains `needle`.
#[must_use]
pub fn contains(needle: &str) -> Pattern {
    Pattern {
        component: None,
        needle: needle.to_owned(),
    }
}

impl Pattern {
    /// Whether this is such a line.
    #[must_use]
    pub fn matches(&self, said: &Said) -> bool {
        let who = self
            .component
            .as_deref()
            .is_none_or(|component| said.component() == Some(component));
        who && said
            .words()
            .is_some_and(|words| words.contains(&self.needle))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(component) => write!(f, "{component} to say {:?}", self.needle),
            None => write!(f, "{:?}", self.needle),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_tell_components_apart() {
        let said = Said::Text {
            component: "a".into(),
            thread: 0,
            text: "ok 1".into(),
        };
        assert!(says("a", "ok").matches(&said) && contains("ok").matches(&said));
        assert!(!says("b", "ok").matches(&said) && !says("a", "no").matches(&said));
        assert!(
            !contains("killed").matches(&Said::Harness("killed".into())),
            "the harness is no machine"
        );
    }
}
