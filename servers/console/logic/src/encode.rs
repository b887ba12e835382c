//! Entries to lines.

use core::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use isthmus_abi::log::{FRAME_BYTES, Kind};

use crate::{ANNOUNCE, FRAME, LOST, MARK, Source, TEXT};

/// Characters of base64 for the longest frame.
const BASE64_BYTES: usize = (FRAME_BYTES * 4).div_ceil(3);

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// The component's program has this build id; comes before anything else of the component.
    Announce {
        /// The GNU build id of its ELF.
        build_id: &'a [u8],
    },
    /// A line of text. Control characters and bad UTF-8 are replaced.
    Text(&'a [u8]),
    /// A `defmt` frame (rzcobs, without its closing zero).
    Frame(&'a [u8]),
    /// So many records were lost here.
    Lost(u64),
}

/// Writes one line, its end included.
///
/// # Errors
/// `out`'s own, and a frame above [`FRAME_BYTES`].
pub fn encode(out: &mut impl Write, source: Source<'_>, entry: Entry<'_>) -> fmt::Result {
    write!(out, "{MARK}{}", source.component)?;
    if source.thread != 0 {
        write!(out, "/{}", source.thread)?;
    }
    out.write_char(' ')?;
    match entry {
        Entry::Announce { build_id } => {
            out.write_char(ANNOUNCE)?;
            for byte in build_id {
                write!(out, "{byte:02x}")?;
            }
        }
        Entry::Text(bytes) => {
            out.write_char(TEXT)?;
            for chunk in bytes.utf8_chunks() {
                chunk
                    .valid()
                    .chars()
                    .try_for_each(|c| out.write_char(printable(c)))?;
                if !chunk.invalid().is_empty() {
                    out.write_char(char::REPLACEMENT_CHARACTER)?;
                }
            }
        }
        Entry::Frame(bytes) => {
            let mut buffer = [0; BASE64_BYTES];
            let length = STANDARD_NO_PAD
                .encode_slice(bytes, &mut buffer)
                .map_err(|_| fmt::Error)?;
            out.write_char(FRAME)?;
            // Base64 is ASCII, so this holds for every frame.
            out.write_str(core::str::from_utf8(&buffer[..length]).map_err(|_| fmt::Error)?)?;
        }
        Entry::Lost(count) => write!(out, "{LOST}{count}")?,
    }
    out.write_char('\n')
}

/// Writes the line for a record as it came out of a log ring. A record that makes no sense is told as one lost.
///
/// # Errors
/// `out`'s own.
pub fn encode_record(out: &mut impl Write, source: Source<'_>, record: &[u8]) -> fmt::Result {
    let entry = record.split_first().and_then(|(&kind, payload)| {
        Some(match Kind::from_code(kind)? {
            Kind::Text => Entry::Text(payload),
            Kind::Defmt => Entry::Frame(payload).checked()?,
            Kind::Lost => Entry::Lost(u64::from_le_bytes(payload.try_into().ok()?)),
        })
    });
    encode(out, source, entry.unwrap_or(Entry::Lost(1)))
}

impl Entry<'_> {
    fn checked(self) -> Option<Self> {
        match self {
            Self::Frame(bytes) if bytes.len() > FRAME_BYTES => None,
            entry => Some(entry),
        }
    }
}

fn printable(character: char) -> char {
    match character {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}
