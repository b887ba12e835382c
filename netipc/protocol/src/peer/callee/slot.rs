//! What one of the callee's slots remembers.

use heapless::Vec;
use isthmus_abi::{NotExecuted, Unknown};
use netipc_wire::{Capability, Descriptor, Order, Sequence, Verdict, WORDS_MAX, Way};

use crate::coverage::{Observed, Part, passed};
use crate::time::Instant;
use crate::types::{ImportId, Object};

/// One slot.
pub(super) struct Slot {
    pub(super) state: State,
    /// Of the last request or cancel that was accepted.
    pub(super) sequence: Sequence,
    pub(super) say: Say,
    pub(super) way: Way,
    pub(super) target: Descriptor,
    pub(super) object: Option<Object>,
    pub(super) order: Order,
    pub(super) deadline: Instant,
    pub(super) label: u64,
    /// The request's until it is started, then the reply's.
    pub(super) words: Vec<u64, WORDS_MAX>,
    /// What came with the request; then what goes with the reply.
    pub(super) capability: Option<Capability>,
    /// The import that goes with the reply, kept as long as the reply is.
    pub(super) pinned: Option<ImportId>,
}

/// What has become of the request with the slot's sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There was none yet.
    Idle,
    /// It waits for an earlier one to the same export.
    Held,
    /// It waits for a worker.
    Ready,
    /// A worker has it.
    Running,
    /// A worker has it, and nobody waits.
    Abandoned,
    /// Cancelled before a worker took it, perhaps before it came: the tombstone.
    NeverRan,
    /// It ran, and was cancelled before the reply was taken.
    Ran,
    /// It ran; the reply is kept.
    Replied,
    /// It did not run and will not.
    Refused(NotExecuted),
    /// It may have run, there is no answer.
    Failed(Unknown),
    /// It ran; the reply waits until the capability that goes with it is granted.
    Granting,
}

/// What a slot has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// The request is here, or what it has come to.
    Outcome,
    /// What the cancelled request has come to.
    Verdict,
}

impl Slot {
    pub(super) const EMPTY: Self = Self {
        state: State::Idle,
        sequence: Sequence::NONE,
        say: Say::Outcome,
        way: Way::Call,
        target: Descriptor::BOOTSTRAP,
        object: None,
        order: Order(0),
        deadline: Instant::from_nanos(0),
        label: 0,
        words: Vec::new(),
        capability: None,
        pinned: None,
    };
}

impl Slot {
    pub(super) fn enter(&mut self, state: State) {
        passed(self.state, state);
        self.state = state;
    }

    /// Whether the callee owes its word about the request: no peer that follows the protocol sends another before it.
    pub(super) const fn is_open(&self) -> bool {
        matches!(
            self.state,
            State::Held | State::Ready | State::Running | State::Granting
        )
    }

    pub(super) const fn verdict(&self) -> Verdict {
        match self.state {
            State::NeverRan | State::Refused(_) | State::Idle | State::Held | State::Ready => {
                Verdict::NeverRan
            }
            State::Ran | State::Replied | State::Granting => Verdict::Ran,
            State::Running | State::Abandoned | State::Failed(_) => Verdict::Running,
        }
    }
}

impl Observed for State {
    const PART: Part = Part::Callee;

    fn place(self) -> usize {
        match self {
            Self::Idle => 0,
            Self::Held => 1,
            Self::Ready => 2,
            Self::Running => 3,
            Self::Abandoned => 4,
            Self::NeverRan => 5,
            Self::Ran => 6,
            Self::Replied => 7,
            Self::Refused(_) => 8,
            Self::Failed(_) => 9,
            Self::Granting => 10,
        }
    }
}
