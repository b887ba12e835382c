//! The boot archive: the plan and the programs, one after the other, as the last segment of the root task's ELF.
//!
//! All numbers are little-endian.
//!
//! | bytes | header |
//! |---|---|
//! | 0–7 | `ISTHARCH` |
//! | 8–15 | length of the archive |
//! | 16–19 | version of the format |
//! | 20–23 | number of entries |
//! | 24–31 | zero |
//! | 32–63 | SHA-256 of the entries |
//!
//! | bytes | entry, 128 bytes each, after the header |
//! |---|---|
//! | 0–23 | name, padded with zeros |
//! | 24–27 | kind: 0 the plan, 1 a program |
//! | 28–31 | length of the build id |
//! | 32–63 | build id, padded with zeros |
//! | 64–95 | SHA-256 of the contents |
//! | 96–103 | offset of the contents, from the archive's start, a whole number of pages |
//! | 104–111 | length of the contents |
//! | 112–127 | zero |
//!
//! The hashes find damage, and a loader that copied too little; they do not authenticate: who can change an image can change
//! the root task in it.

use alloc::vec::Vec;
use core::fmt;

use isthmus_abi::{Name, layout, limits};
use sha2::{Digest, Sha256};

/// The first eight bytes.
pub const MAGIC: [u8; 8] = *b"ISTHARCH";
/// The version that this code reads and writes.
pub const VERSION: u32 = 1;
/// Contents start at multiples of this.
pub const ALIGNMENT: u64 = layout::PAGE_BYTES;
/// Entries of an archive: the plan, and a program for each component.
pub const ENTRIES: usize = 1 + limits::COMPONENTS;
/// Bytes of a build id, at most.
pub const BUILD_ID_BYTES: usize = 32;
/// Bytes of the header, of which the first 16 tell the length.
pub const HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 128;
const PLAN_NAME: &str = "plan";

/// Why bytes are no archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadArchive {
    /// Shorter than the header, or than the header says.
    Short,
    /// It does not start with the magic bytes.
    NoMagic,
    /// A version of the format that this code does not know.
    Version(u32),
    /// More entries than [`ENTRIES`].
    TooManyEntries,
    /// The entries' hash is not what the header says.
    DamagedEntries,
    /// An entry that breaks a rule of the format, by its number.
    BadEntry(usize),
    /// There is no plan.
    NoPlan,
}

impl fmt::Display for BadArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => {
                f.write_str("the boot archive is shorter than it says: the image was cut off")
            }
            Self::NoMagic => f.write_str(
                "there is no boot archive: the root task's ELF was not filled by isthmus-image",
            ),
            Self::Version(v) => write!(
                f,
                "the boot archive has format {v}; this root task reads {VERSION}"
            ),
            Self::TooManyEntries => write!(f, "the boot archive has more than {ENTRIES} entries"),
            Self::DamagedEntries => f.write_str("the boot archive's table of entries is damaged"),
            Self::BadEntry(n) => write!(f, "entry {n} of the boot archive breaks the format"),
            Self::NoPlan => f.write_str("the boot archive has no plan"),
        }
    }
}

impl core::error::Error for BadArchive {}

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The plan.
    Plan,
    /// A program.
    Program,
}

/// A checked view of an archive. Contents are checked one by one: [`Entry::is_intact`].
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    count: usize,
}

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it holds.
    pub kind: EntryKind,
    /// The program's GNU build id; empty where there is none.
    pub build_id: &'a [u8],
    /// The SHA-256 that the contents had when the archive was made.
    pub sha256: [u8; 32],
    /// The contents.
    pub bytes: &'a [u8],
}

impl Entry<'_> {
    /// The SHA-256 of the contents as they are now.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.bytes).into()
    }

    /// Whether the contents are what they were. Reads all of them.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.digest() == self.sha256
    }
}

impl<'a> Archive<'a> {
    /// The length that a header states, from an archive's first 16 bytes: for a reader that does not know it beforehand.
    pub fn stated_length(start: &[u8]) -> Result<u64, BadArchive> {
        if start.get(..8) != Some(&MAGIC) {
            return Err(if start.len() < 8 {
                BadArchive::Short
            } else {
                BadArchive::NoMagic
            });
        }
        u64_at(start, 8).ok_or(BadArchive::Short)
    }

    /// Checks header and entries. `bytes` may be longer than the archive.
    pub fn open(bytes: &'a [u8]) -> Result<Self, BadArchive> {
        let length = Self::stated_length(bytes)?;
        let length = usize::try_from(length).map_err(|_| BadArchive::Short)?;
        let bytes = bytes.get(..length).ok_or(BadArchive::Short)?;
        let version = u32_at(bytes, 16).ok_or(BadArchive::Short)?;
        if version != VERSION {
            return Err(BadArchive::Version(version));
        }
        let count = u32_at(bytes, 20).ok_or(BadArchive::Short)? as usize;
        if count > ENTRIES {
            return Err(BadArchive::TooManyEntries);
        }
        let table = bytes
            .get(HEADER_BYTES..HEADER_BYTES + count * ENTRY_BYTES)
            .ok_or(BadArchive::Short)?;
        if bytes.get(32..64) != Some(Sha256::digest(table).as_slice()) {
            return Err(BadArchive::DamagedEntries);
        }
        let archive = Self { bytes, count };
        for index in 0..count {
            let entry = archive.read(index).ok_or(BadArchive::BadEntry(index))?;
            let twice = (0..index)
                .filter_map(|i| archive.read(i))
                .any(|e| (e.kind, e.name) == (entry.kind, entry.name));
            if twice {
                return Err(BadArchive::BadEntry(index));
            }
        }
        Ok(archive)
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        let archive = *self;
        (0..self.count).filter_map(move |index| archive.read(index))
    }

