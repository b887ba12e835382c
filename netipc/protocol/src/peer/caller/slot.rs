//! What one of the caller's slots remembers.

use core::time::Duration;

use heapless::Vec;
use netipc_wire::{Capability, Descriptor, Order, Sequence, WORDS_MAX, Way};

use crate::bulk::Lending;
use crate::coverage::{Observed, Part, passed};
use crate::time::Instant;
use crate::types::{ImportId, Received, Token};

/// One slot.
pub(super) struct Slot {
    pub(super) state: State,
    /// Of the last call whose first frame was sent in this session.
    pub(super) sequence: Sequence,
    /// Of the present call.
    pub(super) serial: u64,
    pub(super) token: Token,
    pub(super) way: Way,
    /// `None`: the bootstrap export.
    pub(super) import: Option<ImportId>,
    pub(super) target: Descriptor,
    pub(super) order: Order,
    /// A capability that goes with the request.
    pub(super) capability: Option<Capability>,
    /// Memory that goes with the request, if that is what does.
    pub(super) lending: Option<Lending>,
    /// The last of the peer's transfers that has stored all its bytes there.
    pub(super) stored: u32,
    /// It waits for the grant of one, and with it what is called after it at the same target.
    pub(super) granting: bool,
    /// The import that it is, kept until the callee's word.
    pub(super) pinned: Option<ImportId>,
    pub(super) deadline: Instant,
    pub(super) retry_at: Instant,
    pub(super) pause: Duration,
    pub(super) label: u64,
    /// The request's; when finished the reply's.
    pub(super) words: Vec<u64, WORDS_MAX>,
    /// A capability that came with the reply.
    pub(super) received: Option<Received>,
}

/// What has become of the slot's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Free,
    /// Nothing was sent yet: it may still end as `NotExecuted` for any reason.
    Queued,
    /// Sent at least once: only the callee can say that it did not run.
    Sent,
    /// The caller has its outcome, the callee has not yet given its word.
    Quarantine,
    /// The reply lies here until it is fetched.
    Finished,
}

impl Slot {
    pub(super) const EMPTY: Self = Self {
        state: State::Free,
        sequence: Sequence::NONE,
        serial: 0,
        token: Token(0),
        way: Way::Call,
        import: None,
        target: Descriptor::BOOTSTRAP,
        order: Order(0),
        capability: None,
        lending: None,
        stored: 0,
        granting: false,
        pinned: None,
        deadline: Instant::from_nanos(0),
        retry_at: Instant::from_nanos(0),
        pause: Duration::ZERO,
        label: 0,
        words: Vec::new(),
        received: None,
    };

    pub(super) fn enter(&mut self, state: State) {
        passed(self.state, state);
        self.state = state;
    }
}

impl Observed for State {
    const PART: Part = Part::Caller;

    fn place(self) -> usize {
        self as usize
    }
}
