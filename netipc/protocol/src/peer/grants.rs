//! Hand-off at one peer, in its three roles: what we ask it as introducer, what it asks us as exporter, and what we offer it.
//!
//! What concerns two peers is carried between them by the endpoint, from [`Grants::next_answer`] and [`Grants::next_settled`].

mod exporter;

use core::time::Duration;

use heapless::{Deque, Vec};
use isthmus_abi::NotExecuted;
use netipc_wire::{Descriptor, Grant, Message, NodeId, SessionId, grant};

use super::{Next, Peer};
use crate::fault::{Faults, PlantedFault};
use crate::limits::{GRANT_WITHIN, GRANTS, OFFER_ACKS, RETRANSMIT_FIRST, RETRANSMIT_MAX};
use crate::time::Instant;
use crate::types::{Asked, Dropped, Event, ImportId, Object};

/// What waits for a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiter {
    /// A call of ours, by slot and serial number.
    Call(u16, u64),
    /// A reply of ours, by slot and sequence number.
    Reply(u16, netipc_wire::Sequence),
}

/// A grant that has come, or will not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// The machine that the message goes to, and the session with it.
    pub(crate) to: NodeId,
    pub(crate) session: SessionId,
    pub(crate) waiter: Waiter,
    pub(crate) result: Result<Grant, NotExecuted>,
}

/// What a receiver has said to an offer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub(crate) introducer: NodeId,
    /// The session in which that machine has asked.
    pub(crate) asked_in: SessionId,
    pub(crate) number: u64,
    pub(crate) result: Result<Grant, NotExecuted>,
}

/// When something is said again.
#[derive(Clone, Copy, Debug)]
struct Repeat {
    due: bool,
    at: Instant,
    pause: Duration,
}

/// A GRANT-ASK of ours that is not answered.
#[derive(Clone, Copy, Debug)]
struct Ask {
    number: u64,
    import: ImportId,
    export: Descriptor,
    to: NodeId,
    session: SessionId,
    waiter: Waiter,
    give_up_at: Instant,
    repeat: Repeat,
}

/// An OFFER of ours.
#[derive(Clone, Copy, Debug)]
struct Offer {
    export: Descriptor,
    grant: Grant,
    introducer: NodeId,
    asked_in: SessionId,
    number: u64,
    session: SessionId,
    state: OfferState,
    repeat: Repeat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OfferState {
    Open,
    Accepted,
}

/// A GRANT-ASK of the peer.
#[derive(Clone, Copy, Debug)]
struct Question {
    ask: grant::Ask,
    object: Object,
    told: bool,
}

/// Hand-off at one peer.
pub(crate) struct Grants {
    asks: Vec<Ask, GRANTS>,
    last_number: u64,
    answers: Deque<Answer, GRANTS>,
    questions: Vec<Question, GRANTS>,
    /// Our answers to the peer's questions.
    says: Deque<(u64, Result<Grant, NotExecuted>), GRANTS>,
    offers: Vec<Offer, GRANTS>,
    settled: Deque<Settled, GRANTS>,
    /// Our answers to the peer's offers.
    acks: Deque<(Descriptor, Result<(), NotExecuted>), OFFER_ACKS>,
}

impl Repeat {
    fn first(now: Instant) -> Self {
        Self {
            due: true,
            at: now + RETRANSMIT_FIRST,
            pause: RETRANSMIT_FIRST,
        }
    }

    fn expire(&mut self, now: Instant) {
        if self.at <= now {
            self.due = true;
            self.pause = (self.pause * 2).min(RETRANSMIT_MAX);
            self.at = now + self.pause;
        }
    }
}

impl Grants {
    pub(super) const NEW: Self = Self {
        asks: Vec::new(),
        last_number: 0,
        answers: Deque::new(),
        questions: Vec::new(),
        says: Deque::new(),
        offers: Vec::new(),
        settled: Deque::new(),
        acks: Deque::new(),
    };

    /// As after a start of the machine.
    pub(super) fn clear(&mut self) {
        *self = Self {
            last_number: self.last_number,
            ..Self::NEW
        };
    }