    /// The plan's bytes; their hash is checked.
    pub fn plan(&self) -> Result<&'a [u8], BadArchive> {
        let plan = self
            .entries()
            .find(|e| e.kind == EntryKind::Plan)
            .ok_or(BadArchive::NoPlan)?;
        if plan.is_intact() {
            Ok(plan.bytes)
        } else {
            Err(BadArchive::DamagedEntries)
        }
    }

    /// The program of this name.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<Entry<'a>> {
        self.entries()
            .find(|e| e.kind == EntryKind::Program && e.name == name)
    }

    fn read(&self, index: usize) -> Option<Entry<'a>> {
        let at = HEADER_BYTES + index * ENTRY_BYTES;
        let entry = self.bytes.get(at..at + ENTRY_BYTES)?;
        let name = entry.get(..limits::NAME_BYTES)?;
        let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
        if name[end..].iter().any(|&b| b != 0) {
            return None;
        }
        let name = core::str::from_utf8(&name[..end])
            .ok()
            .filter(|n| Name::new(n).is_ok())?;
        let kind = match u32_at(entry, 24)? {
            0 if name == PLAN_NAME => EntryKind::Plan,
            1 => EntryKind::Program,
            _ => return None,
        };
        let build_id = entry.get(32..64)?.get(..u32_at(entry, 28)? as usize)?;
        let offset = u64_at(entry, 96)?;
        let length = u64_at(entry, 104)?;
        if !offset.is_multiple_of(ALIGNMENT) || entry.get(112..)?.iter().any(|&b| b != 0) {
            return None;
        }
        let start = usize::try_from(offset).ok()?;
        let bytes = self
            .bytes
            .get(start..start.checked_add(usize::try_from(length).ok()?)?)?;
        Some(Entry {
            name,
            kind,
            build_id,
            sha256: entry.get(64..96)?.try_into().ok()?,
            bytes,
        })
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Makes an archive.
#[derive(Debug, Default)]
pub struct ArchiveBuilder {
    entries: Vec<(Name, EntryKind, Vec<u8>, Vec<u8>)>,
}

/// Why a program cannot be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CannotAdd {
    /// There are [`ENTRIES`] already.
    TooMany,
    /// There is a program of this name already.
    Twice,
    /// The build id has more than [`BUILD_ID_BYTES`] bytes.
    LongBuildId,
}

impl fmt::Display for CannotAdd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "an archive has at most {ENTRIES} entries"),
            Self::Twice => f.write_str("the archive has a program of this name already"),
            Self::LongBuildId => write!(f, "its build id has more than {BUILD_ID_BYTES} bytes"),
        }
    }
}

impl core::error::Error for CannotAdd {}

impl ArchiveBuilder {
    /// Starts with a plan.
    #[must_use]
    pub fn new(plan: &crate::Plan) -> Self {
        let name = Name::new(PLAN_NAME).expect("the plan's name is well-formed");
        Self {
            entries: alloc::vec![(name, EntryKind::Plan, Vec::new(), plan.encode())],
        }
    }

    /// Adds a program.
    pub fn program(&mut self, name: Name, build_id: &[u8], elf: Vec<u8>) -> Result<(), CannotAdd> {
        if self.entries.len() == ENTRIES {
            return Err(CannotAdd::TooMany);
        }
        if build_id.len() > BUILD_ID_BYTES {
            return Err(CannotAdd::LongBuildId);
        }
        if self
            .entries
            .iter()
            .any(|e| e.0 == name && e.1 == EntryKind::Program)
        {
            return Err(CannotAdd::Twice);
        }
        self.entries
            .push((name, EntryKind::Program, build_id.into(), elf));
        Ok(())
    }

    /// The archive's bytes: the same entries in the same order give the same bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut table = Vec::new();
        let mut contents = Vec::new();
        let start =
            (HEADER_BYTES + self.entries.len() * ENTRY_BYTES).next_multiple_of(ALIGNMENT as usize);
        for (name, kind, build_id, bytes) in &self.entries {
            let offset = start + contents.len();
            table.extend(padded::<{ limits::NAME_BYTES }>(name.as_str().as_bytes()));
            table.extend(match kind {
                EntryKind::Plan => 0u32.to_le_bytes(),
                EntryKind::Program => 1u32.to_le_bytes(),
            });
            table.extend((build_id.len() as u32).to_le_bytes());
            table.extend(padded::<BUILD_ID_BYTES>(build_id));
            table.extend(Sha256::digest(bytes));
            table.extend((offset as u64).to_le_bytes());
            table.extend((bytes.len() as u64).to_le_bytes());
            table.extend([0; 16]);
            contents.extend_from_slice(bytes);
            contents.resize(contents.len().next_multiple_of(ALIGNMENT as usize), 0);
        }
        let mut archive = Vec::from(MAGIC);
        archive.extend(((start + contents.len()) as u64).to_le_bytes());
        archive.extend(VERSION.to_le_bytes());
        archive.extend((self.entries.len() as u32).to_le_bytes());
        archive.extend([0; 8]);
        archive.extend(Sha256::digest(&table));
        archive.extend(table);
        archive.resize(start, 0);
        archive.extend(contents);
        archive
    }
}

/// `bytes`, which are at most N, padded with zeros.
fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut all = [0; N];
    all[..bytes.len()].copy_from_slice(bytes);
    all
}
