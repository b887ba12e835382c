//! HELLO, HELLO-ACK, HELLO-REFUSE and HELLO-COOKIE: how a session opens.
//!
//! The first two share their fixed part: who speaks to whom, in which cluster, with which boot id and nonce, and for how
//! many slots the speaker answers as a callee ([`Repr::bound`]: what the key exchange is bound to), and the cookie. After it
//! comes the key exchange's message ([`Repr::extension`]), empty when the cipher is transparent.

use crate::bytes::{put, u8_at, u16_at, u32_at, u64_at};
use crate::slot::exactly;
use crate::{BootId, ClusterId, Malformed, NodeId, Nonce};

mod field {
    pub const VERSION_LOW: usize = 0;
    pub const VERSION_HIGH: usize = 1;
    pub const FROM: usize = 2;
    pub const TO: usize = 3;
    pub const SLOTS: usize = 4;
    pub const EXTENSION_LENGTH: usize = 6;
    pub const CLUSTER: usize = 8;
    pub const BOOT: usize = 16;
    pub const NONCE: usize = 24;
    pub const ECHO_BOOT: usize = 32;
    pub const ECHO_NONCE: usize = 40;
    pub const COOKIE: usize = 48;
    pub const EXTENSION: usize = 64;
    pub const RESERVED: usize = 4;
}

/// Bytes of the room for a key exchange, at most: Noise IK's longer message with a payload of 64 bytes.
pub const EXTENSION_MAX: usize = 160;
/// Bytes of the body of a HELLO-REFUSE.
pub const REFUSE_LENGTH: usize = 32;
/// Bytes of a cookie.
pub const COOKIE_LENGTH: usize = 16;
/// Bytes of the body of a HELLO-COOKIE.
pub const COOKIE_FRAME_LENGTH: usize = REFUSE_LENGTH + COOKIE_LENGTH;
/// Bytes of the part of a HELLO or HELLO-ACK that its key exchange is bound to.
pub const BOUND_LENGTH: usize = field::COOKIE;

/// What a busy responder gives, to see it again: only who can hear it can repeat it. Zeroes stand for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie(pub [u8; COOKIE_LENGTH]);

impl Cookie {
    /// Of who was not asked for one.
    pub const NONE: Self = Self([0; COOKIE_LENGTH]);

    fn read(bytes: &[u8], at: usize) -> Self {
        let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
        found.map_or(Self::NONE, |bytes| Self(*bytes))
    }
}

/// The versions that a machine speaks, from low to high, low ≤ high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    low: u8,
    high: u8,
}

impl Versions {
    /// What this crate speaks.
    pub const OURS: Self = Self {
        low: crate::VERSION,
        high: crate::VERSION,
    };

    /// A range; `None` if it is empty.
    #[must_use]
    pub const fn new(low: u8, high: u8) -> Option<Self> {
        if low <= high {
            Some(Self { low, high })
        } else {
            None
        }
    }

    /// The newest version that both speak.
    #[must_use]
    pub fn newest_common(self, other: Self) -> Option<u8> {
        let high = self.high.min(other.high);
        (high >= self.low.max(other.low)).then_some(high)
    }

    /// Lowest and highest.
    #[must_use]
    pub const fn range(self) -> (u8, u8) {
        (self.low, self.high)
    }
}

/// The body of a HELLO or HELLO-ACK.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T>(T);

impl<T: AsRef<[u8]>> Packet<T> {
    /// Looks at lengths and values: `Ok` means that no accessor panics.
    pub fn new_checked(body: T) -> Result<Self, Malformed> {
        let bytes = body.as_ref();
        if bytes.len() < field::EXTENSION {
            return Err(Malformed::TooShort);
        }
        let extension = usize::from(u16_at(bytes, field::EXTENSION_LENGTH));
        if extension > EXTENSION_MAX {
            return Err(Malformed::Field);
        }
        exactly(bytes, field::EXTENSION + extension)?;
        let packet = Self(body);
        let bytes = packet.0.as_ref();
        if Versions::new(
            u8_at(bytes, field::VERSION_LOW),
            u8_at(bytes, field::VERSION_HIGH),
        )
        .is_none()
            || packet.slots() == 0
        {
            return Err(Malformed::Field);
        }
        Ok(packet)
    }

