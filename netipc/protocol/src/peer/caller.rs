//! Our calls at one peer: the caller's slots.

mod answers;
mod endings;
mod slot;

use heapless::Deque;
use isthmus_abi::{NotExecuted, Outcome};
use netipc_wire::{
    Capability, Descriptor, Grant, Message, NodeId, Sequence, SlotIndex, WORDS_MAX, Way, Words,
    cancel, request,
};

use crate::bulk::Lending;
use crate::fault::{Faults, PlantedFault};
use crate::imports::Imports;
use crate::limits::{BUDGET_DEFAULT, BUDGET_MAX, ONE_WAY_SHARE, RETRANSMIT_FIRST};
use crate::set::Set;
use crate::time::Instant;
use crate::types::{Call, Event, ImportId, Reply, Token};
use netipc_wire::bulk::About;
use slot::{Slot, State};

/// The caller's slots for one peer.
pub(crate) struct Caller<const SLOTS: usize> {
    slots: [Slot; SLOTS],
    /// Slots that are not free.
    busy: Set,
    /// Slots that wait for the callee's word: sent or quarantined.
    awaiting: Set,
    /// Of these, the ones that have a frame to (re)send now.
    due: Set,
    /// Queued slots, in the order of the calls.
    fresh: Deque<u16, SLOTS>,
    /// Outcomes that nobody has fetched yet.
    completions: Deque<Completion, SLOTS>,
    /// Calls that have no outcome yet, of those that get one. With `completions` at most `SLOTS`.
    open: usize,
    /// Never goes back, so that an old `CallId` never fits a slot again.
    serial: u64,
    /// Imports that nothing on its way names any more.
    unpinned: Deque<ImportId, SLOTS>,
    /// Imports whose call ended before its first frame left.
    uncalled: Deque<ImportId, SLOTS>,
    /// Slots at the end that the peer does not answer for in this session.
    unusable: usize,
}

#[derive(Clone, Copy, Debug)]
struct Completion {
    token: Token,
    result: Result<u16, Outcome>,
}

/// What a call names of the session's.
pub(crate) struct Names {
    pub(crate) target: Descriptor,
    /// `None`: the bootstrap export.
    pub(crate) import: Option<ImportId>,
    /// What goes with it, and the import that it is.
    pub(crate) capability: Option<(Capability, Option<ImportId>)>,
    /// The memory that it is.
    pub(crate) lending: Option<Lending>,
    /// It waits for a grant.
    pub(crate) granting: bool,
}

/// Why all calls end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The peer is silent: calls that wait for a session end, too.
    Lost,
    /// Another session replaces this one: calls that nothing was sent of, to the bootstrap export, go on in it.
    Replaced,
}

/// What the callee's word about a call means for the rest of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Nothing.
    Nothing,
    /// It never ran: the export that went with it was never taken.
    Unused(Descriptor),
    /// It did not run, but a worker may have taken it, and with it the export.
    Refused(Descriptor),
}

impl<const SLOTS: usize> Caller<SLOTS> {
    pub(crate) const NEW: Self = Self {
        slots: [const { Slot::EMPTY }; SLOTS],
        busy: Set::EMPTY,
        awaiting: Set::EMPTY,
        due: Set::EMPTY,
        fresh: Deque::new(),
        completions: Deque::new(),
        open: 0,
        serial: 0,
        unpinned: Deque::new(),
        uncalled: Deque::new(),
        unusable: 0,
    };

