//! What is said to a peer: which frame goes next, what it says, and its number.

use isthmus_abi::NotExecuted;
use netipc_wire::{Descriptor, Grant, Message, SessionId, grant};

use super::handshake::Greeting;
use super::{Context, Peer, bulk, rekey};
use crate::cipher::Cipher;
use crate::endpoint::{Config, Random};
use crate::fault::Faults;
use crate::time::Instant;

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

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
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
}
