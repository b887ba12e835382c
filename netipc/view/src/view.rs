//! One replica: its state, and how it is driven.

use core::fmt;
use core::time::Duration;

use heapless::Deque;
use netipc_protocol::Instant;
use netipc_wire::{BootId, Malformed, NodeId};

use crate::assembly::Assembly;
use crate::fault::{Faults, PlantedFault};
use crate::ids::{Epoch, History, Id, Incarnation, Index, Nodes, Round, Term, Token, row};
use crate::limits::{self, NODES, REQUESTS};
use crate::local::{Lease, Request};
use crate::log::{Log, Place};
use crate::message::{Message, Part};
use crate::peer::Peer;
use crate::table::{Answer, Seats, Table, reseat};

/// Who a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its number in the cluster.
    pub node: NodeId,
    /// This start of it.
    pub boot: BootId,
    /// Whether it may own anything.
    pub part: Part,
    /// Every machine of the cluster.
    pub nodes: Nodes,
    /// Those that vote: the same on every machine, 1 to [`limits::VOTERS`].
    pub voters: Nodes,
}

/// Why there can be no such node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadConfig {
    /// No voters, or more than [`limits::VOTERS`], or one that is no node.
    Voters,
    /// The node is not among the nodes.
    Node,
}

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Voters => "there are no voters, or too many, or one that is no node",
            Self::Node => "the node is not among the nodes",
        })
    }
}

impl core::error::Error for BadConfig {}

/// Where random numbers come from. Those of two starts must not be equal.
pub trait Random {
    /// 64 random bits.
    fn word(&mut self) -> u64;
}

/// What a replica does in its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Copies, and votes if it has a seat.
    Follower,
    /// Asks whether it would be voted for.
    Asking,
    /// Stands.
    Candidate,
    /// Leads.
    Leader,
}

/// What this machine has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Members, homes or the history have changed; several changes may be one event. [`View::table`] has them.
    Changed,
    /// A request was carried out.
    Answered {
        /// The caller's name for it.
        token: Token,
        /// What came of it.
        answer: Answer,
    },
}

/// A message to send: the first `length` bytes of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub to: NodeId,
    /// Bytes.
    pub length: usize,
}

/// Why a message had no effect. All of it is harmless: what matters is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// From a machine that is no node.
    Stranger,
    /// Not a message.
    Malformed(Malformed),
    /// Of another history.
    OtherHistory,
    /// About a term, a round or an incarnation that is over, or from one that does not lead.
    Stale,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger => f.write_str("from a machine that is no node"),
            Self::Malformed(reason) => reason.fmt(f),
            Self::OtherHistory => f.write_str("of another history"),
            Self::Stale => f.write_str("about something that is over"),
        }
    }
}

impl core::error::Error for Dropped {}

/// One replica of the view. All its memory is in it; it is inert until [`begin`](Self::begin).
#[derive(Clone, Debug)]
pub struct View<R> {
    pub(crate) config: Config,
    pub(crate) random: R,
    pub(crate) faults: Faults,
    pub(crate) incarnation: Incarnation,
    /// When this incarnation began.
    pub(crate) born: Instant,
    /// `None`: empty.
    pub(crate) history: Option<History>,
    /// The highest epoch that this machine has known since its start.
    pub(crate) floor: Epoch,
    pub(crate) term: Term,
    pub(crate) voted: Option<NodeId>,
    pub(crate) role: Role,
    pub(crate) leader: Option<NodeId>,
    /// When it was last heard, or led here, or when the history began here.
    pub(crate) heard: Instant,
    pub(crate) election_at: Instant,
    /// Up to here the log is known to be that of the term's leader.
    pub(crate) verified: Index,
    /// The latest round of the term's leader.
    pub(crate) round_seen: Round,
    pub(crate) log: Log,
    pub(crate) table: Table,
    pub(crate) assembly: Assembly,
    pub(crate) peers: [Peer; NODES],
    pub(crate) lead: Lead,
    pub(crate) votes: Votes,
    pub(crate) ask: Ask,
    pub(crate) lease: Option<Lease>,
    pub(crate) requests: Deque<Request, REQUESTS>,
    pub(crate) answered: Deque<(Token, Answer), REQUESTS>,
    pub(crate) changed: bool,
}

/// What a leader keeps.
#[derive(Clone, Debug)]
pub(crate) struct Lead {
    pub(crate) round: Round,
    /// The latest round that a majority has acknowledged, and when that was known.
    pub(crate) confirmed: Round,
    pub(crate) confirmed_at: Instant,
    pub(crate) heartbeat_at: Instant,
    /// When it last looked at everything that is due.
    pub(crate) governed_at: Instant,
    /// Its first entry.
    pub(crate) begun: Index,
}

