//! The header that every frame begins with, and the tag that it ends with.

use crate::bytes::{put, u8_at, u16_at, u32_at, u64_at};
use crate::{FRAME_LENGTH_MAX, HEADER_LENGTH, Malformed, SessionId, TAG_LENGTH, VERSION};

/// What a frame begins with ("IS").
const MAGIC: u16 = u16::from_le_bytes(*b"IS");

mod field {
    pub const MAGIC: usize = 0;
    pub const VERSION: usize = 2;
    pub const KIND: usize = 3;
    pub const KEY: usize = 4;
    pub const SESSION: usize = 8;
    pub const NUMBER: usize = 16;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What a frame says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name = $code,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// Open a session with me.
    Hello = 1,
    /// It is half open: confirm by any frame of it.
    HelloAck = 2,
    /// There is no version that we both speak.
    HelloRefuse = 3,
    /// Are you there?
    Ping = 4,
    /// I am.
    Pong = 5,
    /// Let us go on with a new key, in the same session.
    Rekey = 6,
    /// It is agreed: confirm by any frame under it.
    RekeyAck = 7,
    /// A call.
    Request = 8,
    /// A message without an answer.
    OneWay = 9,
    /// Your repeated request is here, waiting or running.
    Ack = 10,
    /// It ran; this is the server's answer.
    Reply = 11,
    /// It did not run and will not.
    Refuse = 12,
    /// It may have run, and there is no answer.
    Fail = 13,
    /// I wait no longer.
    Cancel = 14,
    /// What your cancelled request has come to.
    CancelAnswer = 15,
    /// I have no more use for your export.
    Release = 16,
    /// I know.
    ReleaseAck = 17,
    /// I am busy: say HELLO again, with this cookie.
    HelloCookie = 18,
    /// My export is revoked: nobody of yours has it from now on.
    Revoke = 21,
    /// Nobody has.
    RevokeAck = 22,
    /// May that machine have your export, too?
    GrantAsk = 23,
    /// It has; this is the grant's name.
    Grant = 24,
    /// It may not, or cannot.
    GrantRefuse = 25,
    /// Here is an export of mine, for who names the grant.
    Offer = 26,
    /// I keep it.
    OfferAck = 27,
    /// I cannot.
    OfferRefuse = 28,
    /// A message for your view of the cluster.
    View = 29,
    /// Send me these chunks.
    Want = 30,
    /// A chunk.
    Data = 31,
    /// There are bytes for your loan.
    Store = 32,
    /// They are all in it.
    Stored = 33,
    /// The loan is over, or does not allow that.
    BulkRefuse = 34,
}

impl Kind {
    /// Whether it belongs to the handshake, and so to no session.
    #[must_use]
    pub const fn is_handshake(self) -> bool {
        matches!(
            self,
            Self::Hello | Self::HelloAck | Self::HelloRefuse | Self::HelloCookie
        )
    }
}

/// A frame whose header was checked. The body is whatever its kind says, see [`Message::parse`](crate::Message::parse).
#[derive(Clone, Copy, Debug)]
pub struct Packet<T>(T);

/// Whether bytes that may be a frame say that they are of this kind: enough to put them aside, and nothing to rely on.
#[must_use]
pub fn claims(frame: &[u8], kind: Kind) -> bool {
    frame.get(field::KIND) == Some(&(kind as u8))
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Looks at the length and the header: `Ok` means that no accessor panics.
    // [N1]
    pub fn new_checked(buffer: T) -> Result<Self, Malformed> {
        let bytes = buffer.as_ref();
        if bytes.len() < HEADER_LENGTH + TAG_LENGTH {
            return Err(Malformed::TooShort);
        }
        if bytes.len() > FRAME_LENGTH_MAX {
            return Err(Malformed::TooLong);
        }
        if u16_at(bytes, field::MAGIC) != MAGIC {
            return Err(Malformed::NotOurs);
        }
        if u8_at(bytes, field::VERSION) != VERSION {
            return Err(Malformed::Version);
        }
        let kind = Kind::from_code(u8_at(bytes, field::KIND)).ok_or(Malformed::Kind)?;
        if kind.is_handshake() != (u64_at(bytes, field::SESSION) == SessionId::NONE.0) {
            return Err(Malformed::Field);
        }
        Ok(Self(buffer))
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> Header {
        let bytes = self.0.as_ref();
        Header {
            // `new_checked` has seen a kind that exists.
            kind: Kind::from_code(u8_at(bytes, field::KIND)).unwrap_or(Kind::Ping),
            key: u32_at(bytes, field::KEY),
            session: SessionId(u64_at(bytes, field::SESSION)),
            number: u64_at(bytes, field::NUMBER),
        }
    }

    /// What lies between header and tag.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        let bytes = self.0.as_ref();
        bytes
            .get(HEADER_LENGTH..bytes.len().saturating_sub(TAG_LENGTH))
            .unwrap_or(&[])
    }

    /// The cipher's bytes at the end.
    #[must_use]
    pub fn tag(&self) -> &[u8] {
        let bytes = self.0.as_ref();
        bytes
            .get(bytes.len().saturating_sub(TAG_LENGTH)..)
            .unwrap_or(&[])
    }
}

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame says.
    pub kind: Kind,
    /// Which of the session's keys protects it: the first is 0, and a rekeying makes the next.
    pub key: u32,
    /// The session; [`SessionId::NONE`] exactly in a handshake.
    pub session: SessionId,
    /// Counts the sender's frames of the session: the cipher's explicit nonce.
    pub number: u64,
}

impl Header {
    /// Writes it at the start of `frame`.
    pub fn emit(&self, frame: &mut [u8]) {
        put(frame, field::MAGIC, MAGIC.to_le_bytes());
        put(frame, field::VERSION, [VERSION]);
        put(frame, field::KIND, [self.kind as u8]);
        put(frame, field::KEY, self.key.to_le_bytes());
        put(frame, field::SESSION, self.session.0.to_le_bytes());
        put(frame, field::NUMBER, self.number.to_le_bytes());
    }
}
