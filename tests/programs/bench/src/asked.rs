//! What the host asks for.

/// The names in the machine's argument `bench=NAME,NAME`.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'n>(pub &'n str);

impl<'n> Asked<'n> {
    /// Each of them.
    pub fn names(self) -> impl Iterator<Item = &'n str> {
        self.0.split(',').filter(|name| !name.is_empty())
    }

    /// Whether `name` is among them.
    pub fn contains(self, name: &str) -> bool {
        self.names().any(|asked| asked == name)
    }

    /// Whether one of `names` is.
    pub fn any_of(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.contains(name))
    }
}
