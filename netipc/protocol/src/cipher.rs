//! What protects frames, and agrees on keys.

use core::fmt;

use netipc_wire::handshake::{Cookie, EXTENSION_MAX};
use netipc_wire::{BootId, Header, NodeId, Nonce, SessionId, TAG_LENGTH};

use crate::time::Instant;

/// Why a frame, or a message of a key exchange, has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Its tag does not fit its content: damaged, or forged.
    Corrupt,
    /// The key that it names is not known here: of a session that is over, or that never was.
    NoKey,
    /// It came before.
    Replayed,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "the tag does not fit the content",
            Self::NoKey => "its key is not known here",
            Self::Replayed => "it came before",
        })
    }
}

impl core::error::Error for Unreadable {}

/// There are no keys for this peer: no session is possible with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKeys;

/// A message of a key exchange.
pub type Extension = heapless::Vec<u8, EXTENSION_MAX>;

/// Which key a key exchange is to make, and what it is bound to: if the other side sees another value of any of this, it fails.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// With whom.
    pub peer: NodeId,
    /// For which session; [`SessionId::NONE`] when a HELLO is made, which does not know it yet.
    pub session: SessionId,
    /// Which of its keys.
    pub key: u32,
    /// What the first message says beside.
    pub bound: &'a [u8],
    /// What the second message says beside; empty as long as there is none.
    pub answer: &'a [u8],
}

/// Whether a HELLO may cause elliptic-curve arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Welcome,
    /// Only if it comes again with this cookie.
    Return(Cookie),
    /// Not now: too many have come.
    Refused,
}

/// What else a peer that says HELLO has going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// Nothing.
    Alone,
    /// Another HELLO of it is answered and not confirmed: it would be replaced.
    Another,
}

/// Protects frames, in place, and agrees on keys. The last [`TAG_LENGTH`] bytes of a frame are the cipher's; header and number
/// are in the frame, too, and repeated in `header` for convenience.
///
/// The handshake's frames come with [`SessionId::NONE`]: their tag shows that their sender belongs to the cluster, and nothing
/// else. The key exchange is in them ([`initiate`](Self::initiate), [`respond`](Self::respond),
/// [`complete`](Self::complete)). A key is used for sealing by the side that answered only when a frame under it has been opened:
/// that is its confirmation. What is not said about keys here is right for a cipher that has none.
pub trait Cipher {
    /// As after a start of the machine: every session's key is forgotten.
    fn begin(&mut self) {}

    /// Protects a frame that is otherwise complete.
    fn seal(&mut self, peer: NodeId, header: &Header, frame: &mut [u8]);

    /// Checks a frame and makes it readable. The frame is at least a header and a tag long.
    fn open(
        &mut self,
        now: Instant,
        peer: NodeId,
        header: &Header,
        frame: &mut [u8],
    ) -> Result<(), Unreadable>;

    /// There is nothing to do for a moment: makes what can be made for the next frames before they are there.
    fn prepare(&mut self) {}

    /// Which key the session's next frame is sealed with.
    fn key(&self, _peer: NodeId, _session: SessionId) -> u32 {
        0
    }

    /// Whether a HELLO with this identity and cookie may be answered: what is asked before anything costly is done.
    fn admit(
        &mut self,
        _now: Instant,
        _peer: NodeId,
        _identity: (BootId, Nonce),
        _cookie: Cookie,
        _crowd: Crowd,
    ) -> Admission {
        Admission::Welcome
    }

    /// Begins a key exchange, and gives its first message. One that was begun with this peer before is forgotten.
    fn initiate(&mut self, _exchange: &Exchange<'_>) -> Result<Extension, NoKeys> {
        Ok(Extension::new())
    }

    /// Answers a first message, and gives the second. The key is good for opening from now on.
    fn respond(
        &mut self,
        _now: Instant,
        _exchange: &Exchange<'_>,
        _first: &[u8],
    ) -> Result<Extension, Unreadable> {
        Ok(Extension::new())
    }

    /// Ends the key exchange that was begun. The key is good for opening and sealing from now on.
    fn complete(
        &mut self,
        _now: Instant,
        _exchange: &Exchange<'_>,
        _second: &[u8],
    ) -> Result<(), Unreadable> {
        Ok(())
    }

    /// Whether it is time for another key; asked whenever a frame of the session was sealed.
    fn wants_rekey(&mut self, _now: Instant, _peer: NodeId, _session: SessionId) -> Option<u32> {
        None
    }

    /// A session is over, or was never confirmed: its keys are forgotten.
    fn closed(&mut self, _peer: NodeId, _session: SessionId) {}
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
    fn seal(&mut self, _peer: NodeId, _header: &Header, frame: &mut [u8]) {
        if let Some((content, tag)) = frame.split_last_chunk_mut::<TAG_LENGTH>() {
            *tag = Self::tag(content);
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
            Some((content, tag)) if *tag == Self::tag(content) => Ok(()),
            _ => Err(Unreadable::Corrupt),
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
        let peer = NodeId(1);
        let open =
            |frame: &mut [u8]| Transparent.open(Instant::from_nanos(0), peer, &header, frame);
        Transparent.seal(peer, &header, &mut frame);
        assert_eq!(open(&mut frame), Ok(()));
        for bit in 0..frame.len() * 8 {
            frame[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&mut frame), Err(Unreadable::Corrupt), "bit {bit}");
            frame[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
