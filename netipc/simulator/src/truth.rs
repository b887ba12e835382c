//! What really happened, and the checkers that compare it with what was promised.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_protocol::{Instant, NotExecuted, Outcome, SessionId, Way};
use netipc_wire::{Message, Sequence, SlotIndex, Verdict, slot};

use crate::Violation;

/// Who notices a broken promise. The numbers are those of the invariants in `docs/netipc.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checker {
    /// 1, 2, 5: starts and outcomes.
    Truth,
    /// 3: what is said on the wire.
    Wiretap,
    /// 4: time.
    Bounds,
    /// 6: order per target.
    Order,
    /// 7: tables agree and empty themselves.
    Tables,
    /// 8: after the last fault, fresh calls succeed.
    Progress,
}

/// A machine's timers are exact here, but one that is lazy may look up to so much later.
pub(crate) const LAZINESS: Duration = Duration::from_millis(20);

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
    issued: Instant,
    deadline: Instant,
    /// The session of its first frame.
    sent_in: Option<SessionId>,
    starts: u32,
    /// The callee has said that it never ran and never will.
    said_never: bool,
    /// What the server answered, if it did: its object, if any.
    pub(crate) replied: Option<Option<u64>>,
    outcome: Option<Result<(), Outcome>>,
}

/// Slot and sequence of a call in a session, as seen on the wire.
type OnWire = (usize, usize, SessionId, SlotIndex, Sequence);

/// Everything that the checkers know.
#[derive(Default)]
pub(crate) struct Truth {
    calls: Vec<Call>,
    on_wire: HashMap<OnWire, usize>,
    /// The last start by caller, session and object.
    last_start: HashMap<(usize, SessionId, u64), usize>,
    /// Objects that their importers have given up.
    given_up: HashSet<u64>,
}

type Check = Result<(), Violation>;

fn broken(checker: Checker, at: Instant, what: String) -> Check {
    Err(Violation { checker, at, what })
}

impl Truth {
    /// A call was accepted; its number.
    pub(crate) fn called(&mut self, now: Instant, budget: Duration, call: Call) -> usize {
        self.calls.push(Call {
            issued: now,
            deadline: now + budget,
            ..call
        });
        self.calls.len() - 1
    }

