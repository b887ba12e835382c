//! Leading: agreement, seats, members, leases.

use netipc_protocol::Instant;
use netipc_wire::{BootId, NodeId};

use crate::assembly::all;
use crate::fault::PlantedFault;
use crate::ids::{Incarnation, Index, Round, row};
use crate::limits::{HEARTBEAT, LEADER_WITHOUT_QUORUM, LEASE, LEASE_DRIFT, NODES};
use crate::log::Entry;
use crate::message::{Ack, Grant, Matched, Part};
use crate::peer::Follower;
use crate::table::Command;
use crate::view::{Dropped, Random, Role, View};

impl<R: Random> View<R> {
    /// Won the election, or founded.
    pub(crate) fn begin_to_lead(&mut self, now: Instant) {
        let next = self.log.last().index.next();
        let waited = self.faults.has(PlantedFault::TakeoverWithoutWaiting);
        let heard = if waited { Instant::from_nanos(0) } else { now };
        for peer in &mut self.peers {
            peer.follower = Follower::new(next, heard);
        }
        self.role = Role::Leader;
        self.leader = Some(self.config.node);
        self.lead.round = Round(0);
        self.lead.confirmed = Round(0);
        self.lead.confirmed_at = now;
        self.lead.heartbeat_at = now;
        self.lead.begun = next;
        let (incarnation, machine) = (self.incarnation, (self.config.boot, self.config.part));
        if let Some(me) = self.peer(self.config.node) {
            me.follower.incarnation = Some(incarnation);
            me.follower.machine = Some(machine);
        }
        if !self.propose(Command::Begin) {
            self.step_down(now);
            return;
        }
        self.lead_on(now);
    }

    fn step_down(&mut self, now: Instant) {
        self.role = Role::Follower;
        self.leader = None;
        self.heard = now;
        self.postpone_election(now);
    }

    /// When the leader has something to do.
    pub(crate) fn leader_timeout(&self) -> Option<Instant> {
        if self.role != Role::Leader {
            return None;
        }
        let ends = self
            .table
            .members()
            .filter_map(|(node, _)| self.silence_ends(node));
        // What has ended already was seen, and is seen again at the next heartbeat.
        let coming = ends.filter(|end| *end > self.lead.governed_at);
        coming.chain([self.lead.heartbeat_at]).min()
    }

    /// When a member that is not heard until then is removed.
    fn silence_ends(&self, node: NodeId) -> Option<Instant> {
        let heard = self.peers[row(node)?].follower.heard;
        Some(if self.faults.has(PlantedFault::LeaseWithoutDrift) {
            heard + LEASE
        } else {
            heard + LEASE + LEASE_DRIFT
        })
    }

    /// The leader's time has come.
    pub(crate) fn lead_on(&mut self, now: Instant) {
        if self.lead.heartbeat_at <= now {
            if self.lead.confirmed_at + LEADER_WITHOUT_QUORUM <= now {
                self.step_down(now);
                return;
            }
            self.hear_oneself(now);
            self.broadcast(now);
        }
        self.govern(now);
    }

    /// The leader is a member like any other.
    fn hear_oneself(&mut self, now: Instant) {
        let (round, stamp, boot) = (self.lead.round, Self::stamp(now), self.config.boot);
        let member = self
            .table
            .member(self.config.node)
            .map(|member| member.boot);
        if let (Some(me), true) = (self.peer(self.config.node), member == Some(boot)) {
            me.follower.heard = now;
            me.follower.note_stamp(stamp, round);
        }
    }

    /// A new round: every node is told.
    fn broadcast(&mut self, now: Instant) {
        self.lead.round = self.lead.round.next();
        self.lead.heartbeat_at = now + HEARTBEAT;
        for node in self.others() {
            if let Some(peer) = self.peer(node) {
                peer.owed.append = true;
            }
        }
    }

    pub(crate) fn on_ack(&mut self, now: Instant, from: NodeId, ack: &Ack) -> Result<(), Dropped> {
        if self.history != Some(ack.history) {
            return Err(Dropped::OtherHistory);
        }
        if ack.term > self.term {
            self.enter_term(now, ack.term);
            return Ok(());
        }
        if ack.term < self.term || self.role != Role::Leader {
            return Err(Dropped::Stale);
        }
        self.note_ack(from, ack)?;
        self.note_machine(now, from, ack);
        self.govern(now);
        Ok(())
    }

