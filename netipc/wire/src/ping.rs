//! PING and PONG (a number that comes back), and RELEASE, REVOKE and their acknowledgements (a descriptor that comes back).

use crate::bytes::{put, u64_at};
use crate::slot::exactly;
use crate::{Descriptor, Malformed};

/// Bytes of the body of a PING or PONG.
pub const PING_LENGTH: usize = 8;
/// Bytes of the body of a RELEASE, RELEASE-ACK, REVOKE or REVOKE-ACK.
pub const RELEASE_LENGTH: usize = Descriptor::LENGTH;

/// The body of a PING or PONG.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T>(T);

impl<T: AsRef<[u8]>> Packet<T> {
    /// Looks at the length: `Ok` means that no accessor panics.
    pub fn new_checked(body: T) -> Result<Self, Malformed> {
        exactly(body.as_ref(), PING_LENGTH)?;
        Ok(Self(body))
    }

    /// The number that the PONG repeats.
    pub fn token(&self) -> u64 {
        u64_at(self.0.as_ref(), 0)
    }
}

/// The body of a RELEASE, RELEASE-ACK, REVOKE or REVOKE-ACK.
#[derive(Clone, Copy, Debug)]
pub struct ReleasePacket<T>(T);

impl<T: AsRef<[u8]>> ReleasePacket<T> {
    /// Looks at length and values: `Ok` means that no accessor panics. The bootstrap export cannot be released.
    pub fn new_checked(body: T) -> Result<Self, Malformed> {
        exactly(body.as_ref(), RELEASE_LENGTH)?;
        Descriptor::read_mortal(body.as_ref(), 0)?;
        Ok(Self(body))
    }

    /// What is released: an export of the RELEASE's receiver; or revoked: an export of the REVOKE's sender.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::read(self.0.as_ref(), 0).unwrap_or(Descriptor::BOOTSTRAP)
    }
}

pub(crate) fn emit_ping(token: u64, body: &mut [u8]) {
    put(body, 0, token.to_le_bytes());
}

pub(crate) fn emit_release(descriptor: Descriptor, body: &mut [u8]) {
    descriptor.write(body, 0);
}
