//! A call, by everybody's account.

use std::time::Duration;

use netipc_protocol::bulk::Loan;
use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_protocol::{Instant, NotExecuted, Outcome, SessionId, Unknown, Way};

use super::bulk::Moved;
use super::{Checker, DRIFTED};

/// A call or message, by everybody's account.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) caller: usize,
    pub(crate) callee: usize,
    pub(crate) way: Way,
    /// Whether its caller's machine has crashed since: nobody waits for its outcome.
    pub(crate) orphaned: bool,
    /// What is called: 0 is the bootstrap export.
    pub(crate) object: u64,
    /// What goes with it.
    pub(crate) sends: Option<u64>,
    pub(crate) words: usize,
    /// Memory that goes with it.
    pub(crate) loan: Option<Loan>,
    /// What is moved from it, or into it.
    pub(super) moved: Option<Moved>,
    /// It was made when all was well.
    pub(super) must_succeed: bool,
    /// By the caller's clock.
    pub(super) issued: Instant,
    /// By the caller's clock.
    pub(super) deadline: Instant,
    /// By the world's.
    pub(super) until: Instant,
    /// The session of its first frame.
    pub(super) sent_in: Option<SessionId>,
    /// How often a server received it.
    pub(super) starts: u32,
    /// Whether a worker took it.
    pub(super) taken: bool,
    /// The callee has said that it never ran and never will.
    pub(super) said_never: bool,
    pub(super) cancelled: bool,
    /// What the server answered, if it did: its object, if any.
    pub(crate) replied: Option<Option<u64>>,
    pub(super) replied_at: Option<Instant>,
    /// Whether a reply reached the caller's machine in time and was accepted.
    pub(super) reply_arrived: bool,
    pub(super) outcome: Option<Result<(), Outcome>>,
}

impl Call {
    /// A call that nothing has happened to.
    pub(crate) const fn new(
        caller: usize,
        callee: usize,
        way: Way,
        object: u64,
        sends: Option<u64>,
        words: usize,
    ) -> Self {
        Self {
            caller,
            callee,
            way,
            orphaned: false,
            object,
            sends,
            words,
            loan: None,
            moved: None,
            must_succeed: false,
            issued: Instant::from_nanos(0),
            deadline: Instant::from_nanos(0),
            until: Instant::from_nanos(0),
            sent_in: None,
            starts: 0,
            taken: false,
            said_never: false,
            cancelled: false,
            replied: None,
            replied_at: None,
            reply_arrived: false,
            outcome: None,
        }
    }

    /// What is wrong with an outcome if all has been well for long enough before the deadline.
    pub(super) fn in_calm(
        &self,
        calm: Option<Instant>,
        result: Result<(), Outcome>,
    ) -> Option<(Checker, &'static str)> {
        /// A reply that is kept is fetched within this: the longest pause between two requests, and a way there and back.
        const FETCHED: Duration = Duration::from_millis(100);
        let late = matches!(
            result,
            Err(Outcome::NotExecuted(NotExecuted::DeadlinePassed)
                | Outcome::Unknown(Unknown::DeadlinePassed))
        );
        let calm = calm?;
        if !late || self.cancelled {
            return None;
        }
        if let Some(replied) = self.replied_at
            && replied.max(calm) + FETCHED + DRIFTED < self.until
            && calm + OUTCOME_WITHIN + DRIFTED < self.until
        {
            return Some((
                Checker::Replies,
                "was answered in time, and its caller waits in vain",
            ));
        }
        (calm + OUTCOME_WITHIN * 2 + DRIFTED < self.until)
            .then_some((Checker::WakeUps, "waited in vain while all was well"))
    }
}