    /// How far the follower is.
    fn note_ack(&mut self, from: NodeId, ack: &Ack) -> Result<(), Dropped> {
        let (last, applied, round) = (self.log.last().index, self.log.applied(), self.lead.round);
        let chunks = all(self.table.homes.len());
        let Some(peer) = row(from).map(|row| &mut self.peers[row]) else {
            return Err(Dropped::Stranger);
        };
        let follower = &mut peer.follower;
        if follower.incarnation != Some(ack.incarnation) {
            // A late word of an incarnation that has ended echoes no round that is newer than what the one after it has echoed.
            if follower.incarnation.is_some() && ack.round <= follower.round {
                return Err(Dropped::Stale);
            }
            follower.incarnation = Some(ack.incarnation);
            follower.matched = Index(0);
            follower.round = Round(0);
        }
        // What moves nothing is answered at the next round only: answers to duplicates would multiply.
        let news = follower.answered < round;
        match ack.matched {
            Matched::To(index) if index <= last => {
                let further = index > follower.matched;
                follower.matched = follower.matched.max(index);
                follower.next = follower.matched.next();
                peer.owed.append |= further && index < last;
            }
            Matched::Behind(index) if index <= last => {
                follower.next = index.next();
                follower.answered = round;
                match self.log.term_at(index) {
                    Some(_) => peer.owed.append |= news,
                    None if news => peer.owed.chunks = chunks,
                    None => {}
                }
            }
            Matched::Needs(place, have) => {
                follower.answered = round;
                let missing = if place == applied {
                    chunks & !have
                } else {
                    chunks
                };
                if news {
                    peer.owed.chunks = missing;
                }
            }
            _ => return Err(Dropped::Stale),
        }
        follower.round = follower.round.max(ack.round.min(round));
        Ok(())
    }

    /// That the machine is up, and what it asks for.
    fn note_machine(&mut self, now: Instant, from: NodeId, ack: &Ack) {
        let round = self.lead.round;
        let member = self.table.member(from).map(|member| member.boot);
        let Some(follower) = self.peer(from).map(|peer| &mut peer.follower) else {
            return;
        };
        if follower.machine != Some((ack.boot, ack.part)) {
            // What an earlier start of the machine has asked for, and stamped by a clock of its own, is void.
            follower.machine = Some((ack.boot, ack.part));
            follower.stamp = None;
            follower.later = None;
            follower.grant = None;
            follower.request = None;
        }
        follower.floor = follower.floor.max(ack.floor);
        if member == Some(ack.boot) {
            follower.heard = now;
            follower.note_stamp(ack.stamp, round);
            follower.request = ack.request.or(follower.request);
        }
    }

    /// Does everything that a leader may do at this moment.
    pub(crate) fn govern(&mut self, now: Instant) {
        if self.role != Role::Leader {
            return;
        }
        self.lead.governed_at = now;
        // Each turn agrees on entries that the turn before has made: with one voter all in one go.
        loop {
            let last = self.log.last().index;
            self.commit(now);
            self.confirm(now);
            if self.log.applied() >= self.lead.begun {
                self.grant(now);
                self.propose_what_is_due(now);
            }
            if self.log.last().index == last {
                return;
            }
            self.broadcast(now);
        }
    }

    /// What the majority of the seats has at least, of a number that each acknowledges.
    fn majority(&self, number: impl Fn(&Follower) -> u64, mine: u64) -> u64 {
        let seats = self.seats();
        let mut numbers = [0; NODES];
        for (row, peer) in self.peers.iter().enumerate() {
            let node = crate::ids::node(row);
            if self.seated(&seats, node, peer.follower.incarnation) {
                let me = node == self.config.node;
                numbers[row] = if me { mine } else { number(&peer.follower) };
            }
        }
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let mut quorum = self.quorum();
        if self.faults.has(PlantedFault::CommitWithoutMajority) {
            quorum = self.config.voters.len().div_ceil(2).max(2) - 1;
        }
        numbers[quorum - 1]
    }

    fn commit(&mut self, now: Instant) {
        let last = self.log.last().index;
        let agreed = Index(self.majority(|follower| follower.matched.0, last.0));
        // Only entries of the own term are counted: those before come along (Raft, figure 8).
        if agreed > self.log.applied() && self.log.term_at(agreed) == Some(self.term) {
            self.apply(agreed);
            self.broadcast(now);
        }
    }

    fn confirm(&mut self, now: Instant) {
        let round = self.lead.round;
        let confirmed = Round(self.majority(|follower| follower.round.0, round.0));
        if confirmed > self.lead.confirmed {
            self.lead.confirmed = confirmed;
            self.lead.confirmed_at = now;
        }
    }