    /// HELLO: the versions that the sender speaks; HELLO-ACK: the one chosen.
    pub fn versions(&self) -> Versions {
        let bytes = self.0.as_ref();
        Versions {
            low: u8_at(bytes, field::VERSION_LOW),
            high: u8_at(bytes, field::VERSION_HIGH),
        }
    }

    /// Who speaks.
    pub fn from(&self) -> NodeId {
        NodeId(u8_at(self.0.as_ref(), field::FROM))
    }

    /// To whom.
    pub fn to(&self) -> NodeId {
        NodeId(u8_at(self.0.as_ref(), field::TO))
    }

    /// For how many of the other's slots the sender answers; at least 1.
    pub fn slots(&self) -> u16 {
        u16_at(self.0.as_ref(), field::SLOTS)
    }

    /// The cluster.
    pub fn cluster(&self) -> ClusterId {
        ClusterId(u64_at(self.0.as_ref(), field::CLUSTER))
    }

    /// The sender's boot id and nonce.
    pub fn identity(&self) -> (BootId, Nonce) {
        let bytes = self.0.as_ref();
        (
            BootId(u64_at(bytes, field::BOOT)),
            Nonce(u64_at(bytes, field::NONCE)),
        )
    }

    /// HELLO-ACK: boot id and nonce of the HELLO that is answered. 0 in a HELLO.
    pub fn echo(&self) -> (BootId, Nonce) {
        let bytes = self.0.as_ref();
        (
            BootId(u64_at(bytes, field::ECHO_BOOT)),
            Nonce(u64_at(bytes, field::ECHO_NONCE)),
        )
    }

    /// HELLO: the cookie that was asked for. Zeroes in a HELLO-ACK.
    pub fn cookie(&self) -> Cookie {
        Cookie::read(self.0.as_ref(), field::COOKIE)
    }

    /// What the key exchange needs.
    pub fn extension(&self) -> &[u8] {
        self.0.as_ref().get(field::EXTENSION..).unwrap_or(&[])
    }
}

/// A HELLO or HELLO-ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr<'a> {
    /// HELLO: the versions that the sender speaks; HELLO-ACK: the one chosen.
    pub versions: Versions,
    /// Who speaks.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// For how many of the other's slots the sender answers; at least 1.
    pub slots: u16,
    /// The cluster.
    pub cluster: ClusterId,
    /// The sender's boot id and nonce.
    pub identity: (BootId, Nonce),
    /// HELLO-ACK: boot id and nonce of the HELLO that is answered. Zeroes in a HELLO.
    pub echo: (BootId, Nonce),
    /// HELLO: the cookie that was asked for. Zeroes in a HELLO-ACK.
    pub cookie: Cookie,
    /// What the key exchange needs: at most [`EXTENSION_MAX`] bytes; more is cut.
    pub extension: &'a [u8],
}