/// The votes of an election.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Votes {
    pub(crate) from: Nodes,
    /// For one planted fault.
    pub(crate) messages: usize,
}

/// A round of probes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// `None`: no round runs, or a leader has spoken since it began: its answers are of the past.
    pub(crate) nonce: Option<u64>,
    pub(crate) at: Instant,
    /// When it founds, if nothing comes in between.
    pub(crate) found_at: Option<Instant>,
}

const START: Instant = Instant::from_nanos(0);

impl<R: Random> View<R> {
    /// Without identity.
    pub const fn new(random: R) -> Self {
        Self {
            config: Config {
                node: NodeId(0),
                boot: BootId(0),
                part: Part::Witness,
                nodes: Nodes::NONE,
                voters: Nodes::NONE,
            },
            random,
            faults: Faults::NONE,
            incarnation: Incarnation(0),
            born: START,
            history: None,
            floor: Epoch(0),
            term: Term(0),
            voted: None,
            role: Role::Follower,
            leader: None,
            heard: START,
            election_at: START,
            verified: Index(0),
            round_seen: Round(0),
            log: Log::EMPTY,
            table: Table::EMPTY,
            assembly: Assembly::EMPTY,
            peers: [const { Peer::new() }; NODES],
            lead: Lead {
                round: Round(0),
                confirmed: Round(0),
                confirmed_at: START,
                heartbeat_at: START,
                governed_at: START,
                begun: Index(0),
            },
            votes: Votes {
                from: Nodes::NONE,
                messages: 0,
            },
            ask: Ask {
                nonce: None,
                at: START,
                found_at: None,
            },
            lease: None,
            requests: Deque::new(),
            answered: Deque::new(),
            changed: false,
        }
    }

    /// Plants a fault; before [`begin`](Self::begin).
    #[cfg(feature = "planted-faults")]
    pub fn plant(&mut self, fault: PlantedFault) {
        self.faults = Faults::one(fault);
    }

    /// Becomes this node, without any memory: as after a start.
    ///
    /// # Errors
    /// There can be no such node.
    pub fn begin(&mut self, now: Instant, config: Config) -> Result<(), BadConfig> {
        if !config.nodes.contains(config.node) {
            return Err(BadConfig::Node);
        }
        let known = config
            .voters
            .iter()
            .all(|voter| config.nodes.contains(voter));
        if config.voters.is_empty() || config.voters.len() > limits::VOTERS || !known {
            return Err(BadConfig::Voters);
        }
        self.config = config;
        self.floor = Epoch(0);
        self.requests.clear();
        self.answered.clear();
        self.become_empty(now);
        Ok(())
    }

    /// Forgets everything but the floor and the requests, as a new incarnation.
    pub(crate) fn become_empty(&mut self, now: Instant) {
        self.incarnation = Incarnation(self.random.word().max(1));
        if self.faults.has(PlantedFault::RestartedVoterVotes) {
            self.incarnation = Incarnation(u64::from(self.config.node.0));
        }
        self.born = now;
        self.history = None;
        self.term = Term(0);
        self.voted = None;
        self.role = Role::Follower;
        self.leader = None;
        self.heard = now;
        self.verified = Index(0);
        self.round_seen = Round(0);
        self.log.begin_after(Place::default());
        self.table.clear();
        self.assembly.clear();
        self.lease = None;
        self.ask.nonce = None;
        self.ask.found_at = None;
        self.ask.at = now;
        for peer in &mut self.peers {
            *peer = Peer::new();
        }
        self.changed = true;
    }

    /// The source of random numbers, for seeding it before [`begin`](Self::begin).
    pub const fn random_mut(&mut self) -> &mut R {
        &mut self.random
    }

