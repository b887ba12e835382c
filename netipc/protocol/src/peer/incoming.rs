//! What a peer says: each frame of the session goes to the part that it is for.

use isthmus_abi::NotExecuted;
use netipc_wire::{Message, SessionId, slot};

use super::tables::Tables;
use super::{Context, Peer};
use crate::cipher::Cipher;
use crate::endpoint::Random;
use crate::fault::{Faults, PlantedFault};
use crate::time::Instant;
use crate::types::Dropped;

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
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
}