    /// The session is over: what was asked is refused, what was offered is not taken.
    pub(super) fn end_session(&mut self) {
        while let Some(ask) = self.asks.pop() {
            self.answer(&ask, Err(NotExecuted::PeerUnreachable));
        }
        while let Some(offer) = self.offers.pop() {
            if offer.state == OfferState::Open {
                self.settle(&offer, Err(NotExecuted::PeerUnreachable));
            }
        }
        self.questions.clear();
        self.says.clear();
        self.acks.clear();
    }

    fn answer(&mut self, ask: &Ask, result: Result<Grant, NotExecuted>) {
        let pushed = self.answers.push_back(Answer {
            to: ask.to,
            session: ask.session,
            waiter: ask.waiter,
            result,
        });
        debug_assert!(pushed.is_ok(), "questions and answers are at most GRANTS");
    }

    fn settle(&mut self, offer: &Offer, result: Result<Grant, NotExecuted>) {
        // If there is no room the introducer asks again.
        let _ = self.settled.push_back(Settled {
            introducer: offer.introducer,
            asked_in: offer.asked_in,
            number: offer.number,
            result,
        });
    }

    /// Whether the endpoint has something to carry.
    pub(crate) fn has_news(&self) -> bool {
        !self.answers.is_empty() || !self.settled.is_empty()
    }

    /// The next grant of the peer, for the machine that it is for.
    pub(crate) fn next_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// The next word of the peer about an offer, for the machine that has asked for it.
    pub(crate) fn next_settled(&mut self) -> Option<Settled> {
        self.settled.pop_front()
    }

    /// Whether something is expected from the peer.
    pub(super) fn awaits(&self) -> bool {
        !self.asks.is_empty() || self.open_offers().next().is_some()
    }

    fn open_offers(&self) -> impl Iterator<Item = &Offer> {
        let open = |offer: &&Offer| offer.state == OfferState::Open;
        self.offers.iter().filter(open)
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        let asks = self
            .asks
            .iter()
            .map(|ask| ask.repeat.at.min(ask.give_up_at));
        let offers = self.open_offers().map(|offer| offer.repeat.at);
        asks.chain(offers).min()
    }

    /// What goes next.
    pub(super) fn next_frame(&mut self) -> Option<Next> {
        if let Some((export, result)) = self.acks.pop_front() {
            return Some(match result {
                Ok(()) => Next::OfferAck(export),
                Err(reason) => Next::OfferRefuse(export, reason),
            });
        }
        if let Some((number, result)) = self.says.pop_front() {
            return Some(match result {
                Ok(grant) => Next::Grant(number, grant),
                Err(reason) => Next::GrantRefuse(number, reason),
            });
        }
        if let Some(ask) = self.asks.iter_mut().find(|ask| ask.repeat.due) {
            ask.repeat.due = false;
            return Some(Next::GrantAsk(grant::Ask {
                number: ask.number,
                export: ask.export,
                to: ask.to,
                session: ask.session,
            }));
        }
        let due = |offer: &&mut Offer| offer.state == OfferState::Open && offer.repeat.due;
        let offer = self.offers.iter_mut().find(due)?;
        offer.repeat.due = false;
        Some(Next::Offer(grant::Offer {
            export: offer.export,
            grant: offer.grant,
            introducer: offer.introducer,
            session: offer.session,
        }))
    }

    /// The machine asks, and the proxy has not been told.
    pub(super) fn has_question(&self) -> bool {
        self.questions.iter().any(|question| !question.told)
    }

    /// The next question for the proxy.
    pub(super) fn next_question(
        &mut self,
        by: NodeId,
        asked_in: SessionId,
    ) -> Option<Event<'static>> {
        let mut questions = self.questions.iter_mut();
        let question = questions.find(|question| !question.told)?;
        question.told = true;
        Some(Event::Asked {
            asked: Asked {
                by,
                asked_in,
                number: question.ask.number,
            },
            object: question.object,
            to: question.ask.to,
        })
    }

