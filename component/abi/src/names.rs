//! Names of components, interfaces, channels and events, and directories made of them: short, bounded, and safe to print anywhere.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::{DIRECTORY_BYTES, NAME_BYTES};

/// A name: 1 to [`NAME_BYTES`] bytes, a lower-case letter first, then lower-case letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(heapless::String<NAME_BYTES, u8>);

/// Why a text is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// It is empty.
    Empty,
    /// It has more than [`NAME_BYTES`] bytes.
    TooLong,
    /// It does not start with a lower-case letter.
    BadStart,
    /// It holds something other than lower-case letters, digits, `-` and `_`.
    BadCharacter(char),
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name must not be empty"),
            Self::TooLong => write!(f, "a name has at most {NAME_BYTES} bytes"),
            Self::BadStart => f.write_str("a name starts with a lower-case letter"),
            Self::BadCharacter(c) => {
                write!(
                    f,
                    "a name holds lower-case letters, digits, `-` and `_`, not {c:?}"
                )
            }
        }
    }
}

impl core::error::Error for BadName {}

impl Name {
    /// Checks and copies a text.
    pub fn new(text: &str) -> Result<Self, BadName> {
        let first = text.chars().next().ok_or(BadName::Empty)?;
        if !first.is_ascii_lowercase() {
            return Err(BadName::BadStart);
        }
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if let Some(c) = text.chars().find(|&c| !allowed(c)) {
            return Err(BadName::BadCharacter(c));
        }
        heapless::String::try_from(text)
            .map(Self)
            .map_err(|_| BadName::TooLong)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl core::str::FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::new(text)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
                Name::new(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// In every directory of a machine's tree of names, the part that leads to the other machines.
pub const NODE: &str = "node";

const SEPARATOR: char = '/';

/// A directory below the root of a machine's tree of names: `/apps/kv`. Each part is a [`Name`], and none is [`NODE`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "DirectoryText", into = "DirectoryText")]
pub struct Directory(DirectoryText);

type DirectoryText = heapless::String<DIRECTORY_BYTES, u8>;

/// Why a text is no [`Directory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadDirectory {
    /// It has more than [`DIRECTORY_BYTES`] bytes.
    TooLong,
    /// It does not begin with a slash.
    Relative,
    /// One of its parts is [`NODE`].
    Machines,
    /// One of its parts is no name; without parts it is the root, which needs no saying.
    Part(BadName),
}

impl fmt::Display for BadDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a directory has at most {DIRECTORY_BYTES} bytes"),
            Self::Relative => f.write_str("a directory begins with a slash, like \"/apps\""),
            Self::Machines => write!(
                f,
                "no directory is called `{NODE}`: it leads to other machines"
            ),
            Self::Part(why) => write!(f, "each part of a directory is a name: {why}"),
        }
    }
}

impl core::error::Error for BadDirectory {}

impl Directory {
    /// Checks and copies a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, BadDirectory> {
        let parts = text.strip_prefix(SEPARATOR).ok_or(BadDirectory::Relative)?;
        for part in parts.split(SEPARATOR) {
            Name::new(part).map_err(BadDirectory::Part)?;
            if part == NODE {
                return Err(BadDirectory::Machines);
            }
        }
        DirectoryText::try_from(text)
            .map(Self)
            .map_err(|_| BadDirectory::TooLong)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<DirectoryText> for Directory {
    type Error = BadDirectory;

    fn try_from(text: DirectoryText) -> Result<Self, BadDirectory> {
        Self::new(&text)
    }
}

impl From<Directory> for DirectoryText {
    fn from(directory: Directory) -> Self {
        directory.0
    }
}
