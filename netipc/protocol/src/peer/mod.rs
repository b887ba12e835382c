//! One peer: the sessions with it, and what belongs to the present one.
//!
//! `session` opens and ends sessions, `caller` holds our calls there, `callee` its calls here.

pub(crate) mod bulk;
mod callee;
mod caller;
mod expulsion;
mod grants;
mod handshake;
mod local;
mod rekey;
mod revocation;
mod session;

use heapless::Deque;
use isthmus_abi::NotExecuted;
use netipc_wire::handshake::Cookie;
use netipc_wire::{BootId, Descriptor, Grant, Message, NodeId, SessionId, grant, slot};

use crate::cipher::Cipher;
use crate::endpoint::{Config, Random};
use crate::exports::{Ended, Exports};
use crate::fault::{Faults, PlantedFault};
use crate::imports::Imports;
use crate::maybe::Maybe;
use crate::time::{Instant, Sooner};
use crate::types::{DownReason, Dropped, Event, ImportId, Object};
use bulk::Bulk;
use callee::{Callee, Tables};
use caller::{Caller, Ending, Settled};
use grants::Grants;
pub(crate) use grants::Waiter;
pub(crate) use handshake::Greeting;
use revocation::Revocations;
use session::{HalfOpen, Hello, Identity, Proof, Session, Silence};

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

/// Which frame goes next.
pub(crate) enum Next {
    Greeting(Greeting),
    Ping,
    Pong(u64),
    Callee(usize),
    Caller(usize),
    Release(Descriptor),
    ReleaseAck(Descriptor),
    Rekey(rekey::About),
    Revoke(Descriptor),
    RevokeAck(Descriptor),
    GrantAsk(grant::Ask),
    Grant(u64, Grant),
    GrantRefuse(u64, NotExecuted),
    Offer(grant::Offer),
    OfferAck(Descriptor),
    OfferRefuse(Descriptor, NotExecuted),
    Bulk(bulk::Say),
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

