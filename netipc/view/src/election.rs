//! Elections: first a question that binds nobody, then the vote (Raft, with Ongaro's pre-vote).

use netipc_protocol::Instant;
use netipc_wire::NodeId;

use crate::fault::PlantedFault;
use crate::ids::{Nodes, Term};
use crate::limits::ELECTION_MIN;
use crate::log::Place;
use crate::message::{Ballot, BallotAnswer, Stage, Verdict};
use crate::view::{Dropped, Random, Role, View, Votes};

impl<R: Random> View<R> {
    /// When it asks for votes.
    pub(crate) fn election_timeout(&self) -> Option<Instant> {
        let may = self.history.is_some() && self.role != Role::Leader && self.has_seat();
        may.then_some(self.election_at)
    }

    pub(crate) fn has_seat(&self) -> bool {
        self.seated(&self.seats(), self.config.node, Some(self.incarnation))
    }

    pub(crate) fn ask_for_votes(&mut self, now: Instant) {
        self.leader = None;
        self.canvass(now, Stage::Asking);
    }

    fn canvass(&mut self, now: Instant, stage: Stage) {
        self.role = match stage {
            Stage::Asking => Role::Asking,
            Stage::Standing => Role::Candidate,
        };
        self.votes = Votes {
            from: Nodes::NONE.with(self.config.node),
            messages: 1,
        };
        self.postpone_election(now);
        for node in self.config.voters.iter() {
            if let Some(peer) = self.peer(node) {
                peer.owed.ballot = Some(stage);
            }
        }
        self.count(now);
    }

    /// The ballot of this moment.
    pub(crate) fn ballot(&self, stage: Stage) -> Option<Ballot> {
        let term = match (stage, self.role) {
            (Stage::Asking, Role::Asking) => self.term.next(),
            (Stage::Standing, Role::Candidate) => self.term,
            _ => return None,
        };
        Some(Ballot {
            history: self.history?,
            term,
            stage,
            last: self.log.last(),
        })
    }

    pub(crate) fn on_ballot(
        &mut self,
        now: Instant,
        from: NodeId,
        ballot: &Ballot,
    ) -> Result<(), Dropped> {
        if self.history.is_none() && self.faults.has(PlantedFault::RestartedVoterVotes) {
            self.bind(now, ballot.history, Term(0));
            self.heard = Instant::from_nanos(0);
        }
        if self.history != Some(ballot.history) {
            return Err(Dropped::OtherHistory);
        }
        let granted = match ballot.stage {
            Stage::Asking => self.would_vote(now, ballot),
            Stage::Standing => self.votes(now, from, ballot),
        };
        let answer = BallotAnswer {
            history: ballot.history,
            term: ballot.term,
            stage: ballot.stage,
            incarnation: self.incarnation,
            verdict: if granted {
                Verdict::Granted
            } else {
                Verdict::Refused(self.term)
            },
        };
        if let Some(peer) = self.peer(from) {
            peer.owed.ballot_answer = Some(answer);
        }
        Ok(())
    }

    /// Whether it would vote so. Who hears a leader, or leads, would not.
    fn would_vote(&self, now: Instant, ballot: &Ballot) -> bool {
        let led = self.leader.is_some() && now < self.heard + ELECTION_MIN;
        let leads = self.role == Role::Leader;
        ballot.term > self.term && !led && !leads && self.is_up_to_date(ballot.last)
    }

    /// Votes, or not.
    fn votes(&mut self, now: Instant, from: NodeId, ballot: &Ballot) -> bool {
        if ballot.term > self.term {
            self.enter_term(now, ballot.term);
        }
        let forgets = self.faults.has(PlantedFault::VoteForgotten) && self.role != Role::Leader;
        let free = self.voted.is_none() || self.voted == Some(from) || forgets;
        if ballot.term != self.term || !free || !self.is_up_to_date(ballot.last) {
            return false;
        }
        self.voted = Some(from);
        self.postpone_election(now);
        true
    }

    /// Whether a log that ends there has everything that may be agreed here.
    fn is_up_to_date(&self, theirs: Place) -> bool {
        let mine = self.log.last();
        (theirs.term, theirs.index) >= (mine.term, mine.index)
            || self.faults.has(PlantedFault::StaleLogElected)
    }

    pub(crate) fn on_ballot_answer(
        &mut self,
        now: Instant,
        from: NodeId,
        answer: &BallotAnswer,
    ) -> Result<(), Dropped> {
        if self.history != Some(answer.history) {
            return Err(Dropped::OtherHistory);
        }
        if let Verdict::Refused(term) = answer.verdict {
            if term > self.term {
                self.enter_term(now, term);
            }
            return Ok(());
        }
        let awaited = self.ballot(answer.stage).map(|ballot| ballot.term);
        if awaited != Some(answer.term) {
            return Err(Dropped::Stale);
        }
        if !self.seated(&self.seats(), from, Some(answer.incarnation)) {
            return Err(Dropped::Stale);
        }
        self.votes.from = self.votes.from.with(from);
        self.votes.messages += 1;
        self.count(now);
        Ok(())
    }

    fn count(&mut self, now: Instant) {
        let votes = if self.faults.has(PlantedFault::VoteCountedTwice) {
            self.votes.messages
        } else {
            self.votes.from.len()
        };
        if votes < self.quorum() {
            return;
        }
        match self.role {
            Role::Asking => {
                self.term = self.term.next();
                self.voted = Some(self.config.node);
                self.canvass(now, Stage::Standing);
            }
            Role::Candidate => self.begin_to_lead(now),
            Role::Follower | Role::Leader => {}
        }
    }
}