impl<'a> Repr<'a> {
    /// The echo of a HELLO, which answers nothing.
    pub const NO_ECHO: (BootId, Nonce) = (BootId(0), Nonce(0));

    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let packet = Packet::new_checked(body)?;
        Ok(Self {
            versions: packet.versions(),
            from: packet.from(),
            to: packet.to(),
            slots: packet.slots(),
            cluster: packet.cluster(),
            identity: packet.identity(),
            echo: packet.echo(),
            cookie: packet.cookie(),
            extension: body.get(field::EXTENSION..).unwrap_or(&[]),
        })
    }

    /// Bytes of the body.
    #[must_use]
    pub fn length(&self) -> usize {
        field::EXTENSION + self.extension.len().min(EXTENSION_MAX)
    }

    /// Writes the body; `body` has [`length`](Self::length) bytes.
    pub fn emit(&self, body: &mut [u8]) {
        self.emit_bound(body);
        put(body, field::COOKIE, self.cookie.0);
        let room = body.get_mut(field::EXTENSION..).unwrap_or(&mut []);
        for (to, from) in room.iter_mut().zip(self.extension) {
            *to = *from;
        }
    }

    /// What the key exchange is bound to: all that does not belong to it, and not the cookie, which is of no consequence.
    #[must_use]
    pub fn bound(&self) -> [u8; BOUND_LENGTH] {
        let mut bound = [0; BOUND_LENGTH];
        let alone = Self {
            extension: &[],
            ..*self
        };
        alone.emit_bound(&mut bound);
        bound
    }

    fn emit_bound(&self, body: &mut [u8]) {
        let extension = self.length() - field::EXTENSION;
        put(body, field::VERSION_LOW, [self.versions.low]);
        put(body, field::VERSION_HIGH, [self.versions.high]);
        put(body, field::FROM, [self.from.0]);
        put(body, field::TO, [self.to.0]);
        put(body, field::SLOTS, self.slots.to_le_bytes());
        put(
            body,
            field::EXTENSION_LENGTH,
            (extension as u16).to_le_bytes(),
        );
        put(body, field::CLUSTER, self.cluster.0.to_le_bytes());
        put(body, field::BOOT, self.identity.0.0.to_le_bytes());
        put(body, field::NONCE, self.identity.1.0.to_le_bytes());
        put(body, field::ECHO_BOOT, self.echo.0.0.to_le_bytes());
        put(body, field::ECHO_NONCE, self.echo.1.0.to_le_bytes());
    }
}

/// A HELLO-REFUSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refuse {
    /// The versions that the sender speaks.
    pub versions: Versions,
    /// Who speaks.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// The cluster.
    pub cluster: ClusterId,
    /// Boot id and nonce of the HELLO that is refused.
    pub echo: (BootId, Nonce),
}

impl Refuse {
    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        exactly(body, REFUSE_LENGTH)?;
        let versions = Versions::new(
            u8_at(body, field::VERSION_LOW),
            u8_at(body, field::VERSION_HIGH),
        );
        if u32_at(body, field::RESERVED) != 0 {
            return Err(Malformed::Field);
        }
        Ok(Self {
            versions: versions.ok_or(Malformed::Field)?,
            from: NodeId(u8_at(body, field::FROM)),
            to: NodeId(u8_at(body, field::TO)),
            cluster: ClusterId(u64_at(body, field::CLUSTER)),
            echo: (
                BootId(u64_at(body, field::BOOT)),
                Nonce(u64_at(body, field::NONCE)),
            ),
        })
    }

    /// Writes the body; `body` has [`REFUSE_LENGTH`] bytes.
    pub fn emit(&self, body: &mut [u8]) {
        put(body, field::VERSION_LOW, [self.versions.low]);
        put(body, field::VERSION_HIGH, [self.versions.high]);
        put(body, field::FROM, [self.from.0]);
        put(body, field::TO, [self.to.0]);
        put(body, field::RESERVED, [0; 4]);
        put(body, field::CLUSTER, self.cluster.0.to_le_bytes());
        put(body, field::BOOT, self.echo.0.0.to_le_bytes());
        put(body, field::NONCE, self.echo.1.0.to_le_bytes());
    }
}

/// A HELLO-COOKIE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieRepr {
    /// Who speaks, to whom, and which HELLO is meant; the versions are the sender's.
    pub about: Refuse,
    /// What the next HELLO is to carry.
    pub cookie: Cookie,
}

impl CookieRepr {
    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        exactly(body, COOKIE_FRAME_LENGTH)?;
        Ok(Self {
            about: Refuse::parse(body.get(..REFUSE_LENGTH).unwrap_or(&[]))?,
            cookie: Cookie::read(body, REFUSE_LENGTH),
        })
    }

    /// Writes the body; `body` has [`COOKIE_FRAME_LENGTH`] bytes.
    pub fn emit(&self, body: &mut [u8]) {
        self.about.emit(body);
        put(body, REFUSE_LENGTH, self.cookie.0);
    }
}
