//! Following: entries and tables of a leader.

use netipc_protocol::Instant;
use netipc_wire::NodeId;

use crate::assembly::Complete;
use crate::fault::PlantedFault;
use crate::ids::{History, Index, Term};
use crate::message::{Append, Chunk};
use crate::peer::AckOwed;
use crate::view::{Dropped, Random, Role, View};

impl<R: Random> View<R> {
    pub(crate) fn on_append(
        &mut self,
        now: Instant,
        from: NodeId,
        append: &Append,
    ) -> Result<(), Dropped> {
        if self.history.is_none() && self.faults.has(PlantedFault::RestartedVoterVotes) {
            self.bind(now, append.history, append.term);
        }
        if self.history.is_none() {
            self.leader = Some(from);
            self.heard = now;
            self.stop_asking();
            let ack = AckOwed::Empty(append.history, append.term, append.round);
            self.owe_ack(from, ack);
            return Ok(());
        }
        self.follow(now, from, append.history, append.term)?;
        self.round_seen = self.round_seen.max(append.round);
        if !self.knows(append) {
            self.owe_ack(from, AckOwed::Behind);
            return Ok(());
        }
        let mut index = append.previous.index;
        for entry in &append.entries {
            if !self.log.put(index.next(), *entry) {
                break;
            }
            index = index.next();
        }
        self.verified = self.verified.max(index);
        self.apply(append.commit.min(self.verified));
        if let Some(grant) = append.grant {
            self.on_grant(now, grant);
        }
        self.owe_ack(from, AckOwed::Verified);
        Ok(())
    }

    /// Whether what the entries come after is here.
    fn knows(&self, append: &Append) -> bool {
        let previous = append.previous;
        previous.index <= self.log.applied()
            || self.log.term_at(previous.index) == Some(previous.term)
    }

    /// A leader of this history and term has spoken.
    fn follow(
        &mut self,
        now: Instant,
        from: NodeId,
        history: History,
        term: Term,
    ) -> Result<(), Dropped> {
        if self.history != Some(history) {
            return Err(Dropped::OtherHistory);
        }
        if term < self.term {
            self.owe_ack(from, AckOwed::Behind);
            return Err(Dropped::Stale);
        }
        if term > self.term {
            self.enter_term(now, term);
        } else if self.role == Role::Leader {
            return Err(Dropped::Stale);
        }
        self.role = Role::Follower;
        self.leader = Some(from);
        self.heard = now;
        self.stop_asking();
        self.postpone_election(now);
        Ok(())
    }

    pub(crate) fn on_chunk(
        &mut self,
        now: Instant,
        from: NodeId,
        chunk: &Chunk,
    ) -> Result<(), Dropped> {
        if self.history.is_some() {
            self.follow(now, from, chunk.history, chunk.term)?;
            if chunk.place.index <= self.log.applied() {
                self.owe_ack(from, AckOwed::Behind);
                return Ok(());
            }
        } else {
            self.leader = Some(from);
            self.heard = now;
            self.stop_asking();
            self.owe_ack(
                from,
                AckOwed::Empty(chunk.history, chunk.term, self.round_seen),
            );
        }
        if self.assembly.add(chunk) == Complete::No {
            return Ok(());
        }
        if self.history.is_none() {
            self.log.begin_after(chunk.place);
            self.assembly.give(&mut self.table);
            self.bind(now, chunk.history, chunk.term);
            self.leader = Some(from);
        } else if self.log.term_at(chunk.place.index) == Some(chunk.place.term) {
            self.assembly.clear();
            self.apply(chunk.place.index);
        } else {
            self.log.begin_after(chunk.place);
            self.assembly.give(&mut self.table);
        }
        self.verified = self.verified.max(chunk.place.index);
        self.after_change();
        self.owe_ack(from, AckOwed::Verified);
        Ok(())
    }

    /// Becomes a replica of a history, whose log and table it has. An incarnation does it once.
    pub(crate) fn bind(&mut self, now: Instant, history: History, term: Term) {
        self.enter_term(now, term);
        self.history = Some(history);
        self.heard = now;
        self.changed = true;
        self.stop_asking();
    }

    /// The leader is to know of the request.
    pub(crate) fn owe_request(&mut self) {
        match (self.leader, self.role) {
            (Some(leader), Role::Follower) if self.verified > Index(0) => {
                self.owe_ack(leader, AckOwed::Verified);
            }
            _ => {}
        }
    }

    fn owe_ack(&mut self, to: NodeId, ack: AckOwed) {
        if let Some(peer) = self.peer(to) {
            peer.owed.ack = Some(ack);
        }
    }
}
