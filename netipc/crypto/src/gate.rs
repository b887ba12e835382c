//! Who may cause elliptic-curve arithmetic.
//!
//! First every handshake frame carries a code that only the cluster's machines can make ([`HelloCode`]). A frame that
//! was recorded carries one, too: so when many come, or when one would push another aside, the sender is asked to come back with a
//! cookie, which shows that it lives and hears us now. Nothing is remembered about who was asked.

use core::time::Duration;

use netipc_protocol::{Admission, Crowd, Instant};
use netipc_wire::handshake::Cookie;
use netipc_wire::{BootId, NodeId, Nonce, TAG_LENGTH};

use crate::keys::{NODES, Secret};
use crate::limits;
use crate::mac;

/// What may be done at once, and how often again.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    used: u32,
    refilled: Instant,
}

impl Bucket {
    const FULL: Self = Self {
        used: 0,
        refilled: Instant::from_nanos(0),
    };

    /// Whether there is one left; takes it.
    fn take(&mut self, now: Instant, size: u32, every: Duration) -> bool {
        let passed = self.refilled.until(now).as_nanos() / every.as_nanos();
        if passed > 0 {
            let passed = u32::try_from(passed).unwrap_or(u32::MAX);
            self.used = self.used.saturating_sub(passed);
            self.refilled = match self.used {
                0 => now,
                _ => self.refilled + every * passed,
            };
        }
        if self.used >= size {
            return false;
        }
        self.used += 1;
        true
    }
}

/// What the codes of handshake frames are made with, from a secret of the cluster.
#[derive(Debug)]
pub(crate) struct HelloCode(Secret);

impl HelloCode {
    pub(crate) fn of(shared: &Secret) -> Self {
        Self(Secret(mac::derive(&shared.0, &[b"isthmus netipc hello"])))
    }

    /// Writes the code of a handshake frame: over all of it.
    pub(crate) fn sign(&self, frame: &mut [u8]) {
        if let Some((content, tag)) = frame.split_last_chunk_mut::<TAG_LENGTH>() {
            *tag = mac::code(&self.0.0, &[content]);
        }
    }

    /// Whether the code of a handshake frame is right.
    pub(crate) fn is_signed(&self, frame: &[u8]) -> bool {
        frame
            .split_last_chunk::<TAG_LENGTH>()
            .is_some_and(|(content, tag)| mac::fits(&self.0.0, &[content], tag))
    }
}

/// What stands before the key exchange.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Of this start of the machine: what cookies are made with.
    cookie: Secret,
    all: Bucket,
    each: [Bucket; NODES],
}

impl Gate {
    pub(crate) const fn new() -> Self {
        Self {
            cookie: Secret::ZERO,
            all: Bucket::FULL,
            each: [Bucket::FULL; NODES],
        }
    }

    pub(crate) fn begin(&mut self, cookie: [u8; 32]) {
        *self = Self::new();
        self.cookie = Secret(cookie);
    }

    /// Whether a HELLO may be answered.
    // [N12]
    pub(crate) fn admit(
        &mut self,
        now: Instant,
        peer: NodeId,
        identity: (BootId, Nonce),
        shown: Cookie,
        crowd: Crowd,
    ) -> Admission {
        if crowd == Crowd::Alone
            && self
                .all
                .take(now, limits::HANDSHAKES, limits::HANDSHAKE_EVERY)
        {
            return Admission::Welcome;
        }
        let age = now.as_nanos() / limits::COOKIE.as_nanos() as u64;
        let fits = |age: u64| self.fits(age, peer, identity, shown);
        if shown == Cookie::NONE || !(fits(age) || age.checked_sub(1).is_some_and(fits)) {
            return Admission::Return(self.cookie(age, peer, identity));
        }
        let each = usize::from(peer.0).checked_sub(1);
        let bucket = each.and_then(|index| self.each.get_mut(index));
        let (size, every) = (limits::PEER_HANDSHAKES, limits::PEER_HANDSHAKE_EVERY);
        if bucket.is_some_and(|bucket| bucket.take(now, size, every)) {
            Admission::Welcome
        } else {
            Admission::Refused
        }
    }

    fn cookie(&self, age: u64, peer: NodeId, (boot, nonce): (BootId, Nonce)) -> Cookie {
        let parts = [age, peer.0.into(), boot.0, nonce.0].map(u64::to_le_bytes);
        Cookie(mac::code(
            &self.cookie.0,
            &parts.each_ref().map(|part| &part[..]),
        ))
    }

    fn fits(&self, age: u64, peer: NodeId, (boot, nonce): (BootId, Nonce), shown: Cookie) -> bool {
        let parts = [age, peer.0.into(), boot.0, nonce.0].map(u64::to_le_bytes);
        mac::fits(
            &self.cookie.0,
            &parts.each_ref().map(|part| &part[..]),
            &shown.0,
        )
    }
}
