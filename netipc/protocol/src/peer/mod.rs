//! One peer: the sessions with it, and what belongs to the present one.
//!
//! `handshake` opens sessions, `succession` ends them, `caller` holds our calls there, `callee` its calls here. What comes from the peer passes
//! `incoming`; what goes to it is chosen in `outgoing`, and what the proxy is told of it in `news`.

pub(crate) mod bulk;
mod callee;
mod caller;
mod expulsion;
mod grants;
mod handshake;
mod incoming;
mod local;
mod news;
mod outgoing;
mod rekey;
mod revocation;
mod session;
mod succession;
mod tables;

use heapless::Deque;
use netipc_wire::handshake::Cookie;
use netipc_wire::{BootId, Descriptor, Grant, NodeId, SessionId, grant};

use crate::cipher::Cipher;
use crate::endpoint::{Config, Random};
use crate::exports::{Ended, Exports};
use crate::fault::Faults;
use crate::imports::Imports;
use crate::maybe::Maybe;
use crate::time::{Instant, Sooner};
use crate::types::{DownReason, ImportId, Object};
use bulk::Bulk;
use callee::Callee;
use caller::{Caller, Settled};
use grants::Grants;
pub(crate) use grants::Waiter;
pub(crate) use outgoing::Next;
use revocation::Revocations;
use session::{HalfOpen, Hello, Identity, Session, Silence};

/// One peer.
pub(crate) struct Peer<const SLOTS: usize, const ROWS: usize> {
    node: Option<NodeId>,
    session: Maybe<Session>,
    hello: Maybe<Hello>,
    half_open: Maybe<HalfOpen>,
    /// A HELLO that must be answered with HELLO-REFUSE.
    refuse_due: Option<Identity>,
    /// A HELLO that must be answered with HELLO-COOKIE.
    cookie_due: Option<(Identity, Cookie)>,
    /// The boots that were believed, the present one last.
    boots: heapless::Vec<BootId, { handshake::BOOTS }>,
    /// An earlier one of them has proved that it lives, and the proxy does not know yet.
    twin: Option<BootId>,
    caller: Caller<SLOTS>,
    callee: Callee<SLOTS>,
    exports: Exports<ROWS>,
    imports: Imports<ROWS>,
    /// Objects that the proxy can give back; with the exports at most `ROWS`.
    released: Deque<Object, ROWS>,
    revocations: Revocations<ROWS>,
    pub(crate) grants: Grants,
    bulk: Bulk,
    /// An offer that the endpoint has to look at.
    pub(crate) offer: Option<grant::Offer>,
    down: Maybe<Down>,
    up: Option<SessionId>,
    /// The last session that was lost, for the fault that takes it up again.
    #[cfg(feature = "planted-faults")]
    lost: Option<(SessionId, Identity)>,
}

/// A session has ended, and the proxy does not know yet.
struct Down {
    session: SessionId,
    reason: DownReason,
    /// Outcomes that must be fetched first: those of its calls.
    after: usize,
}

/// What a peer needs from its endpoint.
pub(crate) struct Context<'a, C, R> {
    pub(crate) config: &'a Config,
    pub(crate) cipher: &'a mut C,
    pub(crate) random: &'a mut R,
    /// The import that the grant in a frame stands for.
    pub(crate) claimed: Option<ImportId>,
    /// What was offered already because of a frame's question, and whether it was accepted.
    pub(crate) offered: Option<Option<Grant>>,
    pub(crate) faults: Faults,
}

