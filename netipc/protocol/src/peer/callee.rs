//! A peer's calls here: the callee's slots, the memory for at-most-once.

mod slot;
mod work;

use heapless::Deque;
use isthmus_abi::NotExecuted;
use netipc_wire::{
    Capability, Descriptor, Message, NodeId, Sequence, SessionId, SlotIndex, WORDS_MAX, Way, Words,
    cancel, reply, request,
};

use super::tables::Tables;
use crate::exports::{Exported, Exports};
use crate::fault::{Faults, PlantedFault};
use crate::order::Place;
use crate::set::Set;
use crate::time::Instant;
use crate::types::{Dropped, Event, Execution};
use slot::{Say, Slot, State};

/// The callee's slots for one peer.
pub(crate) struct Callee<const SLOTS: usize> {
    slots: [Slot; SLOTS],
    /// Slots whose request waits for an earlier one.
    held: Set,
    /// Slots whose request waits for a worker.
    ready: Set,
    /// Slots that have something to say now.
    due: Set,
    /// Requests that the proxy does not know yet; with `held` at most `SLOTS`.
    deliver: Deque<(u16, Sequence), SLOTS>,
    /// Started requests that nobody waits for any more, which the proxy does not know yet.
    abandoned: Deque<(u16, Sequence), SLOTS>,
}
impl<const SLOTS: usize> Callee<SLOTS> {
    pub(crate) const NEW: Self = Self {
        slots: [const { Slot::EMPTY }; SLOTS],
        held: Set::EMPTY,
        ready: Set::EMPTY,
        due: Set::EMPTY,
        deliver: Deque::new(),
        abandoned: Deque::new(),
    };

