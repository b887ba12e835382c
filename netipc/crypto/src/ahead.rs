//! Keystream that is made before its frame is there.
//!
//! A frame's nonce is its number, so what its body will be combined with is known beforehand. On a path of a few thousand instructions the
//! keystream is the longest piece; made while the machine waits for the network it costs nobody anything. The result is ChaCha20-Poly1305
//! (RFC 8439) as ever: the tests hold it to the crate `chacha20poly1305`, which cannot be given a keystream.

use chacha20_stream::ChaCha20;
use chacha20_stream::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use netipc_wire::{FRAME_LENGTH_MAX, HEADER_LENGTH, Header, SessionId, TAG_LENGTH};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use zeroize::Zeroize;

use crate::keys::Secret;

/// Bytes that ChaCha20 makes at a time. The first block of a frame's keystream is the authenticator's, which uses half of it.
const BLOCK: usize = 64;
/// For the longest body.
const STREAM: usize =
    BLOCK + (FRAME_LENGTH_MAX - HEADER_LENGTH - TAG_LENGTH).next_multiple_of(BLOCK);

/// A body is longer than a frame's, or its tag is not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// Which keystream: that of a frame, of a key, of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Of {
    pub(crate) session: SessionId,
    pub(crate) key: u32,
    pub(crate) number: u64,
}

impl Of {
    /// That of the frame with this header.
    pub(crate) const fn frame(header: &Header) -> Self {
        Self {
            session: header.session,
            key: header.key,
            number: header.number,
        }
    }

    /// That of the next frame.
    pub(crate) const fn next(self) -> Self {
        Self {
            number: self.number.saturating_add(1),
            ..self
        }
    }
}

/// The keystream of one frame of one direction of a peer: of the last one, or of the next.
pub(crate) struct Ahead {
    /// Of which frame; `None`: of none.
    of: Option<Of>,
    /// How much of it there is.
    made: usize,
    /// Bytes of the last body: the next one will often be as long.
    body: usize,
    stream: [u8; STREAM],
}

impl core::fmt::Debug for Ahead {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Ahead(..)")
    }
}

impl Default for Ahead {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stream.zeroize();
    }
}

/// As Noise's ChaChaPoly: 32 bits of zeroes, then the number, little-endian.
pub(crate) fn nonce(number: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}

/// Combines a body with its keystream, eight bytes at a time.
fn combine(body: &mut [u8], stream: &[u8]) {
    let (words, rest) = body.as_chunks_mut::<8>();
    let (with, with_rest) = stream.as_chunks::<8>();
    for (word, with) in words.iter_mut().zip(with) {
        *word = (u64::from_ne_bytes(*word) ^ u64::from_ne_bytes(*with)).to_ne_bytes();
    }
    // The body may end within a word of the stream, which is made in whole blocks.
    let with = with.get(words.len()).map_or(with_rest, |word| word);
    for (byte, with) in rest.iter_mut().zip(with) {
        *byte ^= with;
    }
}

impl Ahead {
    pub(crate) const fn new() -> Self {
        Self {
            of: None,
            made: 0,
            body: 0,
            stream: [0; STREAM],
        }
    }

    /// Makes what the frame of this number will need if its body is as long as the last one.
    pub(crate) fn prepare(&mut self, key: &Secret, of: Of) {
        // The last body was taken, so there is room.
        let _ = self.make(key, of, self.body);
    }

    /// Makes as much as a body of `body` bytes needs, unless it is there already.
    fn make(&mut self, key: &Secret, of: Of, body: usize) -> Result<(), Refused> {
        let wanted = BLOCK + body.next_multiple_of(BLOCK);
        if self.of != Some(of) {
            self.of = Some(of);
            self.made = 0;
        }
        if wanted > self.made {
            let missing = self.stream.get_mut(self.made..wanted).ok_or(Refused)?;
            missing.fill(0);
            let mut cipher = ChaCha20::new((&key.0).into(), (&nonce(of.number)).into());
            cipher.seek(self.made as u64);
            cipher.apply_keystream(missing);
            self.made = wanted;
        }
        Ok(())
    }

    /// What authenticates a body that is encrypted, with what is bound to it.
    fn authenticator(&self, bound: &[u8], body: &[u8]) -> Poly1305 {
        let mut key = poly1305::Key::default();
        for (to, from) in key.iter_mut().zip(&self.stream) {
            *to = *from;
        }
        let mut authenticator = Poly1305::new(&key);
        key.zeroize();
        authenticator.update_padded(bound);
        authenticator.update_padded(body);
        let mut lengths = poly1305::Block::default();
        let both = (bound.len() as u64).to_le_bytes().into_iter();
        let both = both.chain((body.len() as u64).to_le_bytes());
        lengths
            .iter_mut()
            .zip(both)
            .for_each(|(to, from)| *to = from);
        authenticator.update(&[lengths]);
        authenticator
    }

