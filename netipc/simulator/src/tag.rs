//! The cipher of the simulation: transparent, and quicker than a CRC.

use netipc_protocol::{Cipher, Instant, NodeId, Unreadable};
use netipc_wire::{Header, TAG_LENGTH};

/// No secrecy: a sum that notices every single flipped bit, which is all the damage that the simulated network does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tag;

/// Sums side by side.
const LANES: usize = 4;

impl Tag {
    fn sum(content: &[u8]) -> [u8; TAG_LENGTH] {
        // A bijection of `sum` for each word, and of the word for each `sum`: one changed word changes the end.
        let step = |sum: u64, word: u64| {
            (sum ^ word)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        };
        let mut lanes: [u64; LANES] = [0x4953_5448_4d55_5321, 1, 2, 3];
        let (blocks, rest) = content.as_chunks::<{ 8 * LANES }>();
        for block in blocks {
            // Side by side: a processor waits for none of them.
            for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
                *lane = step(*lane, u64::from_le_bytes(*word));
            }
        }
        let (words, rest) = rest.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        let bytes = rest.iter().map(|byte| u64::from(*byte));
        let [first, others @ ..] = lanes;
        let sum = others
            .into_iter()
            .chain(words)
            .chain(bytes)
            .fold(first, step);
        let mut tag = [0; TAG_LENGTH];
        tag[..8].copy_from_slice(&sum.to_le_bytes());
        tag
    }
}

impl Cipher for Tag {
    fn seal(&mut self, _peer: NodeId, _header: &Header, frame: &mut [u8]) {
        if let Some((content, tag)) = frame.split_last_chunk_mut::<TAG_LENGTH>() {
            *tag = Self::sum(content);
        }
    }

    fn open(
        &mut self,
        _now: Instant,
        _peer: NodeId,
        _header: &Header,
        frame: &mut [u8],
    ) -> Result<(), Unreadable> {
        match frame.split_last_chunk::<TAG_LENGTH>() {
            Some((content, tag)) if *tag == Self::sum(content) => Ok(()),
            _ => Err(Unreadable::Corrupt),
        }
    }
}