/// How full a peer's tables are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Caller's slots that are not free.
    pub calls: usize,
    /// One-way messages among them: the credit that is used.
    pub one_ways: usize,
    /// Requests of the peer that no worker has taken.
    pub requests: usize,
    /// Exports to the peer.
    pub exports: usize,
    /// Imports from the peer, those whose release is not acknowledged included.
    pub imports: usize,
    /// Transfers of ours from and into the peer's loans, and of the peer's from and into ours.
    pub transfers: usize,
}

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    pub(crate) const NEW: Self = Self {
        node: None,
        session: Maybe::Nothing,
        hello: Maybe::Nothing,
        half_open: Maybe::Nothing,
        refuse_due: None,
        cookie_due: None,
        boots: heapless::Vec::new(),
        twin: None,
        caller: Caller::NEW,
        callee: Callee::NEW,
        exports: Exports::NEW,
        imports: Imports::NEW,
        released: Deque::new(),
        revocations: Revocations::NEW,
        grants: Grants::NEW,
        bulk: Bulk::NEW,
        offer: None,
        down: Maybe::Nothing,
        up: None,
        #[cfg(feature = "planted-faults")]
        lost: None,
    };

    /// As after a start of the machine.
    pub(crate) fn reset(&mut self, node: Option<NodeId>) {
        self.node = node;
        self.session = Maybe::Nothing;
        self.hello = Maybe::Nothing;
        self.half_open = Maybe::Nothing;
        self.refuse_due = None;
        self.cookie_due = None;
        self.boots.clear();
        self.twin = None;
        self.caller.clear();
        self.callee.clear();
        self.exports.clear();
        self.imports.clear();
        self.released.clear();
        self.revocations.clear();
        self.grants.clear();
        self.bulk.clear();
        self.offer = None;
        self.down = Maybe::Nothing;
        self.up = None;
        #[cfg(feature = "planted-faults")]
        {
            self.lost = None;
        }
    }

    pub(crate) const fn node(&self) -> Option<NodeId> {
        self.node
    }

    pub(crate) fn session_id(&self) -> Option<SessionId> {
        self.session.as_ref().map(|session| session.id)
    }

    pub(crate) fn occupancy(&self) -> Occupancy {
        Occupancy {
            calls: self.caller.busy(),
            one_ways: self.caller.one_ways(Faults::NONE),
            requests: self.callee.waiting(),
            exports: self.exports.len(),
            imports: self.imports.len(),
            transfers: self.bulk.len(),
        }
    }

    /// The peer has no use for an export (any more).
    fn take_back(&mut self, descriptor: Descriptor) {
        match self.exports.remove(descriptor) {
            Ended::Nothing => {}
            Ended::Free(object) => self.give_back(object),
            Ended::Complete(object) => self.revocations.completed(object),
        }
    }

    /// The proxy has an object back.
    fn give_back(&mut self, object: Object) {
        let pushed = self.released.push_back(object);
        debug_assert!(
            pushed.is_ok(),
            "exports and released objects are at most ROWS"
        );
    }

    fn settle(&mut self, settled: Settled) {
        match settled {
            Settled::Nothing => {}
            Settled::Unused(descriptor) => self.take_back(descriptor),
            Settled::Refused(descriptor) => self.revoke_row(descriptor, Faults::NONE),
        }
    }

    /// What the passing of time has made due.
    pub(crate) fn handle_timeout<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        context: &mut Context<'_, C, R>,
    ) {
        self.greet_again(now, context);
        if let Some(session) = self.session.as_mut()
            && session.handle_timeout(now, self.imports.is_releasing()) == Silence::Dead
        {
            self.end_session(DownReason::PeerLost, context.cipher, context.faults);
        }
        while let Some(settled) = self.caller.expire(now, context.faults) {
            self.settle(settled);
        }
        self.callee.expire(now, &mut self.exports, context.faults);
        self.revocations.expire(now, self.exports.is_revoking());
        self.expire_grants(now);
        self.end_loans(context.faults);
        self.bulk.expire(now);
        self.let_go(now);
        self.note_awaiting(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let session = self.session.as_ref();
        let hello = self.hello.as_ref().map(|hello| hello.repeated.timeout());
        let half_open = self.half_open.as_ref().map(|half_open| half_open.forget_at);
        // One after the other: a list of them would be built and walked at every frame.
        session
            .and_then(|session| session.timeout(self.imports.is_releasing()))
            .sooner(hello)
            .sooner(half_open)
            .sooner(self.caller.timeout())
            .sooner(self.callee.timeout())
            .sooner(self.revocations.timeout(self.exports.is_revoking()))
            .sooner(self.grants.timeout())
            .sooner(self.imports.offers_end())
            .sooner(self.bulk.timeout())
    }

    fn note_awaiting(&mut self, now: Instant) {
        if let Some(session) = self.session.as_mut() {
            let awaits = self.caller.awaits()
                || self.imports.is_releasing()
                || self.exports.is_revoking()
                || self.grants.awaits()
                || self.bulk.awaits();
            session.note_awaiting(now, awaits);
        }
    }
}
