//! Sealing and opening under one key.

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use netipc_protocol::Unreadable;
use netipc_wire::{HEADER_LENGTH, TAG_LENGTH};

use crate::ahead::{Ahead, Of, Refused, nonce};
use crate::fault::{Faults, PlantedFault};
use crate::keys::Secret;
use crate::window::{Old, Window};

/// What a key exchange gives: a key for each direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) send: Secret,
    pub(crate) receive: Secret,
}

/// One key of a session, with what came under it.
#[derive(Debug)]
pub(crate) struct Key {
    pair: Pair,
    window: Window,
}

/// The frame's parts: header, body, tag.
type Parts<'a> = (
    &'a mut [u8; HEADER_LENGTH],
    &'a mut [u8],
    &'a mut [u8; TAG_LENGTH],
);

fn parts(frame: &mut [u8]) -> Option<Parts<'_>> {
    let (header, rest) = frame.split_first_chunk_mut()?;
    let (body, tag) = rest.split_last_chunk_mut()?;
    Some((header, body, tag))
}

/// What is authenticated beside the body.
fn bound(header: &[u8; HEADER_LENGTH], faults: Faults) -> &[u8] {
    match faults.has(PlantedFault::HeaderUnbound) {
        false => header,
        true => &[],
    }
}

/// Opens a frame of a session with the key of its direction, as often as one likes: for who reads a capture, with a key log.
///
/// # Errors
/// If it is too short, or sealed with another key; then it is as it came.
pub fn reveal(key: &Secret, frame: &mut [u8]) -> Result<(), Unreadable> {
    let header = netipc_wire::frame::Packet::new_checked(&*frame);
    let number = header.map_err(|_| Unreadable::Corrupt)?.header().number;
    let (header, body, tag) = parts(frame).ok_or(Unreadable::Corrupt)?;
    let cipher = ChaCha20Poly1305::new((&key.0).into());
    let opened =
        cipher.decrypt_in_place_detached((&nonce(number)).into(), header, body, (&*tag).into());
    opened.map_err(|_| Unreadable::Corrupt)
}

impl Key {
    pub(crate) const fn new(pair: Pair) -> Self {
        Self {
            pair,
            window: Window::new(),
        }
    }

    pub(crate) const fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Encrypts the body, and authenticates header and body. No number is used twice: the caller counts.
    // [N5]
    pub(crate) fn seal(&self, ahead: &mut Ahead, of: Of, frame: &mut [u8], faults: Faults) {
        let Some((header, body, room)) = parts(frame) else {
            return;
        };
        let bound = bound(header, faults);
        match ahead.seal(&self.pair.send, of, bound, body) {
            Ok(tag) => *room = tag,
            // Longer than a frame: what is not sealed must not be readable.
            Err(Refused) => body.fill(0),
        }
    }

    /// The reverse. After an error the body is as it came.
    pub(crate) fn open(
        &mut self,
        ahead: &mut Ahead,
        of: Of,
        frame: &mut [u8],
        faults: Faults,
    ) -> Result<(), Unreadable> {
        let number = of.number;
        let again =
            faults.has(PlantedFault::WindowOffByOne) && self.window.newest() == Some(number);
        if !again {
            let checked = self.window.check(number);
            checked.map_err(|Old| Unreadable::Replayed)?;
        }
        let (header, body, tag) = parts(frame).ok_or(Unreadable::Corrupt)?;
        let bound = bound(header, faults);
        let opened = ahead.open(&self.pair.receive, of, bound, body, tag);
        opened.map_err(|Refused| Unreadable::Corrupt)?;
        match self.window.accept(number) {
            Err(Old) if !again => Err(Unreadable::Replayed),
            _ => Ok(()),
        }
    }
}
