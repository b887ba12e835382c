//! What really happened, and the checkers that compare it with what was promised.

mod bulk;
mod call;
mod numbers;
mod objects;
mod wiretap;

use std::collections::HashMap;
use std::time::Duration;

use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_protocol::{Instant, NotExecuted, Outcome, SessionId, Unknown, Way};
use netipc_wire::bulk::About;
use netipc_wire::{Sequence, SlotIndex};

use crate::Violation;
use crate::cipher::Protection;
use crate::clock::DRIFT_MAX;
use crate::hash::Quick;
pub(crate) use bulk::Moved;
pub(crate) use call::Call;
use numbers::Numbers;
use objects::Lent;

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
    /// 9: nothing of a session that has ended is accepted.
    Sessions,
    /// 10: a reply that came while session and call lived is the call's outcome.
    Replies,
    /// 11: what waits is woken: in calm, nothing ends because nobody looked.
    WakeUps,
    /// 12: what is queued is bounded.
    Memory,
    /// 13: what was revoked is not reached any more.
    Revocation,
    /// 16, 17, 18: lent memory.
    Bulk,
    /// 14: no number is used twice in a session, and no frame is accepted twice.
    Numbers,
    /// 15: what is owned has one owner at a time, and one in an epoch.
    Owners,
}

/// A machine's timers are exact here, but one that is lazy may look up to so much later.
pub(crate) const LAZINESS: Duration = Duration::from_millis(20);

/// By how much a machine's clock and the world's may differ over the longest time that is measured here.
const DRIFTED: Duration = Duration::from_micros(10 * DRIFT_MAX as u64);

/// Slot and sequence of a call in a session, as seen on the wire.
type OnWire = (usize, usize, SessionId, SlotIndex, Sequence);

/// Everything that the checkers know.
#[derive(Default)]
pub(crate) struct Truth {
    calls: Vec<Call>,
    on_wire: HashMap<OnWire, usize, Quick>,
    /// The last start by caller, session and object.
    last_start: HashMap<(usize, SessionId, u64), usize, Quick>,
    /// By the object's number; 0 is the bootstrap export.
    lent: Vec<Lent>,
    /// Since when all is well.
    calm: Option<Instant>,
    numbers: Numbers,
    /// How often each of a transfer's chunks was wanted, as its sender has heard, and not sent since.
    wanted: HashMap<(usize, About), [u16; 64], Quick>,
}

type Check = Result<(), Violation>;

fn broken(checker: Checker, at: Instant, call: usize, what: String) -> Check {
    Err(Violation {
        checker,
        at,
        call: Some(call),
        what,
    })
}

impl Truth {
    /// Nothing has happened.
    pub(crate) fn new(protection: Protection) -> Self {
        Self {
            numbers: Numbers::new(protection),
            ..Self::default()
        }
    }

