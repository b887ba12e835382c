//! What protects frames.

use core::fmt;

use netipc_wire::{Header, SessionId, TAG_LENGTH};

/// A frame's tag does not fit its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the frame's tag does not fit its content")
    }
}

impl core::error::Error for Corrupt {}

/// Protects frames, in place. The last [`TAG_LENGTH`] bytes of a frame are the cipher's; header and number are in the frame,
/// too, and repeated in `header` for convenience.
///
/// The handshake's frames come with [`SessionId::NONE`]. A cipher with keys learns of a new session from
/// [`opened`](Self::opened), called on both sides before the first frame of it is sealed or opened, and forgets its keys
/// at [`closed`](Self::closed).
pub trait Cipher {
    /// Protects a frame that is otherwise complete.
    fn seal(&mut self, header: &Header, frame: &mut [u8]);

    /// Checks a frame and makes it readable. The frame is at least a header and a tag long.
    fn open(&mut self, header: &Header, frame: &mut [u8]) -> Result<(), Corrupt>;

    /// A session is possible from now on.
    fn opened(&mut self, _session: SessionId) {}

    /// A session is over.
    fn closed(&mut self, _session: SessionId) {}
}

/// No secrecy and no authenticity: a CRC-32C notices what the wire has damaged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transparent;

static CRC: crc::Crc<u32, crc::Table<16>> =
    crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISCSI);

impl Transparent {
    fn tag(content: &[u8]) -> [u8; TAG_LENGTH] {
        let mut tag = [0; TAG_LENGTH];
        let sum = CRC.checksum(content).to_le_bytes();
        for (to, from) in tag.iter_mut().zip(sum) {
            *to = from;
        }
        tag
    }
}

impl Cipher for Transparent {
    fn seal(&mut self, _header: &Header, frame: &mut [u8]) {
        if let Some((content, tag)) = frame.split_last_chunk_mut::<TAG_LENGTH>() {
            *tag = Self::tag(content);
        }
    }

    fn open(&mut self, _header: &Header, frame: &mut [u8]) -> Result<(), Corrupt> {
        match frame.split_last_chunk::<TAG_LENGTH>() {
            Some((content, tag)) if *tag == Self::tag(content) => Ok(()),
            _ => Err(Corrupt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netipc_wire::Kind;

    #[test]
    fn every_flipped_bit_is_noticed() {
        let header = Header {
            kind: Kind::Ping,
            key: 0,
            session: SessionId(1),
            number: 0,
        };
        let mut frame = [0x5a; 64];
        Transparent.seal(&header, &mut frame);
        assert_eq!(Transparent.open(&header, &mut frame), Ok(()));
        for bit in 0..frame.len() * 8 {
            frame[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                Transparent.open(&header, &mut frame),
                Err(Corrupt),
                "bit {bit}"
            );
            frame[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
