//! What really happened, and the checkers that compare it with what was promised.

mod bulk;
mod numbers;
mod wiretap;

use std::collections::HashMap;
use std::time::Duration;

use netipc_protocol::bulk::Loan;
use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_protocol::{Instant, NotExecuted, Outcome, SessionId, Unknown, Way};
use netipc_wire::bulk::About;
use netipc_wire::{Sequence, SlotIndex};

use crate::Violation;
use crate::cipher::Protection;
use crate::clock::DRIFT_MAX;
use crate::hash::Quick;
pub(crate) use bulk::Moved;
use numbers::Numbers;

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
    moved: Option<Moved>,
    /// It was made when all was well.
    must_succeed: bool,
    /// By the caller's clock.
    issued: Instant,
    /// By the caller's clock.
    deadline: Instant,
    /// By the world's.
    until: Instant,
    /// The session of its first frame.
    sent_in: Option<SessionId>,
    /// How often a server received it.
    starts: u32,
    /// Whether a worker took it.
    taken: bool,
    /// The callee has said that it never ran and never will.
    said_never: bool,
    cancelled: bool,
    /// What the server answered, if it did: its object, if any.
    pub(crate) replied: Option<Option<u64>>,
    replied_at: Option<Instant>,
    /// Whether a reply reached the caller's machine in time and was accepted.
    reply_arrived: bool,
    outcome: Option<Result<(), Outcome>>,
}

/// What is exported to one peer.
#[derive(Clone, Copy, Debug, Default)]
struct Lent {
    /// Its importer has given it up.
    given_up: bool,
    /// Its exporter has revoked it.
    revoked: bool,
    /// Something that was handed on from it, or from what that was, is revoked.
    partly_revoked: bool,
    /// What it was handed on from.
    parent: Option<u64>,
    /// Whether something was handed on from it.
    handed_on: bool,
    /// The machine that exports it.
    home: usize,
}

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

    /// The number of the next object that is exported.
    pub(crate) fn next_object(&self) -> u64 {
        self.lent.len().max(1) as u64
    }

    /// It is exported by a machine.
    pub(crate) fn exported(&mut self, home: usize) {
        let object = self.next_object() as usize;
        self.lent.resize(object + 1, Lent::default());
        self.lent[object].home = home;
    }

    /// It is exported, handed on from another.
    pub(crate) fn handed_on(&mut self, home: usize, from: u64) -> u64 {
        let object = self.next_object();
        self.exported(home);
        self.lent[object as usize].parent = Some(from);
        self.lent[from as usize].handed_on = true;
        object
    }

    /// What an export was made for in the first place.
    pub(crate) fn origin(&self, mut object: u64) -> u64 {
        while let Some(parent) = self.parent(object) {
            object = parent;
        }
        object
    }

    /// What an export was handed on from.
    pub(crate) fn parent(&self, object: u64) -> Option<u64> {
        self.lent.get(object as usize)?.parent
    }

    /// Whether an export, or one that it was handed on from, is this one.
    fn is_below(&self, mut object: u64, top: u64) -> bool {
        while object != top {
            match self.parent(object) {
                Some(parent) => object = parent,
                None => return false,
            }
        }
        true
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

    /// An importer gives an object up.
    pub(crate) fn given_up(&mut self, object: u64) {
        self.lent[object as usize].given_up = true;
    }

    /// Its exporter revokes an object, and with it what was handed on from it.
    pub(crate) fn revoked(&mut self, object: u64) {
        for other in 0..self.lent.len() as u64 {
            if self.is_below(other, object) {
                let origin = self.origin(other) as usize;
                self.lent[other as usize].revoked = true;
                self.lent[origin].partly_revoked = true;
            }
        }
    }

    /// A worker took a call and nobody received it: what went with it may have been handed on already, and its caller ends it by revocation.
    fn withdrawn(&mut self, call: usize) {
        if let Some(object) = self.calls[call].sends {
            let origin = self.origin(object) as usize;
            self.lent[origin].partly_revoked = true;
        }
    }

    /// The importer has said that nobody there has it: nobody may hold it.
    pub(crate) fn completed(&self, now: Instant, object: u64, holder: Option<usize>) -> Check {
        // What a machine holds that was handed on is not known so exactly here.
        let alone = self
            .lent
            .get(self.origin(object) as usize)
            .is_some_and(|lent| !lent.handed_on);
        match holder {
            Some(node) if alone => Err(Violation {
                checker: Checker::Revocation,
                at: now,
                call: None,
                what: format!("the revocation of object {object} is complete, and {node} holds it"),
            }),
            _ => Ok(()),
        }
    }

    /// Whether its exporter has revoked it, or what was handed on from it.
    pub(crate) fn may_be_revoked(&self, object: u64) -> bool {
        self.lent
            .get(self.origin(object) as usize)
            .is_some_and(|lent| lent.revoked || lent.partly_revoked)
            || self.is_revoked(object)
    }

    /// Whether its exporter has revoked it.
    pub(crate) fn is_revoked(&self, object: u64) -> bool {
        self.lent
            .get(object as usize)
            .is_some_and(|lent| lent.revoked)
    }

    fn is_gone(&self, object: u64) -> bool {
        self.lent
            .get(object as usize)
            .is_some_and(|lent| lent.revoked || lent.given_up)
            || self.may_be_revoked(object)
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
    fn in_calm(
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
