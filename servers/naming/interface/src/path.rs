//! Paths: `kv`, `/kv`, `/node/2/kv`.

use core::fmt;

use heapless::String;
use isthmus_interface::abi::Name;
use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer};

/// Bytes of a path, at most.
pub const PATH_BYTES: usize = 96;

const SEPARATOR: char = '/';
const NODE: &str = "node";

/// A path: parts of letters, digits, `-` and `_`, between slashes; one at the beginning means nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Path(String<PATH_BYTES, u8>);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPath {
    /// It has no part, or an empty one.
    Empty,
    /// It has more than [`PATH_BYTES`] bytes.
    TooLong,
    /// It holds something other than lower-case letters, digits, `-`, `_` and slashes.
    BadCharacter(char),
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a part of the path is empty"),
            Self::TooLong => write!(f, "a path has at most {PATH_BYTES} bytes"),
            Self::BadCharacter(c) => {
                write!(
                    f,
                    "a path holds lower-case letters, digits, `-`, `_` and `/`, not {c:?}"
                )
            }
        }
    }
}

impl core::error::Error for BadPath {}

/// What a path means to a naming server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A name, on this machine or the first that has it.
    Anywhere(Name),
    /// A name on one machine.
    On {
        /// The machine.
        node: u8,
        /// The name.
        name: Name,
        /// Bytes of the path before the name.
        consumed: u8,
    },
    /// Something that this version's naming does not keep.
    Other,
}

impl Path {
    /// Checks and copies a text.
    pub fn new(text: &str) -> Result<Self, BadPath> {
        let parts = text.strip_prefix(SEPARATOR).unwrap_or(text);
        if parts.split(SEPARATOR).any(str::is_empty) {
            return Err(BadPath::Empty);
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_/".contains(c);
        if let Some(c) = text.chars().find(|&c| !allowed(c)) {
            return Err(BadPath::BadCharacter(c));
        }
        String::try_from(text)
            .map(Self)
            .map_err(|_| BadPath::TooLong)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rest of the path, from byte `consumed` on.
    pub fn rest(&self, consumed: usize) -> Result<Self, BadPath> {
        self.0
            .get(consumed..)
            .ok_or(BadPath::Empty)
            .and_then(Self::new)
    }

    /// What it means.
    #[must_use]
    pub fn target(&self) -> Target {
        let text = self.0.strip_prefix(SEPARATOR).unwrap_or(&self.0);
        let mut parts = text.split(SEPARATOR);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(name), None, ..) => Name::new(name).map_or(Target::Other, Target::Anywhere),
            (Some(NODE), Some(node), Some(name), None) => match (node.parse(), Name::new(name)) {
                (Ok(node), Ok(name)) => {
                    let consumed = (self.0.len() - name.as_str().len()) as u8;
                    Target::On {
                        node,
                        name,
                        consumed,
                    }
                }
                _ => Target::Other,
            },
            _ => Target::Other,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl From<Name> for Path {
    fn from(name: Name) -> Self {
        Self::new(name.as_str()).expect("a name is a path, and shorter than the longest")
    }
}

impl Wire for Path {
    const MAX_WORDS: usize = String::<PATH_BYTES, u8>::MAX_WORDS;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.0.write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::new(&String::<PATH_BYTES, u8>::read(reader)?).map_err(|_| Malformed)
    }
}