    /// Gives leases for stamps that came before a round which is confirmed.
    fn grant(&mut self, now: Instant) {
        let at_once = self.faults.has(PlantedFault::LeaseWithoutQuorum);
        let me = self.config.node;
        for node in self.config.nodes.iter() {
            let Some(member) = self.table.member(node).copied() else {
                continue;
            };
            let removed = self.is_pending(|command| removes(command, node));
            let confirmed = self.lead.confirmed;
            let Some(follower) = self.peer(node).map(|peer| &mut peer.follower) else {
                continue;
            };
            let Some((stamp, round)) = follower.stamp else {
                continue;
            };
            let known = matches!(follower.machine, Some((boot, _)) if boot == member.boot);
            if removed || !known || (confirmed <= round && !at_once) {
                continue;
            }
            follower.stamp = follower.later.take();
            let grant = Grant {
                stamp,
                joined: member.joined,
            };
            if node == me {
                self.on_grant(now, grant);
            } else {
                follower.grant = Some(grant);
            }
        }
    }

    fn propose_what_is_due(&mut self, now: Instant) {
        let request = self.request();
        if let Some(me) = self.peer(self.config.node) {
            me.follower.request = request;
        }
        self.propose_seat();
        self.propose_epoch();
        for node in self.config.nodes.iter() {
            self.propose_membership(now, node);
            self.propose_request(node);
        }
    }

    /// One change of one seat at a time.
    fn propose_seat(&mut self) {
        if self.is_pending(|command| matches!(command, Command::Vacate(_) | Command::Fill(..))) {
            return;
        }
        let seats = self.table.seats;
        let change = self.config.voters.iter().find_map(|voter| {
            let follower = &self.peers[row(voter)?].follower;
            let incarnation = follower.incarnation?;
            self.change_of_seat(voter, seats[row(voter)?], incarnation, follower.matched)
        });
        if let Some(change) = change {
            self.propose(change);
        }
    }

    fn change_of_seat(
        &self,
        voter: NodeId,
        seat: Option<Incarnation>,
        incarnation: Incarnation,
        matched: Index,
    ) -> Option<Command> {
        match seat {
            Some(seat) if seat == incarnation => None,
            Some(_) => Some(Command::Vacate(voter)),
            None if matched >= self.log.applied() => Some(Command::Fill(voter, incarnation)),
            None => None,
        }
    }

    /// Somebody remembers a higher epoch, of a history that is dead.
    fn propose_epoch(&mut self) {
        let floors = self.peers.iter().map(|peer| peer.follower.floor);
        let floor = floors.max().unwrap_or_default().max(self.floor);
        if floor > self.table.epoch && !self.is_pending(|c| matches!(c, Command::Raise(_))) {
            self.propose(Command::Raise(floor));
        }
    }

    fn propose_membership(&mut self, now: Instant, node: NodeId) {
        let about = |command: &Command| {
            matches!(command, Command::Join(of, _) if *of == node) || removes(command, node)
        };
        if self.is_pending(about) {
            return;
        }
        let machine = row(node).and_then(|row| self.peers[row].follower.machine);
        match (self.table.member(node).copied(), machine) {
            (None, Some((boot, Part::Holder))) => {
                self.propose(Command::Join(node, boot));
                // Its silence begins now.
                if let Some(peer) = self.peer(node) {
                    peer.follower.heard = now;
                }
            }
            (Some(member), machine) if self.is_over(now, node, member.boot, machine) => {
                self.propose(Command::Remove(node, member.joined));
            }
            _ => {}
        }
    }

    /// Whether a member's lease has ended, wherever it is. The leader's own start needs no silence.
    fn is_over(
        &self,
        now: Instant,
        node: NodeId,
        boot: BootId,
        machine: Option<(BootId, Part)>,
    ) -> bool {
        if node == self.config.node && machine.is_some_and(|(mine, _)| mine == boot) {
            return false;
        }
        self.silence_ends(node).is_some_and(|end| end <= now)
    }

    fn propose_request(&mut self, node: NodeId) {
        let Some((joined, sequence, action)) =
            row(node).and_then(|row| self.peers[row].follower.request)
        else {
            return;
        };
        let expected = self
            .table
            .member(node)
            .is_some_and(|member| member.joined == joined && member.last.next() == sequence);
        let same =
            |command: &Command| matches!(command, Command::Do { node: of, .. } if *of == node);
        if expected && !self.is_pending(same) {
            self.propose(Command::Do {
                node,
                joined,
                sequence,
                action,
            });
        }
    }

    fn is_pending(&self, is: impl Fn(&Command) -> bool) -> bool {
        self.log.pending().any(|(_, entry)| is(&entry.command))
    }

    fn propose(&mut self, command: Command) -> bool {
        let term = self.term;
        self.log.push(Entry { term, command }).is_some()
    }
}

fn removes(command: &Command, node: NodeId) -> bool {
    matches!(command, Command::Remove(of, _) if *of == node)
}
