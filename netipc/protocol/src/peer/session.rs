//! Opening sessions with one peer, and knowing when one is over.

use core::time::Duration;

use netipc_wire::handshake::Cookie;
use netipc_wire::{BootId, Nonce, SessionId};

use super::rekey::Rekeying;
use crate::cipher::Extension;
use crate::limits::{
    CONNECT_WITHIN, DEAD_AFTER, HALF_OPEN, PING_AFTER, RELEASE_ACKS, RETRANSMIT_FIRST,
    RETRANSMIT_MAX,
};
use crate::time::{Instant, Sooner};

/// Boot id and nonce of one side.
pub(crate) type Identity = (BootId, Nonce);

/// An open session.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// The peer's side of it.
    pub(crate) peer: Identity,
    /// Number of our next frame.
    pub(crate) number: u64,
    /// Whether the peer has used it: it has then forgotten every earlier one.
    pub(crate) proof: Proof,
    last_heard: Instant,
    /// Since when something is awaited.
    awaiting_since: Option<Instant>,
    last_ping: Instant,
    pub(crate) ping_due: bool,
    pub(crate) pong_due: Option<u64>,
    pub(crate) release_acks: heapless::Deque<netipc_wire::Descriptor, RELEASE_ACKS>,
    /// From which row of the imports releases are to be sent now; `None`: not now.
    pub(crate) release_cursor: Option<usize>,
    release_at: Instant,
    /// The way to another key.
    pub(crate) rekeying: Rekeying,
}

/// Whether the peer has shown that it has the session, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// We opened it, and have not heard a frame of it.
    Awaited,
    /// We have.
    Given,
}

/// What is due in a session whose peer is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Nothing yet.
    Bearable,
    /// The peer is to be declared dead.
    Dead,
}

impl Session {
    pub(crate) const fn new(id: SessionId, peer: Identity, now: Instant, proof: Proof) -> Self {
        Self {
            id,
            peer,
            number: 0,
            proof,
            last_heard: now,
            awaiting_since: None,
            last_ping: now,
            // The opener's first frame confirms the session, whatever else there is to say.
            ping_due: matches!(proof, Proof::Awaited),
            pong_due: None,
            release_acks: heapless::Deque::new(),
            release_cursor: None,
            release_at: now,
            rekeying: Rekeying::NEW,
        }
    }

    /// A frame of this session came.
    pub(crate) const fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.proof = Proof::Given;
    }

    /// Takes note whether something is awaited from the peer.
    pub(crate) fn note_awaiting(&mut self, now: Instant, awaits: bool) {
        if awaits || self.proof == Proof::Awaited {
            self.awaiting_since.get_or_insert(now);
        } else {
            self.awaiting_since = None;
        }
    }

    /// A release has been asked for: it goes out at once.
    // [N31]
    pub(crate) fn release(&mut self, now: Instant) {
        self.release_cursor = Some(0);
        self.release_at = now + RETRANSMIT_MAX;
    }

    /// What the passing of time has made due.
    // [N13]
    pub(crate) fn handle_timeout(&mut self, now: Instant, releasing: bool) -> Silence {
        if let Some(since) = self.silent_since() {
            if since + DEAD_AFTER <= now {
                return Silence::Dead;
            }
            if self.ping_at(since) <= now {
                self.ping_due = true;
                self.last_ping = now;
            }
        }
        if releasing && self.release_at <= now {
            self.release(now);
        }
        self.rekeying.handle_timeout(now);
        Silence::Bearable
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn timeout(&self, releasing: bool) -> Option<Instant> {
        let silence = self
            .silent_since()
            .map(|since| (since + DEAD_AFTER).min(self.ping_at(since)));
        let release = releasing.then_some(self.release_at);
        silence.sooner(release).sooner(self.rekeying.timeout())
    }

    fn silent_since(&self) -> Option<Instant> {
        self.awaiting_since.map(|since| since.max(self.last_heard))
    }

    fn ping_at(&self, since: Instant) -> Instant {
        since.max(self.last_ping) + PING_AFTER
    }
}

/// A HELLO of ours that is not answered.
pub(crate) struct Hello {
    pub(crate) nonce: Nonce,
    /// The key exchange's first message.
    pub(crate) message: Extension,
    /// What the peer asked for.
    pub(crate) cookie: Cookie,
    pub(crate) repeated: Repeated,
}

impl Hello {
    pub(crate) fn new(now: Instant, nonce: Nonce, message: Extension) -> Self {
        Self {
            nonce,
            message,
            cookie: Cookie::NONE,
            repeated: Repeated::new(now),
        }
    }

    /// The peer is busy, and wants to see this in the next one, which goes at once. Each cookie is worth one HELLO.
    pub(crate) fn take_cookie(&mut self, cookie: Cookie) {
        if self.cookie != cookie {
            self.cookie = cookie;
            self.repeated.due = true;
        }
    }
}

/// When something is said again, until it is answered or given up.
#[derive(Clone, Copy)]
pub(crate) struct Repeated {
    pub(crate) due: bool,
    give_up_at: Instant,
    retry_at: Instant,
    pause: Duration,
}

/// What is to become of something that is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// It goes on.
    Bearable,
    /// It is given up.
    GivenUp,
}

impl Repeated {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            due: true,
            give_up_at: now + CONNECT_WITHIN,
            retry_at: now + RETRANSMIT_FIRST,
            pause: RETRANSMIT_FIRST,
        }
    }

    pub(crate) fn timeout(&self) -> Instant {
        self.retry_at.min(self.give_up_at)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Unanswered {
        if self.give_up_at <= now {
            return Unanswered::GivenUp;
        }
        if self.retry_at <= now {
            self.due = true;
            self.pause = (self.pause * 2).min(RETRANSMIT_MAX);
            self.retry_at = now + self.pause;
        }
        Unanswered::Bearable
    }
}

/// A HELLO of the peer that we have answered; its next frame makes it a session.
pub(crate) struct HalfOpen {
    pub(crate) id: SessionId,
    pub(crate) peer: Identity,
    pub(crate) nonce: Nonce,
    /// The key exchange's second message.
    pub(crate) message: Extension,
    /// The slots that the peer answers for.
    pub(crate) slots: u16,
    pub(crate) due: bool,
    pub(crate) forget_at: Instant,
}

impl HalfOpen {
    /// When it is forgotten, if it begins now.
    pub(crate) fn forget_at(now: Instant) -> Instant {
        now + HALF_OPEN
    }
}
