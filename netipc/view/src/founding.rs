//! Without a memory: founding a history, and giving up a dead one.

use netipc_protocol::Instant;
use netipc_wire::NodeId;

use crate::fault::PlantedFault;
use crate::ids::{Epoch, History, Incarnation, Index, Term, row};
use crate::limits::{EPOCH_GAP, FOUND_SPREAD, LEASE, LEASE_DRIFT, LOST_AFTER, PROBE};
use crate::log::Place;
use crate::message::{Offer, Probe, ProbeAnswer};
use crate::table::Seats;
use crate::view::{Dropped, Random, Role, View};

/// Where a history begins: the founder's table is what all entries come after.
const FOUNDED: Place = Place {
    index: Index(1),
    term: Term(1),
};

impl<R: Random> View<R> {
    /// When it asks the voters next: an empty voter, and whoever is lost.
    pub(crate) fn probe_timeout(&self) -> Option<Instant> {
        let lost = self.heard + LOST_AFTER;
        if self.role == Role::Leader {
            return None;
        }
        if self.history.is_some() || self.leader.is_some() {
            return Some(self.ask.at.max(lost));
        }
        let asks = self.config.voters.contains(self.config.node);
        asks.then_some(self.ask.at)
    }

    /// Draws the conclusions of the last round of questions, and begins the next.
    pub(crate) fn probe(&mut self, now: Instant) {
        let asked = self.ask.nonce.is_some();
        match self.history {
            Some(_) if asked && self.is_dead() => self.become_empty(now),
            None if asked => self.consider_founding(now),
            _ => {}
        }
        // Not in step with others: two that found at once both fail.
        self.ask.at = now + PROBE / 2 + self.draw(PROBE);
        if self.role == Role::Leader {
            return;
        }
        self.leader = None;
        self.ask.nonce = Some(self.random.word());
        for voter in self.config.voters.iter() {
            if let Some(peer) = self.peer(voter) {
                peer.offer = None;
                peer.owed.probe = true;
            }
        }
    }

    /// A leader has spoken: what was answered is of the past.
    pub(crate) fn stop_asking(&mut self) {
        self.ask.nonce = None;
        self.ask.found_at = None;
    }

    pub(crate) fn on_probe(&mut self, from: NodeId, probe: &Probe) -> Result<(), Dropped> {
        if let Some(peer) = self.peer(from) {
            peer.owed.probe_answer = Some(probe.nonce);
        }
        Ok(())
    }

    /// What it is at this moment.
    pub(crate) fn offer(&self, now: Instant, nonce: u64) -> ProbeAnswer {
        let offer = match self.history {
            Some(history) => Offer::Bound(history, self.seats(), self.log.last()),
            None if self.may_found(now) => Offer::Founder,
            None => Offer::NotYet,
        };
        ProbeAnswer {
            nonce,
            incarnation: self.incarnation,
            floor: self.floor,
            offer,
        }
    }

    /// Whether every lease that this voter's earlier incarnations have confirmed has ended.
    fn may_found(&self, now: Instant) -> bool {
        let votes = self.config.voters.contains(self.config.node);
        let waited = self.born + LEASE + LEASE_DRIFT <= now
            || self.faults.has(PlantedFault::FoundedWithoutWaiting);
        votes && self.history.is_none() && waited
    }

    pub(crate) fn on_probe_answer(
        &mut self,
        from: NodeId,
        answer: &ProbeAnswer,
    ) -> Result<(), Dropped> {
        if Some(answer.nonce) != self.ask.nonce {
            return Err(Dropped::Stale);
        }
        if let Some(peer) = self.peer(from) {
            peer.offer = Some((answer.incarnation, answer.floor, answer.offer));
        }
        Ok(())
    }

    /// Whether nobody can lead this history any more: fewer than a majority of the seats are, or may be, in it; or every voter was heard, and
    /// none of them could be elected.
    fn is_dead(&self) -> bool {
        let alive = |voter: &NodeId| self.may_be_seated(*voter);
        if self.config.voters.iter().filter(alive).count() < self.quorum() {
            return true;
        }
        let silent = |voter: NodeId| {
            let heard = row(voter).is_some_and(|row| self.peers[row].offer.is_some());
            voter != self.config.node && !heard
        };
        let voters = self.config.voters;
        !voters.iter().any(silent) && !voters.iter().any(|voter| self.could_lead(voter))
    }