    /// A call was accepted, at this time by the world's clock and by the caller's; its number.
    pub(crate) fn called(
        &mut self,
        (world, local): (Instant, Instant),
        budget: Duration,
        call: Call,
    ) -> usize {
        self.calls.push(Call {
            issued: local,
            deadline: local + budget,
            until: world + budget,
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

    /// From now on nothing goes wrong.
    pub(crate) const fn calm_since(&mut self, now: Instant) {
        self.calm = Some(now);
    }

    /// A worker has taken the request `id` in a session, and its server receives it.
    pub(crate) fn started(
        &mut self,
        now: Instant,
        id: usize,
        node: usize,
        session: SessionId,
        object: u64,
    ) -> Check {
        let revoked = self.is_revoked(object);
        let same = self.origin(self.calls[id].object) == self.origin(object);
        let call = &mut self.calls[id];
        call.starts += 1;
        call.taken = true;
        let says = |checker, what| broken(checker, now, id, what);
        if call.starts > 1 {
            let what = format!("call {id} was started {} times", call.starts);
            return says(Checker::Truth, what);
        }
        if call.said_never {
            let what = format!("call {id} was started after its callee had said that it never ran");
            return says(Checker::Wiretap, what);
        }
        if matches!(call.outcome, Some(Err(Outcome::NotExecuted(_)))) {
            let what =
                format!("call {id} was started after its caller was told that it was not executed");
            return says(Checker::Truth, what);
        }
        if call.sent_in != Some(session) {
            let what = format!(
                "call {id} was sent in session {:?} and started in {session}",
                call.sent_in
            );
            return says(Checker::Truth, what);
        }
        if call.callee != node || !same {
            let what = format!(
                "call {id} to object {} of {} reached object {object} of {node}",
                call.object, call.callee
            );
            return says(Checker::Truth, what);
        }
        if revoked {
            let what = format!("call {id} was started at object {object}, which is revoked");
            return says(Checker::Revocation, what);
        }
        let key = (call.caller, session, object);
        match self.last_start.insert(key, id) {
            Some(last) if last > id => {
                let what = format!("call {id} was started after the later call {last}");
                says(Checker::Order, what)
            }
            _ => Ok(()),
        }
    }

    /// A worker had taken it, but its server died before it received it.
    pub(crate) fn never_received(&mut self, id: usize) {
        self.calls[id].starts -= 1;
    }

    /// The server has answered.
    pub(crate) fn answered(&mut self, now: Instant, id: usize, object: Option<u64>) {
        self.calls[id].replied = Some(object);
        self.calls[id].replied_at = Some(now);
    }

    /// A reply has reached the caller's machine, and was accepted.
    pub(crate) fn reply_arrived(
        &mut self,
        caller: usize,
        callee: usize,
        session: SessionId,
        slot: SlotIndex,
        sequence: Sequence,
    ) {
        if let Some(id) = self.find(caller, callee, session, slot, sequence) {
            let call = &mut self.calls[id];
            call.reply_arrived |= call.outcome.is_none() && !call.cancelled;
        }
    }

    /// The caller waits no longer.
    pub(crate) fn cancelled(&mut self, id: usize) {
        self.calls[id].cancelled = true;
    }

    /// The caller has its outcome. `heard`: when a frame of the callee last reached the caller, by the caller's clock.
    pub(crate) fn ended(
        &mut self,
        (world, local): (Instant, Instant),
        id: usize,
        heard: Instant,
        result: Result<(), Outcome>,
    ) -> Check {
        let sends = self.calls[id].sends;
        let gone = self.is_gone(self.calls[id].object)
            || sends.is_some_and(|object| self.may_be_revoked(object));
        let calm = self.calm;
        let call = &mut self.calls[id];
        let says = |checker, what| broken(checker, world, id, what);
        if call.outcome.is_some() {
            return says(Checker::Truth, format!("call {id} ended twice"));
        }
        call.outcome = Some(result);
        if matches!(result, Err(Outcome::NotExecuted(_))) && call.starts > 0 {
            let what = format!("call {id} was started, and ends: {result:?}");
            return says(Checker::Truth, what);
        }
        let says_gone = matches!(
            result,
            Err(Outcome::NotExecuted(
                NotExecuted::Revoked | NotExecuted::NoSuchObject
            ))
        );
        if says_gone && !gone {
            let what = format!(
                "call {id} ends so, and nobody gave object {} up: {result:?}",
                call.object
            );
            return says(Checker::Tables, what);
        }
        if result.is_ok() && (call.starts != 1 || call.replied.is_none()) {
            let what = format!("call {id} has a reply that no server gave");
            return says(Checker::Truth, what);
        }
        if call.deadline + LAZINESS + DRIFTED < local {
            let what = format!("call {id} ended after its deadline {:?}", call.deadline);
            return says(Checker::Bounds, what);
        }
        if heard.max(call.issued) + OUTCOME_WITHIN + LAZINESS + DRIFTED < local {
            let what = format!("call {id} ended late: its callee was last heard at {heard:?}");
            return says(Checker::Bounds, what);
        }
        let lost = !matches!(result, Ok(()) | Err(Outcome::Unknown(Unknown::ReplyLost)));
        if lost && call.reply_arrived {
            let what = format!("call {id} had its reply, and ends so: {result:?}");
            return says(Checker::Replies, what);
        }
        call.in_calm(calm, result)
            .map_or(Ok(()), |(checker, what)| {
                says(checker, format!("call {id} {what}: {result:?}"))
            })
    }

    /// A call was refused at once: that is its outcome.
    pub(crate) const fn may_refuse(reason: NotExecuted) -> bool {
        matches!(
            reason,
            NotExecuted::Overload | NotExecuted::SessionEnded | NotExecuted::NoSuchObject
        )
    }

    /// Whether the last fault has been.
    pub(crate) const fn is_calm(&self) -> bool {
        self.calm.is_some()
    }

    /// Every call whose caller lives has its outcome.
    pub(crate) fn all_ended(&self, now: Instant) -> Check {
        let waiting =
            |call: &Call| call.way == Way::Call && call.outcome.is_none() && !call.orphaned;
        match self.calls.iter().position(waiting) {
            None => Ok(()),
            Some(id) => broken(
                Checker::Bounds,
                now,
                id,
                format!("call {id} has no outcome"),
            ),
        }
    }

    /// Whether a reply may come without the capability that the server gave: it is revoked, or it is a third machine's, and the
    /// session with that may have ended while the reply was on its way.
    pub(crate) fn may_be_lost(&self, id: usize, object: u64) -> bool {
        /// So long after the last fault there may still be sessions that do not know that they are over.
        const AFTERMATH: Duration = OUTCOME_WITHIN.saturating_mul(2);
        let (Some(call), Some(lent)) = (self.calls.get(id), self.lent.get(object as usize)) else {
            return false;
        };
        let rough = match (self.calm, call.replied_at) {
            (Some(calm), Some(replied)) => replied < calm + AFTERMATH,
            _ => true,
        };
        self.may_be_revoked(object) || (rough && lent.home != call.callee)
    }

    /// How a call ended, if it did.
    pub(crate) fn outcome(&self, id: usize) -> Option<Result<(), Outcome>> {
        self.calls.get(id).and_then(|call| call.outcome)
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
