//! Another key for a session that goes on: its slots, exports and numbers know nothing of it.
//!
//! Either side may ask. The key exchange travels in the session, under its present key; each try makes a key of its own number, so
//! that a late answer to an earlier one does no harm.

use netipc_wire::{Message, NodeId, SessionId, rekey};

use super::session::{Repeated, Unanswered};
use super::{Context, Peer};
use crate::cipher::{Cipher, Exchange, Extension, Unreadable};
use crate::endpoint::Random;
use crate::fault::{Faults, PlantedFault};
use crate::maybe::Maybe;
use crate::time::Instant;
use crate::types::Dropped;

/// What is under way in a session.
pub(crate) struct Rekeying {
    /// REKEY of ours that is not answered.
    asked: Maybe<Asked>,
    /// The last REKEY of the peer that we have answered.
    answered: Maybe<Answered>,
    /// The highest number of a key that was tried.
    newest: u32,
}

struct Asked {
    key: u32,
    first: Extension,
    repeated: Repeated,
}

struct Answered {
    key: u32,
    second: Extension,
    due: bool,
}

/// Which frame about a new key goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Ours,
    Theirs,
}

impl Rekeying {
    pub(crate) const NEW: Self = Self {
        asked: Maybe::Nothing,
        answered: Maybe::Nothing,
        newest: 0,
    };

    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.asked.as_ref().map(|asked| asked.repeated.timeout())
    }

    /// Says it again, or gives it up: the cipher will want it again later.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let asked = self.asked.as_mut();
        if asked.map(|asked| asked.repeated.handle_timeout(now)) == Some(Unanswered::GivenUp) {
            self.asked = Maybe::Nothing;
        }
    }

    pub(crate) fn next(&mut self) -> Option<About> {
        if let Some(answered) = self.answered.as_mut()
            && core::mem::take(&mut answered.due)
        {
            return Some(About::Theirs);
        }
        let asked = self.asked.as_mut()?;
        core::mem::take(&mut asked.repeated.due).then_some(About::Ours)
    }

    pub(crate) fn message(&self, about: About) -> Option<Message<'_>> {
        Some(match about {
            About::Ours => {
                let asked = self.asked.as_ref()?;
                Message::Rekey(rekey::Repr {
                    key: asked.key,
                    message: &asked.first,
                })
            }
            About::Theirs => {
                let answered = self.answered.as_ref()?;
                Message::RekeyAck(rekey::Repr {
                    key: answered.key,
                    message: &answered.second,
                })
            }
        })
    }
}

/// What the key exchange is bound to.
fn bound(session: SessionId, key: u32) -> [u8; 12] {
    let mut bound = [0; 12];
    let (front, back) = bound.split_at_mut(8);
    front.copy_from_slice(&session.0.to_le_bytes());
    back.copy_from_slice(&key.to_le_bytes());
    bound
}

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// The cipher wants another key than the present one.
    pub(crate) fn rekey<C: Cipher>(
        &mut self,
        now: Instant,
        present: u32,
        cipher: &mut C,
        faults: Faults,
    ) {
        let (Some(session), Some(peer)) = (self.session.as_mut(), self.node) else {
            return;
        };
        let rekeying = &mut session.rekeying;
        if rekeying.asked.is_some() {
            return;
        }
        let key = rekeying.newest.max(present).saturating_add(1);
        let exchange = Exchange {
            peer,
            session: session.id,
            key,
            bound: &bound(session.id, key),
            answer: &[],
        };
        if let Ok(first) = cipher.initiate(&exchange) {
            if faults.has(PlantedFault::RekeyResetsNumbers) {
                session.number = 0;
            }
            rekeying.newest = key;
            rekeying.asked = Maybe::Just(Asked {
                key,
                first,
                repeated: Repeated::new(now),
            });
        }
    }

    /// REKEY: answered, unless we have asked, too, and have the right of way.
    pub(super) fn rekey_asked<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        repr: &rekey::Repr<'_>,
        context: &mut Context<'_, C, R>,
    ) -> Result<(), Dropped> {
        let (Some(session), Some(peer)) = (self.session.as_mut(), self.node) else {
            return Err(Dropped::UnknownSession);
        };
        let (id, rekeying) = (session.id, &mut session.rekeying);
        if let Some(answered) = rekeying.answered.as_mut()
            && answered.key == repr.key
        {
            answered.due = true;
            return Ok(());
        }
        let ours = rekeying.asked.as_ref().map_or(0, |asked| asked.key);
        let has_way = |node: NodeId| node < peer;
        let oldest = if ours == 0 { rekeying.newest } else { ours - 1 };
        if (ours != 0 && has_way(context.config.node)) || repr.key <= oldest {
            return Err(Dropped::Stale);
        }
        let exchange = Exchange {
            peer,
            session: id,
            key: repr.key,
            bound: &bound(id, repr.key),
            answer: &[],
        };
        let second = context.cipher.respond(now, &exchange, repr.message);
        let second = second.map_err(|_| Dropped::Corrupt)?;
        rekeying.asked = Maybe::Nothing;
        rekeying.newest = rekeying.newest.max(repr.key);
        rekeying.answered = Maybe::Just(Answered {
            key: repr.key,
            second,
            due: true,
        });
        Ok(())
    }

    /// REKEY-ACK: from now on the new key; our next frame, which goes at once, confirms it.
    pub(super) fn rekey_answered<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        repr: &rekey::Repr<'_>,
        context: &mut Context<'_, C, R>,
    ) -> Result<(), Dropped> {
        let (Some(session), Some(peer)) = (self.session.as_mut(), self.node) else {
            return Err(Dropped::UnknownSession);
        };
        let asked = session.rekeying.asked.as_ref();
        if asked.is_none_or(|asked| asked.key != repr.key) {
            return Err(Dropped::Stale);
        }
        let exchange = Exchange {
            peer,
            session: session.id,
            key: repr.key,
            bound: &bound(session.id, repr.key),
            answer: &[],
        };
        match context.cipher.complete(now, &exchange, repr.message) {
            Ok(()) => {
                session.rekeying.asked = Maybe::Nothing;
                session.ping_due = true;
                Ok(())
            }
            Err(Unreadable::Corrupt | Unreadable::NoKey | Unreadable::Replayed) => {
                Err(Dropped::Corrupt)
            }
        }
    }
}
