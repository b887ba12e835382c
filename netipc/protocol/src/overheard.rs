//! A cipher whose frames somebody reads along: for the simulator and the fuzzer, whose machines have the real cipher in some cases and a sum,
//! which is fast, in the others.

use alloc::boxed::Box;
use alloc::vec::Vec;

use netipc_wire::handshake::Cookie;
use netipc_wire::{BootId, Header, NodeId, Nonce, SessionId};

use crate::cipher::{Admission, Cipher, Crowd, Exchange, Extension, NoKeys, Unreadable};
use crate::time::Instant;

/// One of two ciphers, and what it sealed last.
#[derive(Debug)]
pub enum Overheard<S, R> {
    /// A sum: what it seals can be read by anybody.
    Sum(S),
    /// One that hides what it seals.
    Real {
        /// It.
        cipher: Box<R>,
        /// The frame that was sealed last, as it was before.
        plain: Vec<u8>,
    },
}

/// What either cipher does.
macro_rules! either {
    ($self:expr, $cipher:ident => $what:expr) => {
        match $self {
            Self::Sum($cipher) => $what,
            Self::Real {
                cipher: $cipher, ..
            } => $what,
        }
    };
}

impl<S, R> Overheard<S, R> {
    /// One that hides what it seals.
    pub fn real(cipher: R) -> Self {
        Self::Real {
            cipher: Box::new(cipher),
            plain: Vec::new(),
        }
    }

    /// The frame that was `sealed` last, readable.
    pub fn plain<'f>(&'f self, sealed: &'f [u8]) -> &'f [u8] {
        match self {
            Self::Sum(_) => sealed,
            Self::Real { plain, .. } => plain,
        }
    }
}

impl<S: Cipher, R: Cipher> Cipher for Overheard<S, R> {
    fn begin(&mut self) {
        either!(self, cipher => cipher.begin());
    }

    fn seal(&mut self, peer: NodeId, header: &Header, frame: &mut [u8]) {
        match self {
            Self::Sum(cipher) => cipher.seal(peer, header, frame),
            Self::Real { cipher, plain } => {
                plain.clear();
                plain.extend_from_slice(frame);
                cipher.seal(peer, header, frame);
            }
        }
    }

    fn open(
        &mut self,
        now: Instant,
        peer: NodeId,
        header: &Header,
        frame: &mut [u8],
    ) -> Result<(), Unreadable> {
        either!(self, cipher => cipher.open(now, peer, header, frame))
    }

    fn prepare(&mut self) {
        either!(self, cipher => cipher.prepare());
    }

    fn key(&self, peer: NodeId, session: SessionId) -> u32 {
        either!(self, cipher => cipher.key(peer, session))
    }

    fn admit(
        &mut self,
        now: Instant,
        peer: NodeId,
        identity: (BootId, Nonce),
        cookie: Cookie,
        crowd: Crowd,
    ) -> Admission {
        either!(self, cipher => cipher.admit(now, peer, identity, cookie, crowd))
    }

    fn initiate(&mut self, exchange: &Exchange<'_>) -> Result<Extension, NoKeys> {
        either!(self, cipher => cipher.initiate(exchange))
    }

    fn respond(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        first: &[u8],
    ) -> Result<Extension, Unreadable> {
        either!(self, cipher => cipher.respond(now, exchange, first))
    }

    fn complete(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        second: &[u8],
    ) -> Result<(), Unreadable> {
        either!(self, cipher => cipher.complete(now, exchange, second))
    }

    fn wants_rekey(&mut self, now: Instant, peer: NodeId, session: SessionId) -> Option<u32> {
        either!(self, cipher => cipher.wants_rekey(now, peer, session))
    }

    fn closed(&mut self, peer: NodeId, session: SessionId) {
        either!(self, cipher => cipher.closed(peer, session));
    }
}