    /// For a new session: every slot idle.
    pub(crate) fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.state = State::Idle;
            slot.sequence = Sequence::NONE;
            slot.pinned = None;
        }
        self.held.clear();
        self.ready.clear();
        self.due.clear();
        self.deliver.clear();
        self.abandoned.clear();
    }

    /// REQUEST or ONEWAY.
    // [N16]
    pub(crate) fn requested<const ROWS: usize>(
        &mut self,
        now: Instant,
        way: Way,
        repr: &request::Repr<'_>,
        tables: &mut Tables<'_, ROWS>,
    ) -> Result<(), Dropped> {
        let index = usize::from(repr.slot.0);
        let slot = self.slots.get_mut(index).ok_or(Dropped::Violation)?;
        if repr.sequence == slot.sequence {
            return self.repeated(index);
        }
        if repr.sequence < slot.sequence {
            return Err(Dropped::Stale);
        }
        if repr.sequence != slot.sequence.next() || slot.is_open() {
            return Err(Dropped::Violation);
        }
        if let Some(import) = slot.pinned.take() {
            tables.imports.unpin(import);
        }
        let object = match tables.exports.find(repr.target) {
            Exported::Bootstrap => None,
            Exported::Object(object) => Some(object),
            Exported::Gone => return self.turn_away(index, repr.sequence, NotExecuted::Revoked),
            Exported::Never => {
                return self.turn_away(index, repr.sequence, NotExecuted::NoSuchObject);
            }
        };
        let window = tables.exports.window(repr.target).ok_or(Dropped::Stale)?;
        let place = window.place(repr.order);
        let again = place == Place::Passed && tables.faults.has(PlantedFault::ReplyNotCached);
        if matches!(place, Place::Passed | Place::TooFar) && !again {
            return Err(Dropped::Violation);
        }
        if self.deliver.len() + self.held.len() >= SLOTS {
            return Err(Dropped::NoRoom);
        }
        slot.sequence = repr.sequence;
        slot.enter(State::Held);
        slot.way = way;
        slot.target = repr.target;
        slot.object = object;
        slot.order = repr.order;
        slot.deadline = now + core::time::Duration::from_micros(repr.budget_us.into());
        slot.label = repr.label;
        slot.capability = repr.capability;
        slot.words.clear();
        slot.words.extend(repr.words.iter().take(WORDS_MAX));
        self.due.remove(index);
        if again || tables.faults.has(PlantedFault::OrderIgnored) {
            self.make_ready(index);
        } else {
            self.held.insert(index);
            self.let_through(repr.target, tables.exports);
        }
        Ok(())
    }

    /// The request with the slot's number came again: say what has become of it.
    // [N22]
    fn repeated(&mut self, index: usize) -> Result<(), Dropped> {
        let slot = &mut self.slots[index];
        slot.say = match slot.state {
            State::Abandoned | State::NeverRan | State::Ran => Say::Verdict,
            State::Idle => return Err(Dropped::Stale),
            _ => Say::Outcome,
        };
        self.due.insert(index);
        Ok(())
    }

    /// The request cannot be for anybody.
    fn turn_away(
        &mut self,
        index: usize,
        sequence: Sequence,
        reason: NotExecuted,
    ) -> Result<(), Dropped> {
        self.slots[index].sequence = sequence;
        self.settle(index, State::Refused(reason));
        Ok(())
    }

    /// Everything whose turn it is at this export becomes ready.
    fn let_through<const ROWS: usize>(&mut self, target: Descriptor, exports: &mut Exports<ROWS>) {
        let Some(window) = exports.window(target) else {
            return;
        };
        while let Some(index) = self.held.iter().find(|&index| {
            let slot = &self.slots[index];
            slot.target == target && window.place(slot.order) == Place::Next
        }) {
            window.pass(self.slots[index].order);
            self.held.remove(index);
            self.make_ready(index);
        }
    }

    fn make_ready(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.enter(State::Ready);
        self.ready.insert(index);
        let pushed = self.deliver.push_back((index as u16, slot.sequence));
        debug_assert!(
            pushed.is_ok(),
            "held and undelivered requests are at most SLOTS"
        );
    }

    /// CANCEL. Gives back an export that went with a reply that was not taken.
    // [N21]
    pub(crate) fn cancelled<const ROWS: usize>(
        &mut self,
        repr: &cancel::Repr,
        tables: &mut Tables<'_, ROWS>,
    ) -> Result<Option<Descriptor>, Dropped> {
        let index = usize::from(repr.slot.0);
        let slot = self.slots.get_mut(index).ok_or(Dropped::Violation)?;
        if repr.sequence < slot.sequence {
            return Err(Dropped::Stale);
        }
        if repr.sequence > slot.sequence {
            return self.bury(index, repr, tables);
        }
        let mut unused = None;
        match slot.state {
            State::Held | State::Ready => {
                self.withdraw(index, State::NeverRan, tables.exports, tables.faults)
            }
            State::Running if tables.faults.has(PlantedFault::RunningSaidNever) => {
                slot.enter(State::NeverRan);
            }
            State::Running => {
                let entry = (repr.slot.0, repr.sequence);
                self.abandoned
                    .push_back(entry)
                    .map_err(|_| Dropped::NoRoom)?;
                slot.enter(State::Abandoned);
            }
            State::Replied => {
                slot.enter(State::Ran);
                if let Some(Capability::Mine(descriptor)) = slot.capability.take() {
                    unused = Some(descriptor);
                }
                if let Some(import) = slot.pinned.take() {
                    tables.imports.unpin(import);
                }
            }
            State::Granting => slot.enter(State::Ran),
            State::Idle => return Err(Dropped::Stale),
            _ => {}
        }
        self.slots[index].say = Say::Verdict;
        self.due.insert(index);
        Ok(unused)
    }

    /// A cancel that has overtaken its request: the request will be turned away.
    // [N20]
    fn bury<const ROWS: usize>(
        &mut self,
        index: usize,
        repr: &cancel::Repr,
        tables: &mut Tables<'_, ROWS>,
    ) -> Result<Option<Descriptor>, Dropped> {
        let slot = &mut self.slots[index];
        if repr.sequence != slot.sequence.next() || slot.is_open() {
            return Err(Dropped::Violation);
        }
        if tables.faults.has(PlantedFault::TombstoneForgotten) {
            slot.sequence = repr.sequence;
            slot.enter(State::NeverRan);
            slot.say = Say::Verdict;
            self.due.insert(index);
            return Ok(None);
        }
        if let Some(import) = slot.pinned.take() {
            tables.imports.unpin(import);
        }
        if let Some(window) = tables.exports.window(repr.target) {
            if window.place(repr.order) == Place::TooFar {
                return Err(Dropped::NoRoom);
            }
            window.pass(repr.order);
        }
        slot.sequence = repr.sequence;
        slot.enter(State::NeverRan);
        slot.say = Say::Verdict;
        slot.capability = None;
        self.due.insert(index);
        self.let_through(repr.target, tables.exports);
        Ok(None)
    }

    /// Requests that wait for an export that is gone are turned away.
    // [N33]
    pub(crate) fn revoked<const ROWS: usize>(
        &mut self,
        target: Descriptor,
        exports: &mut Exports<ROWS>,
        faults: Faults,
    ) {
        if faults.has(PlantedFault::RevokedRequestsRun) {
            return;
        }
        for index in self.held.iter().chain(self.ready.iter()) {
            if self.slots[index].target == target {
                self.withdraw(index, State::Refused(NotExecuted::Revoked), exports, faults);
            }
        }
    }

    /// Turns away what no worker has taken in the caller's time.
    pub(crate) fn expire<const ROWS: usize>(
        &mut self,
        now: Instant,
        exports: &mut Exports<ROWS>,
        faults: Faults,
    ) {
        for index in self.held.iter().chain(self.ready.iter()) {
            let slot = &self.slots[index];
            let waits = matches!(slot.state, State::Held | State::Ready);
            if waits && slot.deadline <= now {
                self.withdraw(
                    index,
                    State::Refused(NotExecuted::DeadlinePassed),
                    exports,
                    faults,
                );
            }
        }
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.held
            .iter()
            .chain(self.ready.iter())
            .map(|index| self.slots[index].deadline)
            .min()
    }

    /// The slot that has something to say.
    pub(crate) fn next_frame(&mut self) -> Option<usize> {
        let index = self.due.first()?;
        self.due.remove(index);
        Some(index)
    }

    /// What the slot says.
    pub(crate) fn message(&self, index: usize) -> Message<'_> {
        let slot = &self.slots[index];
        let about = netipc_wire::slot::Repr {
            slot: SlotIndex(index as u16),
            sequence: slot.sequence,
        };
        if slot.say == Say::Verdict {
            return Message::CancelAnswer(about, slot.verdict());
        }
        match slot.state {
            State::Replied => Message::Reply(reply::Repr {
                slot: about.slot,
                sequence: about.sequence,
                capability: slot.capability,
                label: slot.label,
                words: Words::new(&slot.words).unwrap_or(Words::EMPTY),
            }),
            State::Refused(reason) => Message::Refuse(about, reason),
            State::Failed(reason) => Message::Fail(about, reason),
            _ => Message::Ack(about),
        }
    }

    /// A frame of this slot has left.
    pub(crate) fn left(&mut self, index: usize, faults: Faults) {
        let slot = &mut self.slots[index];
        if faults.has(PlantedFault::ReplyNotCached) && slot.state == State::Replied {
            slot.state = State::Idle;
            slot.sequence = Sequence(slot.sequence.0 - 1);
        }
        if faults.has(PlantedFault::TombstoneForgotten) && slot.state == State::NeverRan {
            slot.state = State::Idle;
            slot.sequence = Sequence(slot.sequence.0 - 1);
        }
    }

    /// Whether there is something that the proxy does not know.
    pub(crate) fn has_event(&mut self) -> bool {
        // Of those that were cancelled in the meantime the proxy need not know.
        while let Some(&(number, sequence)) = self.deliver.front() {
            let slot = &self.slots[usize::from(number)];
            if slot.sequence == sequence && slot.state == State::Ready {
                return true;
            }
            self.deliver.pop_front();
        }
        !self.abandoned.is_empty()
    }

    /// The next of these things.
    pub(crate) fn poll(&mut self, node: NodeId, session: SessionId) -> Option<Event<'static>> {
        let execution = |(slot, sequence)| Execution {
            node,
            session,
            slot,
            sequence,
        };
        if let Some(entry) = self.abandoned.pop_front() {
            let execution = execution(entry);
            return Some(Event::Abandoned { execution });
        }
        let entry = self.deliver.pop_front()?;
        let slot = &self.slots[usize::from(entry.0)];
        Some(Event::Deliver {
            execution: execution(entry),
            object: slot.object,
            way: slot.way,
        })
    }

    /// Requests that no worker has taken.
    pub(crate) fn waiting(&self) -> usize {
        self.held.len() + self.ready.len()
    }

    /// A request that no worker has taken will not run.
    fn withdraw<const ROWS: usize>(
        &mut self,
        index: usize,
        state: State,
        exports: &mut Exports<ROWS>,
        faults: Faults,
    ) {
        let slot = &mut self.slots[index];
        let (target, order) = (slot.target, slot.order);
        slot.capability = None;
        self.held.remove(index);
        self.ready.remove(index);
        self.settle(index, state);
        if faults.has(PlantedFault::LostWakeUp) {
            return;
        }
        if let Some(window) = exports.window(target) {
            window.pass(order);
            self.let_through(target, exports);
        }
    }

    fn settle(&mut self, index: usize, state: State) {
        let slot = &mut self.slots[index];
        slot.enter(state);
        slot.say = Say::Outcome;
        self.due.insert(index);
    }
}
