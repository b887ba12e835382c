//! What a replica keeps about another: what it owes it, and, while it leads or asks around, what it knows of it.

use netipc_protocol::Instant;
use netipc_wire::BootId;

use crate::ids::{Epoch, History, Incarnation, Index, Round, Sequence, Stamp, Term};
use crate::message::{BallotAnswer, Grant, Offer, Part, Stage};
use crate::table::Action;

/// One other node; the replica's own row says what it would tell itself.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) owed: Owed,
    /// To the leader's advantage: set anew when one begins to lead.
    pub(crate) follower: Follower,
    /// The answer to the running round of probes.
    pub(crate) offer: Option<(Incarnation, Epoch, Offer)>,
}

/// Messages that are to be sent, each at most once: made when there is room for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owed {
    pub(crate) append: bool,
    /// Chunks of the table, one bit each.
    pub(crate) chunks: u32,
    pub(crate) ack: Option<AckOwed>,
    pub(crate) ballot: Option<Stage>,
    pub(crate) ballot_answer: Option<BallotAnswer>,
    pub(crate) probe: bool,
    pub(crate) probe_answer: Option<u64>,
}

/// The acknowledgement that is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckOwed {
    /// What is verified.
    Verified,
    /// That something is missing in between.
    Behind,
    /// That everything is missing: to this leader.
    Empty(History, Term, Round),
}

/// What the leader knows of a node.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    pub(crate) incarnation: Option<Incarnation>,
    pub(crate) machine: Option<(BootId, Part)>,
    pub(crate) matched: Index,
    pub(crate) next: Index,
    pub(crate) round: Round,
    /// The round in which it was last answered that it lacks something.
    pub(crate) answered: Round,
    pub(crate) floor: Epoch,
    /// When the member that is in the table was last heard; the election, if that is later.
    pub(crate) heard: Instant,
    /// A stamp, and the last round that began before it came.
    pub(crate) stamp: Option<(Stamp, Round)>,
    /// The latest stamp, while an earlier one waits: so that none waits for ever, and the last one is granted.
    pub(crate) later: Option<(Stamp, Round)>,
    pub(crate) grant: Option<Grant>,
    pub(crate) request: Option<(Epoch, Sequence, Action)>,
}

impl Follower {
    pub(crate) const fn new(next: Index, now: Instant) -> Self {
        Self {
            incarnation: None,
            machine: None,
            matched: Index(0),
            next,
            round: Round(0),
            answered: Round(0),
            floor: Epoch(0),
            heard: now,
            stamp: None,
            later: None,
            grant: None,
            request: None,
        }
    }

    /// A stamp came in this round.
    pub(crate) fn note_stamp(&mut self, stamp: Stamp, round: Round) {
        let place = match self.stamp {
            None => &mut self.stamp,
            Some(_) => &mut self.later,
        };
        *place = Some((stamp, round));
    }
}

impl Peer {
    pub(crate) const fn new() -> Self {
        Self {
            owed: Owed {
                append: false,
                chunks: 0,
                ack: None,
                ballot: None,
                ballot_answer: None,
                probe: false,
                probe_answer: None,
            },
            follower: Follower::new(Index(0), Instant::from_nanos(0)),
            offer: None,
        }
    }
}
