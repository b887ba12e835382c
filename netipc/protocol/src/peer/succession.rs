//! One session after another: which of them a frame belongs to, how one begins, and what ends with it.

use netipc_wire::SessionId;

use super::caller::Ending;
use super::session::{Proof, Session};
use super::{Context, Down, Peer};
use crate::cipher::Cipher;
use crate::endpoint::Random;
use crate::fault::{Faults, PlantedFault};
use crate::maybe::Maybe;
use crate::time::Instant;
use crate::types::{DownReason, Dropped};

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// The session is over, if there is one: every call has its outcome, and every table is empty.
    pub(super) fn end_session<C: Cipher>(
        &mut self,
        reason: DownReason,
        cipher: &mut C,
        faults: Faults,
    ) {
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
    pub(super) fn begin_session<C: Cipher>(
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

    /// A frame of this session came: it is the present one, or the half-open one that is confirmed by it, or unknown.
    pub(super) fn enter<C: Cipher, R: Random>(
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