    /// A frame of a session, readable.
    pub(crate) fn handle_frame<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        id: SessionId,
        message: &Message<'_>,
        context: &mut Context<'_, C, R>,
    ) -> Result<(), Dropped> {
        if let (Message::Reply(repr), Some(present), Some(node)) =
            (message, self.session_id(), self.node)
            && present != id
            && context.faults.has(PlantedFault::ReplyOfAnySession)
        {
            let mut tables = Tables {
                node,
                session: present,
                exports: &mut self.exports,
                imports: &mut self.imports,
                claimed: None,
                faults: context.faults,
            };
            let take = |capability| tables.take(capability);
            return self.caller.replied(now, repr, take, context.faults);
        }
        // [N8]
        self.enter(now, id, context)?;
        let (Some(session), Some(node)) = (self.session.as_mut(), self.node) else {
            return Err(Dropped::UnknownSession);
        };
        session.heard(now);
        match message {
            Message::Rekey(repr) => return self.rekey_asked(now, repr, context),
            Message::RekeyAck(repr) => return self.rekey_answered(now, repr, context),
            _ => {}
        }
        let mut tables = Tables {
            node,
            session: session.id,
            exports: &mut self.exports,
            imports: &mut self.imports,
            claimed: context.claimed,
            faults: context.faults,
        };
        let result = match message {
            Message::Ping(token) => {
                session.pong_due = Some(*token);
                Ok(())
            }
            Message::Pong(_) => Ok(()),
            Message::Request(way, repr) => self.callee.requested(now, *way, repr, &mut tables),
            Message::Cancel(repr) => self.callee.cancelled(repr, &mut tables).map(|unused| {
                if let Some(descriptor) = unused {
                    self.take_back(descriptor);
                }
            }),
            Message::Ack(about) => self.caller.acknowledged(*about),
            Message::Reply(repr) => {
                let take = |capability| tables.take(capability);
                self.caller.replied(now, repr, take, context.faults)
            }
            Message::Fail(about, reason) => self.caller.failed(*about, *reason),
            Message::Refuse(about, reason) => self.refused(*about, *reason),
            Message::CancelAnswer(about, verdict) => {
                let settled = self.caller.cancel_answered(*about, *verdict);
                settled.map(|settled| self.settle(settled))
            }
            Message::Release(descriptor) => {
                // [N27]
                let queued = session.release_acks.push_back(*descriptor);
                queued.map_err(|_| Dropped::NoRoom).map(|()| {
                    let ended = if context.faults.has(PlantedFault::ReleaseIgnoresGeneration) {
                        self.exports.present(*descriptor)
                    } else {
                        *descriptor
                    };
                    self.take_back(ended);
                    self.callee.revoked(ended, &mut self.exports, Faults::NONE);
                })
            }
            Message::ReleaseAck(descriptor) => match self.imports.released(*descriptor) {
                true => Ok(()),
                false => Err(Dropped::Stale),
            },
            Message::Revoke(descriptor) => self.revoked_by_peer(*descriptor, context.faults),
            Message::RevokeAck(descriptor) => {
                self.take_back(*descriptor);
                Ok(())
            }
            Message::GrantAsk(ask) => self.asked_by_peer(ask, context.offered),
            Message::Grant(number, grant) => self.granted_by_peer(*number, Ok(*grant)),
            Message::GrantRefuse(number, reason) => self.granted_by_peer(*number, Err(*reason)),
            Message::Offer(offer) => {
                self.offer = Some(*offer);
                Ok(())
            }
            Message::OfferAck(export) => self.offer_answered(*export, Ok(())),
            Message::OfferRefuse(export, reason) => self.offer_answered(*export, Err(*reason)),
            // [N46] The view's: whoever has handed the frame over takes it on.
            Message::View(_) => Ok(()),
            Message::Want(want) => self.wanted(now, want, context.faults),
            Message::Data(data) => self.data(data, context.faults),
            Message::Store(about, range) => self.store_asked(*about, *range, context.faults),
            Message::Stored(about) => self.store_done(*about),
            Message::BulkRefuse(about, reason) => self.transfer_refused(*about, *reason),
            Message::Hello(_)
            | Message::HelloAck(_)
            | Message::HelloRefuse(_)
            | Message::HelloCookie(_)
            | Message::Rekey(_)
            | Message::RekeyAck(_) => Err(Dropped::Violation),
        };
        self.let_go(now);
        self.end_loans(context.faults);
        self.note_awaiting(now);
        result
    }

    fn refused(&mut self, about: slot::Repr, reason: NotExecuted) -> Result<(), Dropped> {
        let settled = self.caller.refused(about, reason)?;
        self.settle(settled);
        Ok(())
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

    /// Which frame goes next, if any; it counts as sent.
    pub(crate) fn next_frame(&mut self, now: Instant, faults: Faults) -> Option<Next> {
        if let Some(greeting) = self.next_greeting() {
            return Some(Next::Greeting(greeting));
        }
        let session = self.session.as_mut()?;
        if let Some(about) = session.rekeying.next() {
            return Some(Next::Rekey(about));
        }
        if let Some(token) = session.pong_due.take() {
            return Some(Next::Pong(token));
        }
        if let Some(slot) = self.callee.next_frame() {
            return Some(Next::Callee(slot));
        }
        if let Some(slot) = self.caller.next_frame(now, &mut self.imports) {
            session.note_awaiting(now, true);
            if self.imports.take_let_go() {
                session.release(now);
            }
            return Some(Next::Caller(slot));
        }
        if let Some(descriptor) = session.release_acks.pop_front() {
            return Some(Next::ReleaseAck(descriptor));
        }
        if let Some(row) = session.release_cursor.take()
            && let Some((row, descriptor)) = self.imports.releasing_from(row)
        {
            session.release_cursor = Some(row + 1);
            return Some(Next::Release(descriptor));
        }
        if core::mem::take(&mut session.ping_due) {
            return Some(Next::Ping);
        }
        self.revocations
            .next_frame(now, &self.exports)
            .or_else(|| self.grants.next_frame())
            .or_else(|| self.bulk.next_frame(now, faults))
    }

    /// The frame's content, its session and its number.
    pub(crate) fn message<'a>(
        &'a self,
        now: Instant,
        next: &Next,
        config: &Config,
    ) -> Option<(Message<'a>, SessionId, u64)> {
        let (id, number) = self
            .session
            .as_ref()
            .map_or((SessionId::NONE, 0), |session| (session.id, session.number));
        let message = match *next {
            Next::Greeting(greeting) => {
                return Some((self.greeting(greeting, config)?, SessionId::NONE, 0));
            }
            Next::Ping => Message::Ping(number),
            Next::Pong(token) => Message::Pong(token),
            Next::Callee(slot) => self.callee.message(slot),
            Next::Caller(slot) => self.caller.message(now, slot),
            Next::Release(descriptor) => Message::Release(descriptor),
            Next::ReleaseAck(descriptor) => Message::ReleaseAck(descriptor),
            Next::Rekey(about) => self.session.as_ref()?.rekeying.message(about)?,
            Next::Revoke(descriptor) => Message::Revoke(descriptor),
            Next::RevokeAck(descriptor) => Message::RevokeAck(descriptor),
            Next::GrantAsk(_)
            | Next::Grant(..)
            | Next::GrantRefuse(..)
            | Next::Offer(_)
            | Next::OfferAck(_)
            | Next::OfferRefuse(..) => next.about_grants()?,
            Next::Bulk(say) => say.message(),
        };
        Some((message, id, number))
    }

    /// The frame has been written.
    pub(crate) fn sent(&mut self, next: &Next, faults: Faults) {
        if let Next::Callee(slot) = *next {
            self.callee.left(slot, faults);
        }
        if !matches!(next, Next::Greeting(_))
            && let Some(session) = self.session.as_mut()
        {
            // [N3]
            session.number += 1;
        }
    }

    /// A chunk has been written to a frame.
    pub(crate) const fn sent_chunk(&mut self) {
        if let Some(session) = self.session.as_mut() {
            // [N3]
            session.number += 1;
        }
    }

    /// The present session, and the number of its next frame.
    pub(crate) fn numbering(&self) -> Option<(SessionId, u64)> {
        let session = self.session.as_ref()?;
        Some((session.id, session.number))
    }

    /// Whether [`poll_event`](Self::poll_event) has one.
    pub(crate) fn has_event(&mut self) -> bool {
        self.caller.has_outcome()
            || self.down.is_some()
            || self.up.is_some()
            || self.twin.is_some()
            || !self.released.is_empty()
            || self.revocations.has_news()
            || self.imports.has_news()
            || self.grants.has_question()
            || self.callee.has_event()
            || self.bulk.has_event()
    }

    /// Whether a call's outcome is among its events.
    pub(crate) fn has_outcome(&self) -> bool {
        self.caller.has_outcome()
    }

    /// The next event. Borrows the reply from its slot.
    pub(crate) fn poll_event(&mut self) -> Option<Event<'_>> {
        let node = self.node?;
        if let Some(event) = self.bulk.next_event() {
            return Some(event);
        }
        if let Some(boot) = self.twin.take() {
            return Some(Event::Twin { node, boot });
        }
        if let Some(down) = self.down.take_if(|down| down.after == 0) {
            return Some(Event::Down {
                node,
                session: down.session,
                reason: down.reason,
            });
        }
        if let Some(down) = self.down.as_mut() {
            down.after -= 1;
        } else if let Some(session) = self.up.take() {
            return Some(Event::Up { node, session });
        }
        if self.caller.has_outcome() {
            return self.caller.poll();
        }
        if let Some(object) = self.released.pop_front() {
            return Some(Event::Released { object });
        }
        if let Some(object) = self.revocations.next_completed() {
            return Some(Event::RevocationComplete { object });
        }
        if let Some(import) = self.imports.next_news(node) {
            return Some(Event::Revoked { import });
        }
        if self.grants.has_question()
            && let Some(session) = self.session_id()
        {
            return self.grants.next_question(node, session);
        }
        self.callee.poll(node, self.session.as_ref()?.id)
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

    /// The session is over, if there is one: every call has its outcome, and every table is empty.
    fn end_session<C: Cipher>(&mut self, reason: DownReason, cipher: &mut C, faults: Faults) {
        let Some(session) = self.session.take() else {
            return;
        };
        if let Some(node) = self.node {
            cipher.closed(node, session.id);
        }
        #[cfg(feature = "planted-faults")]
        if reason == DownReason::PeerLost {
            self.lost = Some((session.id, session.peer));
        }
        let ending = match reason {
            DownReason::PeerLost | DownReason::Expelled => Ending::Lost,
            DownReason::PeerRestarted | DownReason::Replaced => Ending::Replaced,
        };
        self.caller.end_session(ending, faults);
        self.callee.clear();
        self.exports.clear();
        self.imports.clear();
        self.released.clear();
        self.revocations.clear();
        self.grants.end_session();
        self.bulk.end_session();
        // Of a session that the proxy does not know it need not know the end.
        if self.up.take().is_none() {
            let after = self.caller.outcomes();
            self.down = Maybe::Just(Down {
                session: session.id,
                reason,
                after,
            });
        }
    }

    /// A new session; what belonged to an earlier one is over.
    fn begin_session<C: Cipher>(
        &mut self,
        session: Session,
        slots: u16,
        cipher: &mut C,
        faults: Faults,
    ) {
        if let Some(old) = self.session.as_ref() {
            let reason = if old.peer.0 == session.peer.0 {
                DownReason::Replaced
            } else {
                DownReason::PeerRestarted
            };
            self.end_session(reason, cipher, faults);
        }
        self.hello = Maybe::Nothing;
        self.caller.begin_session(slots);
        self.up = Some(session.id);
        self.session = Maybe::Just(session);
    }

    /// The session and the number of a frame that is sent at once; without a session one is opened, and nothing is sent.
    // [N45]
    pub(crate) fn next_number<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        context: &mut Context<'_, C, R>,
    ) -> Option<(SessionId, u64)> {
        let Some(session) = self.session.as_mut() else {
            self.answer_stranger(now, context);
            return None;
        };
        let number = session.number;
        // [N3]
        session.number += 1;
        Some((session.id, number))
    }

    /// A frame of this session came: it is the present one, or the half-open one that is confirmed by it, or unknown.
    fn enter<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        id: SessionId,
        context: &mut Context<'_, C, R>,
    ) -> Result<(), Dropped> {
        if self.session_id() == Some(id) {
            return Ok(());
        }
        if let Some(half_open) = self.half_open.take_if(|half_open| half_open.id == id) {
            if let Err(twin) = self.believe(half_open.peer.0) {
                if let Some(node) = self.node {
                    context.cipher.closed(node, id);
                }
                return Err(twin);
            }
            let session = Session::new(id, half_open.peer, now, Proof::Given);
            self.begin_session(session, half_open.slots, context.cipher, context.faults);
            return Ok(());
        }
        if self.session.is_some() && context.faults.has(PlantedFault::OldSessionAccepted) {
            return Ok(());
        }
        #[cfg(feature = "planted-faults")]
        if let Some((lost, peer)) = self.lost
            && lost == id
            && !self.session.is_some()
            && context.faults.has(PlantedFault::HealReusesSession)
        {
            let session = Session::new(id, peer, now, Proof::Given);
            self.begin_session(session, SLOTS as u16, context.cipher, context.faults);
            return Ok(());
        }
        self.answer_stranger(now, context);
        Err(Dropped::UnknownSession)
    }

    /// A frame of a session that is not known, so nobody can say who sent it. Perhaps the peer believes in a session that this machine
    /// does not have: tell it so by opening a new one.
    pub(crate) fn answer_stranger<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        context: &mut Context<'_, C, R>,
    ) {
        if !self.session.is_some() && !self.half_open.is_some() {
            self.greet(now, context);
        }
    }
}
