//! Lines to entries.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use heapless::Vec;
use isthmus_abi::Name;
use isthmus_abi::log::FRAME_BYTES;

use crate::{ANNOUNCE, BUILD_ID_BYTES, FRAME, LOST, MARK, Source, TEXT};

/// What a line on the serial line turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the host, and there is no allocator here"
)]
pub enum Line<'a> {
    /// A line of the kernel's or the root task's.
    Plain(&'a str),
    /// An entry of a component.
    Entry {
        /// Whose.
        source: Source<'a>,
        /// What it says.
        entry: Decoded<'a>,
    },
    /// It starts as an entry and goes on as none: broken on its way.
    Garbled(&'a str),
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the host, and there is no allocator here"
)]
pub enum Decoded<'a> {
    /// The component's program has this build id.
    Announce(Vec<u8, BUILD_ID_BYTES>),
    /// A line of text.
    Text(&'a str),
    /// A `defmt` frame (rzcobs, without its closing zero).
    Frame(Vec<u8, FRAME_BYTES>),
    /// So many records were lost here.
    Lost(u64),
}

/// Reads one line (without its end). Where an entry breaks into a line that was not finished, there are two.
pub fn decode(line: &str) -> impl Iterator<Item = Line<'_>> {
    let line = line.trim_end_matches(['\r', '\n']);
    let mut rest = Some(line);
    core::iter::from_fn(move || {
        let now = rest?;
        // An entry ends where the next begins; only a broken line holds two marks.
        let after_mark = now.strip_prefix(MARK);
        let skip = if after_mark.is_some() {
            MARK.len_utf8()
        } else {
            0
        };
        let end = now[skip..].find(MARK).map(|at| at + skip);
        rest = end.map(|at| &now[at..]);
        let now = &now[..end.unwrap_or(now.len())];
        Some(match now.strip_prefix(MARK) {
            None => Line::Plain(now),
            Some(text) => entry(text).unwrap_or(Line::Garbled(text)),
        })
    })
}

fn entry(text: &str) -> Option<Line<'_>> {
    let (head, body) = text.split_once(' ')?;
    let (component, thread) = match head.split_once('/') {
        None => (head, 0),
        Some((component, thread)) => (component, decimal(thread)?),
    };
    Name::new(component).ok()?;
    let kind = body.chars().next()?;
    let body = &body[kind.len_utf8()..];
    let entry = match kind {
        ANNOUNCE => Decoded::Announce(hexadecimal(body)?),
        TEXT => Decoded::Text(body),
        FRAME => Decoded::Frame(base64(body)?),
        LOST => Decoded::Lost(body.parse().ok()?),
        _ => return None,
    };
    Some(Line::Entry {
        source: Source { component, thread },
        entry,
    })
}

fn decimal(text: &str) -> Option<u8> {
    text.parse().ok()
}

fn hexadecimal(text: &str) -> Option<Vec<u8, BUILD_ID_BYTES>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = Vec::new();
    for pair in text.as_bytes().chunks(2) {
        let pair = core::str::from_utf8(pair).ok()?;
        bytes.push(u8::from_str_radix(pair, 16).ok()?).ok()?;
    }
    Some(bytes)
}

fn base64(text: &str) -> Option<Vec<u8, FRAME_BYTES>> {
    let mut buffer = [0; FRAME_BYTES];
    let length = STANDARD_NO_PAD.decode_slice(text, &mut buffer).ok()?;
    Vec::from_slice(&buffer[..length]).ok()
}