    /// Whether a majority would vote for it, by what all have said: by the seats in its own log, which may have a change that the others do not
    /// have and never will.
    fn could_lead(&self, voter: NodeId) -> bool {
        let Some((incarnation, seats, last)) = self.standing(voter) else {
            return false;
        };
        let for_it = |other: &NodeId| {
            let standing = self.standing(*other);
            standing.is_some_and(|(incarnation, _, theirs)| {
                let behind = (theirs.term, theirs.index) <= (last.term, last.index);
                behind && self.seated(&seats, *other, Some(incarnation))
            })
        };
        self.seated(&seats, voter, Some(incarnation))
            && self.config.voters.iter().filter(for_it).count() >= self.quorum()
    }

    /// A voter that is in this history, the seats as it knows them, and the last entry that it has.
    fn standing(&self, voter: NodeId) -> Option<(Incarnation, Seats, Place)> {
        if voter == self.config.node {
            return Some((self.incarnation, self.seats(), self.log.last()));
        }
        match self.peers[row(voter)?].offer {
            Some((incarnation, _, Offer::Bound(history, seats, last)))
                if Some(history) == self.history =>
            {
                Some((incarnation, seats, last))
            }
            _ => None,
        }
    }

    fn may_be_seated(&self, voter: NodeId) -> bool {
        let Some(place) = row(voter) else {
            return false;
        };
        let incarnation = if voter == self.config.node {
            self.incarnation
        } else {
            match self.peers[place].offer {
                // Who was not heard may be.
                None => return true,
                Some((incarnation, _, Offer::Bound(history, ..)))
                    if Some(history) == self.history =>
                {
                    incarnation
                }
                Some(_) => return false,
            }
        };
        self.someone_seats(place, incarnation)
    }

    /// Whether the incarnation has the seat by anybody's word.
    fn someone_seats(&self, place: usize, incarnation: Incarnation) -> bool {
        let by = |seats: &Seats| seats[place] == Some(incarnation);
        let heard = self.peers.iter().filter_map(|peer| match &peer.offer {
            Some((_, _, Offer::Bound(history, seats, _))) if Some(*history) == self.history => {
                Some(seats)
            }
            _ => None,
        });
        by(&self.seats()) || heard.into_iter().any(by)
    }

    fn consider_founding(&mut self, now: Instant) {
        let (seats, floor) = self.founders(now);
        let count = seats.iter().flatten().count();
        if !self.may_found(now) || count < self.quorum() {
            self.ask.found_at = None;
            return;
        }
        let at = match self.ask.found_at {
            Some(at) => at,
            None => now + self.draw(FOUND_SPREAD),
        };
        self.ask.found_at = Some(at);
        if at <= now {
            self.found(now, seats, floor);
        }
    }

    /// Those that have offered themselves in this round, and the highest epoch that anybody knows.
    fn founders(&self, now: Instant) -> (Seats, Epoch) {
        let (mut seats, mut floor) = (Seats::default(), self.floor);
        for voter in self.config.voters.iter() {
            let Some(place) = row(voter) else {
                continue;
            };
            if voter == self.config.node && self.may_found(now) {
                seats[place] = Some(self.incarnation);
            }
            if let Some((incarnation, known, offer)) = self.peers[place].offer {
                floor = floor.max(known);
                if offer == Offer::Founder {
                    seats[place] = Some(incarnation);
                }
            }
        }
        (seats, floor)
    }

    fn found(&mut self, now: Instant, seats: Seats, floor: Epoch) {
        let history = History(self.random.word().max(1));
        self.table.clear();
        self.table.seats = seats;
        self.table.epoch = Epoch(floor.0.saturating_add(EPOCH_GAP));
        self.log.begin_after(FOUNDED);
        self.bind(now, history, FOUNDED.term);
        self.voted = Some(self.config.node);
        self.begin_to_lead(now);
        self.after_change();
    }
}
