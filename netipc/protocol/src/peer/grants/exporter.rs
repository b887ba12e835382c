//! Hand-off at one peer as exporter: what it asks us for a third machine, and what we offer it because another has asked.

use isthmus_abi::NotExecuted;
use netipc_wire::{Descriptor, Grant, SessionId, grant};

use super::{Offer, OfferState, Question, Repeat};
use crate::exports::{Exported, describe};
use crate::fault::Faults;
use crate::peer::Peer;
use crate::time::Instant;
use crate::types::{Asked, Dropped, ExportId, Object};

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// GRANT-ASK: the proxy decides, unless it has done so.
    pub(in crate::peer) fn asked_by_peer(
        &mut self,
        ask: &grant::Ask,
        offered: Option<Option<Grant>>,
    ) -> Result<(), Dropped> {
        match offered {
            Some(Some(grant)) => {
                self.say(ask.number, Ok(grant));
                return Ok(());
            }
            // The receiver has not answered yet.
            Some(None) => return Ok(()),
            None => {}
        }
        let known = |question: &Question| question.ask.number == ask.number;
        if self.grants.questions.iter().any(known) {
            return Ok(());
        }
        let Exported::Object(object) = self.exports.find(ask.export) else {
            self.say(ask.number, Err(NotExecuted::Revoked));
            return Ok(());
        };
        let question = Question {
            ask: *ask,
            object,
            told: false,
        };
        let pushed = self.grants.questions.push(question);
        pushed.map_err(|_| Dropped::NoRoom)
    }

    /// Answers a question of the peer's.
    pub(crate) fn say(&mut self, number: u64, result: Result<Grant, NotExecuted>) {
        // If there is no room it asks again.
        let _ = self.grants.says.push_back((number, result));
    }

    /// Takes a question that the proxy has decided on: what was asked, if the export is still there.
    pub(crate) fn take_question(&mut self, asked: Asked) -> Option<grant::Ask> {
        if self.session_id() != Some(asked.asked_in) {
            return None;
        }
        let mut questions = self.grants.questions.iter();
        let place = questions.position(|question| question.ask.number == asked.number)?;
        let ask = self.grants.questions.swap_remove(place).ask;
        match self.exports.find(ask.export) {
            Exported::Object(_) => Some(ask),
            _ => {
                self.say(ask.number, Err(NotExecuted::Revoked));
                None
            }
        }
    }

    /// Offers a new export to this peer, which a third machine introduces.
    pub(crate) fn offer(
        &mut self,
        now: Instant,
        object: Object,
        asked: Asked,
        session: SessionId,
        grant: Grant,
        faults: Faults,
    ) -> Result<ExportId, NotExecuted> {
        if self.grants.offers.is_full() {
            let mut offers = self.grants.offers.iter();
            let over = offers.position(|offer| offer.state == OfferState::Accepted);
            self.grants
                .offers
                .swap_remove(over.ok_or(NotExecuted::Overload)?);
        }
        let export = self.export(object, faults)?;
        let descriptor = describe(export.row, export.generation);
        self.exports.name(descriptor);
        let _ = self.grants.offers.push(Offer {
            export: descriptor,
            grant,
            introducer: asked.by,
            asked_in: asked.asked_in,
            number: asked.number,
            session,
            state: OfferState::Open,
            repeat: Repeat::first(now),
        });
        self.note_awaiting(now);
        Ok(export)
    }

    /// OFFER-ACK or OFFER-REFUSE.
    pub(in crate::peer) fn offer_answered(
        &mut self,
        export: Descriptor,
        result: Result<(), NotExecuted>,
    ) -> Result<(), Dropped> {
        let mut offers = self.grants.offers.iter_mut();
        let open = |offer: &&mut Offer| offer.export == export && offer.state == OfferState::Open;
        let offer = offers.find(open).ok_or(Dropped::Stale)?;
        offer.state = OfferState::Accepted;
        let offer = *offer;
        self.grants.settle(&offer, result.map(|()| offer.grant));
        if result.is_err() {
            self.grants.offers.retain(|other| other.export != export);
            self.take_back(export);
        }
        Ok(())
    }
}