    /// The number that the next call will have.
    pub(crate) fn next_id(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn call(&self, id: usize) -> Option<&Call> {
        self.calls.get(id)
    }

    /// A machine has crashed: its callers wait for nothing.
    pub(crate) fn crashed(&mut self, node: usize) {
        for call in self.calls.iter_mut().filter(|call| call.caller == node) {
            call.orphaned = true;
        }
    }

    /// A worker has taken the request `id` in a session.
    pub(crate) fn started(
        &mut self,
        now: Instant,
        id: usize,
        node: usize,
        session: SessionId,
        object: u64,
    ) -> Check {
        let call = &mut self.calls[id];
        call.starts += 1;
        if call.starts > 1 {
            return broken(
                Checker::Truth,
                now,
                format!("call {id} was started {} times", call.starts),
            );
        }
        if call.said_never {
            let what = format!("call {id} was started after its callee had said that it never ran");
            return broken(Checker::Wiretap, now, what);
        }
        if matches!(call.outcome, Some(Err(Outcome::NotExecuted(_)))) {
            let what =
                format!("call {id} was started after its caller was told that it was not executed");
            return broken(Checker::Truth, now, what);
        }
        if call.sent_in != Some(session) {
            let what = format!(
                "call {id} was sent in session {:?} and started in {session}",
                call.sent_in
            );
            return broken(Checker::Truth, now, what);
        }
        if call.callee != node || call.object != object {
            let what = format!(
                "call {id} to object {} of {} reached object {object} of {node}",
                call.object, call.callee
            );
            return broken(Checker::Truth, now, what);
        }
        let key = (call.caller, session, object);
        match self.last_start.insert(key, id) {
            Some(last) if last > id => broken(
                Checker::Order,
                now,
                format!("call {id} was started after the later call {last}"),
            ),
            _ => Ok(()),
        }
    }

    /// The server has answered.
    pub(crate) fn answered(&mut self, id: usize, object: Option<u64>) {
        self.calls[id].replied = Some(object);
    }

    /// The caller has its outcome. `heard`: when a frame of the callee last reached the caller.
    pub(crate) fn ended(
        &mut self,
        now: Instant,
        id: usize,
        heard: Instant,
        result: Result<(), Outcome>,
    ) -> Check {
        let call = &mut self.calls[id];
        if call.outcome.is_some() {
            return broken(Checker::Truth, now, format!("call {id} ended twice"));
        }
        call.outcome = Some(result);
        if matches!(result, Err(Outcome::NotExecuted(_))) && call.starts > 0 {
            return broken(
                Checker::Truth,
                now,
                format!("call {id} was started, and ends: {result:?}"),
            );
        }
        let gone = matches!(
            result,
            Err(Outcome::NotExecuted(
                NotExecuted::Revoked | NotExecuted::NoSuchObject
            ))
        );
        if gone && !self.given_up.contains(&call.object) {
            let what = format!(
                "call {id} ends so, and nobody gave object {} up: {result:?}",
                call.object
            );
            return broken(Checker::Tables, now, what);
        }
        if result.is_ok() && (call.starts != 1 || call.replied.is_none()) {
            return broken(
                Checker::Truth,
                now,
                format!("call {id} has a reply that no server gave"),
            );
        }
        if call.deadline + LAZINESS < now {
            return broken(
                Checker::Bounds,
                now,
                format!("call {id} ended after its deadline {:?}", call.deadline),
            );
        }
        if heard.max(call.issued) + OUTCOME_WITHIN + LAZINESS < now {
            return broken(
                Checker::Bounds,
                now,
                format!("call {id} ended late: its callee was last heard at {heard:?}"),
            );
        }
        Ok(())
    }

    /// An importer gives an object up.
    pub(crate) fn given_up(&mut self, object: u64) {
        self.given_up.insert(object);
    }

    /// A call was refused at once: that is its outcome.
    pub(crate) const fn may_refuse(reason: NotExecuted) -> bool {
        matches!(
            reason,
            NotExecuted::Overload | NotExecuted::SessionEnded | NotExecuted::NoSuchObject
        )
    }

    /// Every call whose caller lives has its outcome.
    pub(crate) fn all_ended(&self, now: Instant) -> Check {
        let waiting =
            |call: &Call| call.way == Way::Call && call.outcome.is_none() && !call.orphaned;
        match self.calls.iter().position(waiting) {
            None => Ok(()),
            Some(id) => broken(Checker::Bounds, now, format!("call {id} has no outcome")),
        }
    }

    /// How a call ended, if it did.
    pub(crate) fn outcome(&self, id: usize) -> Option<Result<(), Outcome>> {
        self.calls.get(id).and_then(|call| call.outcome)
    }

    /// A machine has put a frame on the wire.
    pub(crate) fn tap(
        &mut self,
        now: Instant,
        (from, to): (usize, usize),
        session: SessionId,
        message: &Message<'_>,
    ) -> Check {
        let about = |about: &slot::Repr, truth: &Self| {
            truth.find(to, from, session, about.slot, about.sequence)
        };
        match message {
            Message::Request(_, repr) => {
                let Ok(id) = usize::try_from(repr.label) else {
                    return Ok(());
                };
                let call = &mut self.calls[id];
                if *call.sent_in.get_or_insert(session) != session {
                    let what = format!("call {id} was sent in a second session");
                    return broken(Checker::Wiretap, now, what);
                }
                let key = (from, to, session, repr.slot, repr.sequence);
                if *self.on_wire.entry(key).or_insert(id) != id {
                    let what = format!("call {id} has slot and sequence of another call");
                    return broken(Checker::Wiretap, now, what);
                }
                Ok(())
            }
            Message::Refuse(repr, _) | Message::CancelAnswer(repr, Verdict::NeverRan) => {
                match about(repr, self) {
                    Some(id) if self.calls[id].starts > 0 => {
                        let what =
                            format!("the callee says that call {id} never ran, but it was started");
                        broken(Checker::Wiretap, now, what)
                    }
                    Some(id) => {
                        self.calls[id].said_never = true;
                        Ok(())
                    }
                    None => Ok(()),
                }
            }
            Message::CancelAnswer(repr, _) | Message::Fail(repr, _) => match about(repr, self) {
                Some(id) if self.calls[id].starts == 0 => {
                    let what =
                        format!("the callee says that call {id} was started, but it was not");
                    broken(Checker::Wiretap, now, what)
                }
                _ => Ok(()),
            },
            Message::Reply(repr) => match self.find(to, from, session, repr.slot, repr.sequence) {
                Some(id) if self.calls[id].replied.is_none() => broken(
                    Checker::Wiretap,
                    now,
                    format!("a reply to call {id} that no server gave"),
                ),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The call that slot and sequence stand for.
    pub(crate) fn find(
        &self,
        caller: usize,
        callee: usize,
        session: SessionId,
        slot: SlotIndex,
        sequence: Sequence,
    ) -> Option<usize> {
        self.on_wire
            .get(&(caller, callee, session, slot, sequence))
            .copied()
    }
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
            issued: Instant::from_nanos(0),
            deadline: Instant::from_nanos(0),
            sent_in: None,
            starts: 0,
            said_never: false,
            replied: None,
            outcome: None,
        }
    }
}
