//! What may happen to a frame in bad hands.

use fastrand::Rng;
use netipc_wire::{FRAME_LENGTH_MAX, HEADER_LENGTH, Kind, TAG_LENGTH};

/// One way to change a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// It is as it was: a replay.
    None,
    /// Some of its bits are flipped.
    Flipped,
    /// It ends early.
    Cut,
    /// Bytes are appended, even beyond the longest frame.
    Drawn,
    /// The rest of it is another frame's.
    Spliced,
    /// A number of 1, 2, 4 or 8 bytes at any place says something that is often wrong: lengths, counts, rows, sequences.
    Lied,
    /// It claims to be of another kind.
    Renamed,
    /// A number is a little more or less.
    Nudged,
    /// A part of it is zeroes.
    Wiped,
}

impl Mutation {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::None,
        Self::Flipped,
        Self::Cut,
        Self::Drawn,
        Self::Spliced,
        Self::Lied,
        Self::Renamed,
        Self::Nudged,
        Self::Wiped,
    ];
}

/// Numbers that break things: ends of ranges, and one beside them.
const TELLING: [u64; 16] = [
    0,
    1,
    2,
    7,
    8,
    0x7f,
    0xff,
    120,
    121,
    160,
    161,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    u64::MAX - 1,
    u64::MAX,
];

/// Room for more than the longest frame.
const ROOM: usize = FRAME_LENGTH_MAX + 64;

/// Changes a frame once: how.
pub fn mutate(rng: &mut Rng, frame: &mut Vec<u8>, other: &[u8]) -> Mutation {
    let mutation = Mutation::ALL[rng.usize(..Mutation::ALL.len())];
    match mutation {
        Mutation::None => {}
        Mutation::Flipped => {
            for _ in 0..=rng.usize(..4) {
                if let Some(at) = place(rng, frame.len()) {
                    frame[at] ^= 1 << rng.u8(..8);
                }
            }
        }
        Mutation::Cut => frame.truncate(rng.usize(..=frame.len())),
        Mutation::Drawn => {
            let more = match rng.u8(..4) {
                0 => ROOM.saturating_sub(frame.len()),
                1 => 8,
                _ => rng.usize(1..40),
            };
            let room = ROOM.saturating_sub(frame.len());
            frame.extend((0..more.min(room)).map(|_| rng.u8(..)));
        }
        Mutation::Spliced => {
            // At the same place in both, or at any: fields keep their meaning in the first case.
            let at = rng.usize(..=frame.len());
            let from = match rng.bool() {
                true => at.min(other.len()),
                false => rng.usize(..=other.len()),
            };
            frame.truncate(at);
            frame.extend_from_slice(&other[from..]);
            frame.truncate(ROOM);
        }
        Mutation::Lied => {
            let said = TELLING[rng.usize(..TELLING.len())];
            write(rng, frame, said);
        }
        Mutation::Renamed => {
            if let Some(kind) = frame.get_mut(3) {
                *kind = match rng.u8(..8) {
                    0 => rng.u8(..),
                    // Neighbours have like bodies.
                    1..=4 => match rng.bool() {
                        true => kind.wrapping_add(1),
                        false => kind.wrapping_sub(1),
                    },
                    _ => Kind::ALL[rng.usize(..Kind::ALL.len())] as u8,
                };
            }
        }
        Mutation::Nudged => {
            let width = 1 << rng.usize(..4);
            if let Some(at) = aligned(rng, frame.len(), width) {
                let mut number = [0; 8];
                number[..width].copy_from_slice(&frame[at..at + width]);
                let by = rng.u64(1..4);
                let number = match rng.bool() {
                    true => u64::from_le_bytes(number).wrapping_add(by),
                    false => u64::from_le_bytes(number).wrapping_sub(by),
                };
                frame[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
            }
        }
        Mutation::Wiped => {
            if let Some(at) = place(rng, frame.len()) {
                let end = (at + rng.usize(1..24)).min(frame.len());
                frame[at..end].fill(0);
            }
        }
    }
    mutation
}

fn write(rng: &mut Rng, frame: &mut [u8], number: u64) {
    let width = 1 << rng.usize(..4);
    if let Some(at) = aligned(rng, frame.len(), width) {
        frame[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
    }
}

/// Any place in a frame of this length, the fields at the start of the body more often than the words at its end.
fn place(rng: &mut Rng, length: usize) -> Option<usize> {
    const FIELDS: usize = HEADER_LENGTH + 64;
    match length {
        0 => None,
        _ if rng.bool() => Some(rng.usize(..length.min(FIELDS))),
        _ => Some(rng.usize(..length)),
    }
}

/// A place for a number of `width` bytes: most fields lie at multiples of two.
fn aligned(rng: &mut Rng, length: usize, width: usize) -> Option<usize> {
    let room = length.checked_sub(width)?;
    let at = place(rng, room + 1)?;
    Some(match rng.u8(..4) {
        0 => at,
        _ => at & !1,
    })
}

/// What lies before the cipher's bytes of a frame.
pub(crate) fn content(frame: &[u8]) -> &[u8] {
    &frame[..frame.len().saturating_sub(TAG_LENGTH)]
}
