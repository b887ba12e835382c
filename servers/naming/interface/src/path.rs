//! Paths: `kv`, `/apps/kv`, `/node/2/kv`.

use core::fmt;

use heapless::String;
use isthmus_interface::abi::Name;
use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer};

use crate::limits::{PART_BYTES, PATH_BYTES};

/// In every directory, the part that leads to the other machines: `node/2/kv`.
pub const NODE: &str = isthmus_interface::abi::names::NODE;

const SEPARATOR: char = '/';
const HERE: &str = ".";
const ABOVE: &str = "..";

/// A path below the directory that is called. It is always in its shortest form: `.` and `..` are resolved, and `..` at the beginning stays where
/// it is, so that no path leads out of the directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(String<PATH_BYTES, u8>);

/// One part of a path: 1 to [`PART_BYTES`] lower-case letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part(String<PART_BYTES, u8>);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPath {
    /// It has no part, or an empty one.
    Empty,
    /// It has more than [`PATH_BYTES`] bytes.
    TooLong,
    /// One of its parts has more than [`PART_BYTES`] bytes.
    PartTooLong,
    /// It holds something other than lower-case letters, digits, `-`, `_`, slashes, and parts `.` and `..`.
    BadCharacter(char),
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a part of the path is empty"),
            Self::TooLong => write!(f, "a path has at most {PATH_BYTES} bytes"),
            Self::PartTooLong => write!(f, "a part of a path has at most {PART_BYTES} bytes"),
            Self::BadCharacter(c) => write!(
                f,
                "a path holds lower-case letters, digits, `-`, `_` and `/`, not {c:?}"
            ),
        }
    }
}

impl core::error::Error for BadPath {}

impl Part {
    /// Checks and copies a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, BadPath> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if let Some(c) = text.chars().find(|&c| !allowed(c)) {
            return Err(BadPath::BadCharacter(c));
        }
        if text.is_empty() {
            return Err(BadPath::Empty);
        }
        String::try_from(text)
            .map(Self)
            .map_err(|_| BadPath::PartTooLong)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Path {
    /// The directory that is called.
    pub const ROOT: Self = Self(String::new());

    /// Checks a text and brings it into its shortest form. A slash at the beginning means nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, BadPath> {
        let parts = text.strip_prefix(SEPARATOR).unwrap_or(text);
        let mut path = Self::ROOT;
        if parts.is_empty() && !text.is_empty() {
            return Ok(path);
        }
        for part in parts.split(SEPARATOR) {
            match part {
                HERE => {}
                ABOVE => path.leave(),
                _ => path.enter(&Part::new(part)?)?,
            }
        }
        Ok(path)
    }

    /// The text, without a slash at the beginning; empty for [`Path::ROOT`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the directory that is called.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Its parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split(SEPARATOR).filter(|part| !part.is_empty())
    }

    /// The path to the directory that it is in, and its last part. `None` for [`Path::ROOT`].
    #[must_use]
    pub fn split_last(&self) -> Option<(Self, Part)> {
        let last = self.parts().last()?;
        let mut directory = self.clone();
        directory.leave();
        Some((directory, Part::new(last).ok()?))
    }

    /// What of it is below `directory`, if it is there.
    #[must_use]
    pub fn below(&self, directory: &Self) -> Option<&str> {
        if directory.is_root() {
            return Some(self.as_str()).filter(|rest| !rest.is_empty());
        }
        self.0
            .strip_prefix(directory.as_str())?
            .strip_prefix(SEPARATOR)
    }

    /// The path that leads on by `parts`.
    ///
    /// # Errors
    /// [`BadPath::TooLong`], or what is wrong with a part.
    pub fn join<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Result<Self, BadPath> {
        let mut path = self.clone();
        for part in parts {
            path.enter(&Part::new(part)?)?;
        }
        Ok(path)
    }

    fn enter(&mut self, part: &Part) -> Result<(), BadPath> {
        if !self.is_root() {
            self.0.push(SEPARATOR).map_err(|_| BadPath::TooLong)?;
        }
        self.0.push_str(part.as_str()).map_err(|_| BadPath::TooLong)
    }

    fn leave(&mut self) {
        self.0.truncate(self.0.rfind(SEPARATOR).unwrap_or(0));
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SEPARATOR}{}", self.as_str())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl core::str::FromStr for Path {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        Self::new(text)
    }
}

impl From<Name> for Path {
    fn from(name: Name) -> Self {
        Self::new(name.as_str()).expect("a name is a path of one part")
    }
}

impl Wire for Path {
    const MAX_WORDS: usize = String::<PATH_BYTES, u8>::MAX_WORDS;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.0.write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let text = String::<PATH_BYTES, u8>::read(reader)?;
        if text.is_empty() {
            return Ok(Self::ROOT);
        }
        // Only the form that it is written in: no two messages mean the same.
        Self::new(&text)
            .ok()
            .filter(|path| path.0 == text)
            .ok_or(Malformed)
    }
}

impl Wire for Part {
    const MAX_WORDS: usize = String::<PART_BYTES, u8>::MAX_WORDS;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.0.write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::new(&String::<PART_BYTES, u8>::read(reader)?).map_err(|_| Malformed)
    }
}