    /// Who it is.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Takes a message that came from an authenticated peer.
    ///
    /// # Errors
    /// It has no effect.
    pub fn handle_message(
        &mut self,
        now: Instant,
        from: NodeId,
        bytes: &[u8],
    ) -> Result<(), Dropped> {
        if from == self.config.node || !self.config.nodes.contains(from) {
            return Err(Dropped::Stranger);
        }
        match Message::parse(bytes).map_err(Dropped::Malformed)? {
            Message::Append(append) => self.on_append(now, from, &append),
            Message::Chunk(chunk) => self.on_chunk(now, from, &chunk),
            Message::Ack(ack) => self.on_ack(now, from, &ack),
            Message::Ballot(ballot) => self.on_ballot(now, from, &ballot),
            Message::BallotAnswer(answer) => self.on_ballot_answer(now, from, &answer),
            Message::Probe(probe) => self.on_probe(from, &probe),
            Message::ProbeAnswer(answer) => self.on_probe_answer(from, &answer),
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timers = [
            self.leader_timeout(),
            self.election_timeout(),
            self.probe_timeout(),
        ];
        timers.into_iter().flatten().min()
    }

    /// The time has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.leader_timeout().is_some_and(|at| at <= now) {
            self.lead_on(now);
        }
        if self.election_timeout().is_some_and(|at| at <= now) {
            self.ask_for_votes(now);
        }
        if self.probe_timeout().is_some_and(|at| at <= now) {
            self.probe(now);
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        if core::mem::take(&mut self.changed) {
            return Some(Event::Changed);
        }
        let (token, answer) = self.answered.pop_front()?;
        Some(Event::Answered { token, answer })
    }

    /// What all have agreed on, as far as it is known here. `None`: nothing is known, or less than this machine has known before.
    #[must_use]
    pub fn table(&self) -> Option<&Table> {
        (self.history.is_some() && self.table.epoch >= self.floor).then_some(&self.table)
    }

    /// The history that it is bound to.
    #[must_use]
    pub const fn history(&self) -> Option<History> {
        self.history
    }

    /// What it does there.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Who leads, as far as it knows.
    #[must_use]
    pub const fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// Raft's term.
    #[must_use]
    pub const fn term(&self) -> Term {
        self.term
    }

    /// This life of the replica.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// How much is agreed, and how much it has, of the log.
    #[must_use]
    pub fn progress(&self) -> (Index, Index) {
        (self.log.applied(), self.log.last().index)
    }

    /// Who has the seats, by the latest entry of the log.
    pub(crate) fn seats(&self) -> Seats {
        let mut seats = self.table.seats;
        for (_, entry) in self.log.pending() {
            reseat(&mut seats, &entry.command);
        }
        seats
    }

    /// Whether the incarnation has the voter's seat.
    pub(crate) fn seated(&self, seats: &Seats, node: NodeId, of: Option<Incarnation>) -> bool {
        let seat = row(node).and_then(|row| seats[row]);
        self.config.voters.contains(node) && seat.is_some() && seat == of
    }

    /// More than half of the configured voters.
    pub(crate) const fn quorum(&self) -> usize {
        self.config.voters.len() / 2 + 1
    }

    pub(crate) fn others(&self) -> impl Iterator<Item = NodeId> + use<R> {
        let me = self.config.node;
        self.config.nodes.iter().filter(move |node| *node != me)
    }

    pub(crate) fn peer(&mut self, node: NodeId) -> Option<&mut Peer> {
        self.peers.get_mut(row(node)?)
    }

    /// Enters a term in which nothing was done yet.
    pub(crate) fn enter_term(&mut self, now: Instant, term: Term) {
        if self.role == Role::Leader {
            self.heard = now;
        }
        self.term = term;
        self.voted = None;
        self.role = Role::Follower;
        self.leader = None;
        self.verified = Index(0);
        self.round_seen = Round(0);
        self.postpone_election(now);
    }

    pub(crate) fn postpone_election(&mut self, now: Instant) {
        let spread = limits::ELECTION_MAX - limits::ELECTION_MIN;
        self.election_at = now + limits::ELECTION_MIN + self.draw(spread);
    }

    /// Any time up to this one.
    pub(crate) fn draw(&mut self, longest: Duration) -> Duration {
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.random.word() % nanos.max(1))
    }

    /// Carries out what is agreed up to `commit`.
    pub(crate) fn apply(&mut self, commit: Index) {
        while let Some(entry) = self.log.apply_next(commit) {
            self.table.apply(&entry.command, self.faults);
        }
        self.after_change();
    }

    /// The table is another one.
    pub(crate) fn after_change(&mut self) {
        if self.floor < self.table.epoch {
            self.floor = self.table.epoch;
            self.changed = true;
        }
        self.settle_requests();
    }

    /// Whether this machine may act now as the owner, and in which epoch.
    // [N47]
    #[must_use]
    pub fn owns(&self, now: Instant, id: Id) -> Option<Epoch> {
        let home = self.table()?.home(id)?;
        let acts = home.owner == self.config.node && self.leased(now) && !self.gives_up(id);
        acts.then_some(home.epoch)
    }
}