    /// As after a start of the machine.
    pub(crate) fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.state = State::Free;
            slot.sequence = Sequence::NONE;
        }
        self.busy.clear();
        self.awaiting.clear();
        self.due.clear();
        self.fresh.clear();
        self.completions.clear();
        self.open = 0;
        self.unpinned.clear();
        self.uncalled.clear();
        self.unusable = 0;
    }

    /// Accepts a call: its slot and serial number. It ends here if there is no room, and nothing has happened.
    pub(crate) fn call(
        &mut self,
        now: Instant,
        call: &Call<'_>,
        names: &Names,
        faults: Faults,
    ) -> Result<(u16, u64), NotExecuted> {
        if call.way == Way::OneWay && self.one_ways(faults) >= (SLOTS / ONE_WAY_SHARE).max(1) {
            return Err(NotExecuted::Overload);
        }
        if call.way == Way::Call && self.open + self.completions.len() >= SLOTS {
            return Err(NotExecuted::Overload);
        }
        if call.words.len() > WORDS_MAX {
            return Err(NotExecuted::TooLong);
        }
        let free = self.busy.first_absent(SLOTS - self.unusable);
        let index = free.ok_or(NotExecuted::Overload)?;
        let number = u16::try_from(index).map_err(|_| NotExecuted::Overload)?;
        self.fresh
            .push_back(number)
            .map_err(|_| NotExecuted::Overload)?;
        self.serial += 1;
        self.busy.insert(index);
        self.open += usize::from(call.way == Way::Call);
        let slot = &mut self.slots[index];
        slot.enter(State::Queued);
        slot.serial = self.serial;
        slot.token = call.token;
        slot.way = call.way;
        slot.import = names.import;
        slot.target = names.target;
        slot.granting = names.granting;
        slot.capability = names.capability.map(|(capability, _)| capability);
        slot.pinned = names.capability.and_then(|(_, pinned)| pinned);
        slot.lending = names.lending;
        slot.stored = 0;
        slot.deadline = now + call.budget.unwrap_or(BUDGET_DEFAULT).min(BUDGET_MAX);
        slot.label = call.label;
        slot.words.clear();
        slot.words.extend(call.words.iter().copied());
        Ok((number, self.serial))
    }

    pub(crate) fn next_frame<const ROWS: usize>(
        &mut self,
        now: Instant,
        imports: &mut Imports<ROWS>,
    ) -> Option<usize> {
        while let Some(number) = self.next_fresh() {
            let index = usize::from(number);
            let slot = &mut self.slots[index];
            let Some(order) = imports.next_order(slot.import) else {
                // Unreachable: a row of imports is not free before what was queued to it has gone.
                self.complete(index, Err(NotExecuted::SessionEnded.into()));
                self.free(index);
                continue;
            };
            if let Some(import) = slot.import {
                imports.unpin(import);
            }
            slot.order = order;
            slot.sequence = slot.sequence.next();
            slot.enter(State::Sent);
            slot.pause = RETRANSMIT_FIRST;
            slot.retry_at = now + slot.pause;
            self.awaiting.insert(index);
            return Some(index);
        }
        let index = self.due.first()?;
        self.due.remove(index);
        let slot = &mut self.slots[index];
        slot.retry_at = now + slot.pause;
        Some(index)
    }

    /// What a slot that waits for the callee's word has to say.
    pub(crate) fn message(&self, now: Instant, index: usize) -> Message<'_> {
        let slot = &self.slots[index];
        let number = SlotIndex(index as u16);
        if slot.state == State::Quarantine {
            return Message::Cancel(cancel::Repr {
                slot: number,
                sequence: slot.sequence,
                target: slot.target,
                order: slot.order,
            });
        }
        let left = now.until(slot.deadline).as_micros();
        let repr = request::Repr {
            slot: number,
            sequence: slot.sequence,
            target: slot.target,
            capability: slot.capability,
            order: slot.order,
            budget_us: u32::try_from(left).unwrap_or(u32::MAX),
            label: slot.label,
            words: Words::new(&slot.words).unwrap_or(Words::EMPTY),
        };
        Message::Request(slot.way, repr)
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.busy
            .iter()
            .filter_map(|index| {
                let slot = &self.slots[index];
                let retry = (!self.due.contains(index)).then_some(slot.retry_at);
                match slot.state {
                    State::Queued => Some(slot.deadline),
                    State::Sent => {
                        Some(retry.map_or(slot.deadline, |retry| retry.min(slot.deadline)))
                    }
                    State::Quarantine => retry,
                    State::Free | State::Finished => None,
                }
            })
            .min()
    }

    /// Whether anything is expected from the callee.
    pub(crate) fn awaits(&self) -> bool {
        // What is queued may wait for a grant, or behind what does; the peer is listened to meanwhile, so that the two times do not add up.
        !self.awaiting.is_empty() || !self.fresh.is_empty()
    }

    /// Slots that are not free.
    pub(crate) fn busy(&self) -> usize {
        self.busy.len()
    }

    /// Whether there is an outcome that nobody has fetched yet.
    pub(crate) fn has_outcome(&self) -> bool {
        !self.completions.is_empty()
    }

    /// How many there are.
    pub(crate) fn outcomes(&self) -> usize {
        self.completions.len()
    }

    /// The next outcome.
    pub(crate) fn poll(&mut self) -> Option<Event<'_>> {
        let completion = self.completions.pop_front()?;
        let result = match completion.result {
            Err(outcome) => Err(outcome),
            Ok(number) => {
                let index = usize::from(number);
                self.free(index);
                let slot = &self.slots[index];
                Ok(Reply {
                    label: slot.label,
                    words: &slot.words,
                    capability: slot.received,
                })
            }
        };
        Some(Event::Complete {
            token: completion.token,
            result,
        })
    }

    /// The next call whose first frame can leave, in the order of the calls to each target.
    fn next_fresh(&mut self) -> Option<u16> {
        let granting = |index: &u16| self.slots[usize::from(*index)].granting;
        if !self.fresh.iter().any(granting) {
            return self.fresh.pop_front();
        }
        let waits = |place: usize, target: Descriptor| {
            let before = self.fresh.iter().take(place + 1);
            before
                .filter(|index| granting(index))
                .any(|index| self.slots[usize::from(*index)].target == target)
        };
        let mut fresh = self.fresh.iter().copied().enumerate();
        let ready =
            |(place, index): &(usize, u16)| !waits(*place, self.slots[usize::from(*index)].target);
        let (_, number) = fresh.find(ready)?;
        self.unqueue(usize::from(number));
        Some(number)
    }

    /// The grant that a call waits for has come, or will not.
    pub(crate) fn granted(
        &mut self,
        slot: u16,
        serial: u64,
        result: Result<(NodeId, Grant), NotExecuted>,
    ) {
        let index = usize::from(slot);
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        if slot.serial != serial || !slot.granting || slot.state != State::Queued {
            return;
        }
        slot.granting = false;
        match result {
            Ok((node, grant)) => slot.capability = Some(Capability::Granted(node, grant)),
            Err(reason) => {
                self.complete(index, Err(reason.into()));
                self.unqueue(index);
                self.free(index);
            }
        }
    }

    /// Whether a reply to this call would be taken.
    pub(crate) fn expects(&self, slot: SlotIndex, sequence: Sequence) -> bool {
        let slot = self.slots.get(usize::from(slot.0));
        slot.is_some_and(|slot| {
            slot.state == State::Sent && slot.sequence == sequence && slot.way == Way::Call
        })
    }

    /// The memory that is lent for a call, as long as its caller waits.
    pub(crate) fn lends(&self, about: About, faults: Faults) -> Option<Lending> {
        let slot = self.slots.get(usize::from(about.slot.0))?;
        let late = faults.has(PlantedFault::LateWriteAccepted) && slot.state == State::Quarantine;
        let lasts = slot.state == State::Sent || late;
        slot.lending
            .filter(|_| lasts && slot.sequence == about.sequence)
    }

    /// The last transfer that has stored all its bytes in a slot's loan; 0: none.
    pub(crate) fn stored(&self, slot: SlotIndex) -> u32 {
        let slot = self.slots.get(usize::from(slot.0));
        slot.map_or(0, |slot| slot.stored)
    }

    /// A transfer has stored all its bytes.
    pub(crate) fn note_stored(&mut self, about: About) {
        if let Some(slot) = self.slots.get_mut(usize::from(about.slot.0)) {
            slot.stored = about.number;
        }
    }

    /// What was given with it has arrived, or never will.
    fn unpin(&mut self, index: usize) {
        if let Some(import) = self.slots[index].pinned.take() {
            // It is emptied after everything that frees slots.
            let _ = self.unpinned.push_back(import);
        }
    }

    /// The next import that nothing on its way names any more.
    pub(crate) fn next_unpinned(&mut self) -> Option<ImportId> {
        self.unpinned
            .pop_front()
            .or_else(|| self.uncalled.pop_front())
    }

    fn unqueue(&mut self, index: usize) {
        for _ in 0..self.fresh.len() {
            if let Some(number) = self.fresh.pop_front()
                && usize::from(number) != index
            {
                let pushed = self.fresh.push_back(number);
                debug_assert!(pushed.is_ok(), "one was just taken out");
            }
        }
    }

    /// One-way messages that the callee has not yet said its word about.
    // [N25]
    pub(crate) fn one_ways(&self, faults: Faults) -> usize {
        let counted = |index: &usize| {
            let slot = &self.slots[*index];
            let twice =
                slot.state == State::Quarantine && faults.has(PlantedFault::CreditCountedTwice);
            slot.way == Way::OneWay && !twice
        };
        self.busy.iter().filter(counted).count()
    }
}
