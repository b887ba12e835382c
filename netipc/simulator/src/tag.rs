//! The cipher of the simulation: transparent, and quicker than a CRC.

use netipc_protocol::{Cipher, Instant, NodeId, Unreadable};
use netipc_wire::{Header, TAG_LENGTH};

/// No secrecy: a sum that notices every single flipped bit, which is all the damage that the simulated network does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tag;

impl Tag {
    fn sum(content: &[u8]) -> [u8; TAG_LENGTH] {
        let mut sum: u64 = 0x4953_5448_4d55_5321;
        let (words, rest) = content.as_chunks::<8>();
        for word in words {
            // A bijection of `sum` for each word, and of the word for each `sum`: one changed word changes the end.
            sum = (sum ^ u64::from_le_bytes(*word))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
        }
        for byte in rest {
            sum = (sum ^ u64::from(*byte))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
        }
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