    /// Encrypts a body in place, and gives its tag. No number is given twice under one key.
    pub(crate) fn seal(
        &mut self,
        key: &Secret,
        of: Of,
        bound: &[u8],
        body: &mut [u8],
    ) -> Result<[u8; TAG_LENGTH], Refused> {
        self.make(key, of, body.len())?;
        self.body = body.len();
        combine(body, self.stream.get(BLOCK..).unwrap_or_default());
        Ok(self.authenticator(bound, body).finalize().into())
    }

    /// The reverse. After an error the body is as it came.
    pub(crate) fn open(
        &mut self,
        key: &Secret,
        of: Of,
        bound: &[u8],
        body: &mut [u8],
        tag: &[u8; TAG_LENGTH],
    ) -> Result<(), Refused> {
        // Who forges a frame causes no more than the authenticator's block.
        self.make(key, of, 0)?;
        let authenticator = self.authenticator(bound, body);
        authenticator.verify(tag.into()).map_err(|_| Refused)?;
        self.make(key, of, body.len())?;
        self.body = body.len();
        combine(body, self.stream.get(BLOCK..).unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use chacha20poly1305::ChaCha20Poly1305;
    use chacha20poly1305::aead::AeadInPlace;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    const LONGEST: usize = STREAM - BLOCK;

    /// What the crate makes of it.
    fn oracle(key: &Secret, number: u64, bound: &[u8], body: &mut [u8]) -> [u8; TAG_LENGTH] {
        let cipher = ChaCha20Poly1305::new((&key.0).into());
        let nonce = nonce(number);
        let tag = cipher.encrypt_in_place_detached((&nonce).into(), bound, body);
        tag.expect("short").into()
    }

    const fn of(number: u64) -> Of {
        Of {
            session: SessionId(5),
            key: 0,
            number,
        }
    }

    #[derive(Clone, Debug)]
    struct Frame {
        /// How far its number is from the last one's.
        step: u64,
        bound: Vec<u8>,
        body: Vec<u8>,
        /// For which number, from this frame's own, keystream is made before.
        prepared: Option<u64>,
    }

    fn frame() -> impl Strategy<Value = Frame> {
        let bytes = |most| proptest::collection::vec(any::<u8>(), 0..=most);
        let body = prop_oneof![bytes(130), bytes(LONGEST)];
        let prepared = proptest::option::of(prop_oneof![4 => Just(0_u64), 1 => 0..3_u64]);
        (1..4_u64, bytes(40), body, prepared).prop_map(|(step, bound, body, prepared)| Frame {
            step,
            bound,
            body,
            prepared,
        })
    }

    proptest! {
        #[test]
        fn frames_are_as_the_crate_makes_them(key: [u8; 32], frames in proptest::collection::vec(frame(), 1..12)) {
            let key = Secret(key);
            let (mut sender, mut receiver) = (Ahead::new(), Ahead::new());
            let mut number = 0;
            for frame in frames {
                number += frame.step;
                if let Some(off) = frame.prepared {
                    sender.prepare(&key, of(number + off));
                    receiver.prepare(&key, of(number + off));
                }
                let (mut ours, mut theirs) = (frame.body.clone(), frame.body.clone());
                let tag = sender.seal(&key, of(number), &frame.bound, &mut ours).expect("not too long");
                prop_assert_eq!(tag, oracle(&key, number, &frame.bound, &mut theirs));
                prop_assert_eq!(&ours, &theirs);
                let mut wrong = tag;
                wrong[number as usize % TAG_LENGTH] ^= 1;
                prop_assert_eq!(receiver.open(&key, of(number), &frame.bound, &mut ours, &wrong), Err(Refused));
                prop_assert_eq!(&ours, &theirs, "as it came");
                receiver.open(&key, of(number), &frame.bound, &mut ours, &tag).expect("the right tag");
                prop_assert_eq!(ours, frame.body);
            }
        }
    }

    #[test]
    fn keystream_of_another_key_or_session_is_not_used() {
        let (first, second) = (Secret([1; 32]), Secret([2; 32]));
        let mut ahead = Ahead::new();
        ahead.prepare(&first, of(9));
        for other in [
            Of {
                session: SessionId(6),
                ..of(9)
            },
            Of { key: 1, ..of(9) },
        ] {
            let (mut ours, mut theirs) = ([3; 20], [3; 20]);
            let tag = ahead.seal(&second, other, b"header", &mut ours);
            assert_eq!(tag, Ok(oracle(&second, 9, b"header", &mut theirs)));
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn what_is_longer_than_a_frame_is_refused() {
        let key = Secret([7; 32]);
        let mut body = vec![0; LONGEST + 1];
        assert_eq!(
            Ahead::new().seal(&key, of(1), &[], &mut body),
            Err(Refused),
            "no room for its keystream"
        );
        assert!(body.iter().all(|byte| *byte == 0), "and nothing was done");
    }
}