    /// The grant that was offered because of a question, if the receiver has accepted it; `None`: there is no such offer.
    pub(crate) fn offered(
        &self,
        introducer: NodeId,
        asked_in: SessionId,
        number: u64,
    ) -> Option<Option<Grant>> {
        let mut offers = self.offers.iter();
        let offer = offers.find(|offer| {
            offer.introducer == introducer && offer.asked_in == asked_in && offer.number == number
        })?;
        Some((offer.state == OfferState::Accepted).then_some(offer.grant))
    }
}

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// Asks the exporter, which is this peer, whether a third machine may have an import.
    // [N36]
    pub(crate) fn ask(
        &mut self,
        now: Instant,
        import: ImportId,
        (to, session): (NodeId, SessionId),
        waiter: Waiter,
        faults: Faults,
    ) -> Result<(), NotExecuted> {
        let export = self.askable(import)?;
        self.grants.last_number += 1;
        let ask = Ask {
            number: self.grants.last_number,
            import,
            export,
            to,
            session,
            waiter,
            give_up_at: now + GRANT_WITHIN,
            repeat: Repeat::first(now),
        };
        let pushed = self.grants.asks.push(ask);
        pushed.map_err(|_| NotExecuted::Overload)?;
        if !faults.has(PlantedFault::HandOffDropsImport) {
            self.imports.pin(import);
        }
        self.note_awaiting(now);
        Ok(())
    }

    /// The exporter's name for an import that can be handed on now.
    pub(crate) fn askable(&self, import: ImportId) -> Result<Descriptor, NotExecuted> {
        if self.session_id() != Some(import.session) {
            return Err(NotExecuted::SessionEnded);
        }
        if self.grants.asks.len() + self.grants.answers.len() >= GRANTS {
            return Err(NotExecuted::Overload);
        }
        self.imports.descriptor(import)
    }

    /// GRANT or GRANT-REFUSE.
    pub(super) fn granted_by_peer(
        &mut self,
        number: u64,
        result: Result<Grant, NotExecuted>,
    ) -> Result<(), Dropped> {
        let mut asks = self.grants.asks.iter();
        let place = asks.position(|ask| ask.number == number);
        let ask = self.grants.asks.swap_remove(place.ok_or(Dropped::Stale)?);
        self.imports.unpin(ask.import);
        self.grants.answer(&ask, result);
        Ok(())
    }

    /// OFFER. `known`: whether the session in which it will be named is the present one with the introducer.
    pub(crate) fn offered_by_peer(&mut self, now: Instant, offer: &grant::Offer, known: bool) {
        let (Some(node), Some(session)) = (self.node, self.session_id()) else {
            return;
        };
        let result = if known {
            self.imports.keep_offer(now, node, session, offer)
        } else {
            Err(NotExecuted::SessionEnded)
        };
        // If there is no room it is offered again.
        let _ = self.grants.acks.push_back((offer.export, result));
    }

    /// What is to be said again, and what was not answered in time.
    pub(super) fn expire_grants(&mut self, now: Instant) {
        for ask in &mut self.grants.asks {
            ask.repeat.expire(now);
        }
        for offer in &mut self.grants.offers {
            if offer.state == OfferState::Open {
                offer.repeat.expire(now);
            }
        }
        while let Some(place) = self
            .grants
            .asks
            .iter()
            .position(|ask| ask.give_up_at <= now)
        {
            let ask = self.grants.asks.swap_remove(place);
            self.imports.unpin(ask.import);
            self.grants.answer(&ask, Err(NotExecuted::PeerUnreachable));
        }
        self.imports.expire_offers(now);
    }

    /// A message of ours to this peer has its grant, or will not have it.
    pub(crate) fn granted(
        &mut self,
        session: SessionId,
        waiter: Waiter,
        result: Result<(NodeId, Grant), NotExecuted>,
    ) {
        if self.session_id() != Some(session) {
            return;
        }
        match waiter {
            Waiter::Call(slot, serial) => self.caller.granted(slot, serial, result),
            Waiter::Reply(slot, sequence) => self.callee.granted(slot, sequence, result),
        }
    }
}

impl Next {
    /// What it says, if it is about a hand-off.
    pub(super) const fn about_grants(&self) -> Option<Message<'static>> {
        Some(match *self {
            Self::GrantAsk(ask) => Message::GrantAsk(ask),
            Self::Grant(number, grant) => Message::Grant(number, grant),
            Self::GrantRefuse(number, reason) => Message::GrantRefuse(number, reason),
            Self::Offer(offer) => Message::Offer(offer),
            Self::OfferAck(export) => Message::OfferAck(export),
            Self::OfferRefuse(export, reason) => Message::OfferRefuse(export, reason),
            _ => return None,
        })
    }
}
