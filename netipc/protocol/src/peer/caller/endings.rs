//! How calls end without the callee's word: the caller gives up, time is up, the session is over, what they name is revoked.

use isthmus_abi::{NotExecuted, Outcome, Unknown};
use netipc_wire::{Capability, Sequence, Way};

use super::slot::State;
use super::{Caller, Completion, Ending, Settled};
use crate::fault::{Faults, PlantedFault};
use crate::imports::Imports;
use crate::limits::{RETRANSMIT_FIRST, RETRANSMIT_MAX};
use crate::time::Instant;

impl<const SLOTS: usize> Caller<SLOTS> {
    /// The caller waits no longer. Nothing happens if the call is over.
    pub(crate) fn cancel(
        &mut self,
        now: Instant,
        index: u16,
        serial: u64,
        faults: Faults,
    ) -> Settled {
        let index = usize::from(index);
        match self.slots.get(index) {
            Some(slot) if slot.serial == serial => self.give_up(
                now,
                index,
                NotExecuted::Cancelled,
                Unknown::Cancelled,
                faults,
            ),
            _ => Settled::Nothing,
        }
    }

    /// Ends what is past its deadline, and finds what must be repeated. One call at a time: again until `None`.
    // [N26]
    pub(crate) fn expire(&mut self, now: Instant, faults: Faults) -> Option<Settled> {
        for index in self.awaiting.iter() {
            let slot = &mut self.slots[index];
            if slot.retry_at <= now && !self.due.contains(index) {
                slot.pause = (slot.pause * 2).min(RETRANSMIT_MAX);
                self.due.insert(index);
            }
        }
        let index = self.busy.iter().find(|&index| {
            let slot = &self.slots[index];
            matches!(slot.state, State::Queued | State::Sent) && slot.deadline <= now
        })?;
        let reasons = (NotExecuted::DeadlinePassed, Unknown::DeadlinePassed);
        if faults.has(PlantedFault::NotExecutedOnTimeout) && self.slots[index].state == State::Sent
        {
            self.complete(index, Err(reasons.0.into()));
            self.quarantine(now, index);
            return Some(Settled::Nothing);
        }
        Some(self.give_up(now, index, reasons.0, reasons.1, faults))
    }

    // [N18]
    fn give_up(
        &mut self,
        now: Instant,
        index: usize,
        not_sent: NotExecuted,
        sent: Unknown,
        faults: Faults,
    ) -> Settled {
        match self.slots[index].state {
            State::Queued => {
                self.complete(index, Err(not_sent.into()));
                self.unqueue(index);
                self.free(index);
                self.unused(index)
            }
            State::Sent => {
                self.complete(index, Err(sent.into()));
                if faults.has(PlantedFault::SlotReusedEarly) {
                    self.free(index);
                } else {
                    self.quarantine(now, index);
                }
                Settled::Nothing
            }
            State::Free | State::Quarantine | State::Finished => Settled::Nothing,
        }
    }

    /// All calls end. Slots with a reply that nobody has fetched yet keep it.
    // [N17]
    pub(crate) fn end_session(&mut self, ending: Ending, faults: Faults) {
        let (sent, queued) = match ending {
            Ending::Lost => (Unknown::PeerLost, NotExecuted::PeerUnreachable),
            Ending::Replaced => (Unknown::SessionEnded, NotExecuted::SessionEnded),
        };
        for index in self.busy.iter() {
            let slot = &self.slots[index];
            let survives = ending == Ending::Replaced
                && slot.import.is_none()
                && slot.capability.is_none()
                && !slot.granting;
            match slot.state {
                State::Queued if survives => {}
                State::Queued => {
                    self.complete(index, Err(queued.into()));
                    self.unqueue(index);
                    self.free(index);
                }
                State::Sent if survives && faults.has(PlantedFault::RetriedInNewSession) => {
                    self.awaiting.remove(index);
                    self.due.remove(index);
                    self.slots[index].enter(State::Queued);
                    let _ = self.fresh.push_back(index as u16);
                }
                State::Sent => {
                    self.complete(index, Err(sent.into()));
                    self.free(index);
                }
                State::Quarantine => self.free(index),
                State::Free | State::Finished => {}
            }
        }
        for slot in &mut self.slots {
            slot.sequence = Sequence::NONE;
        }
        self.unusable = 0;
    }

    /// A session begins in which the peer answers for so many slots.
    pub(crate) fn begin_session(&mut self, usable: u16) {
        self.unusable = SLOTS.saturating_sub(usize::from(usable));
        for index in self
            .busy
            .iter()
            .filter(|&index| index >= usize::from(usable))
        {
            if self.slots[index].state == State::Queued {
                self.complete(index, Err(NotExecuted::Overload.into()));
                self.unqueue(index);
                self.free(index);
            }
        }
    }

    /// The calls that wait for a session end: there will be none.
    pub(crate) fn fail_queued(&mut self, reason: NotExecuted) {
        while let Some(index) = self.fresh.front().map(|&index| usize::from(index)) {
            self.complete(index, Err(reason.into()));
            self.unqueue(index);
            self.free(index);
        }
    }

    /// Calls of which nothing was sent to an import that is revoked: they end, one at a time, again until `None`.
    pub(crate) fn end_revoked<const ROWS: usize>(
        &mut self,
        imports: &Imports<ROWS>,
    ) -> Option<Settled> {
        let revoked = |index: &usize| {
            let slot = &self.slots[*index];
            slot.state == State::Queued && slot.import.is_some() && imports.is_revoked(slot.target)
        };
        let index = self.busy.iter().find(revoked)?;
        self.complete(index, Err(NotExecuted::Revoked.into()));
        self.unqueue(index);
        self.free(index);
        Some(self.unused(index))
    }

    // [N30]
    pub(super) fn unused(&mut self, index: usize) -> Settled {
        match self.slots[index].capability.take() {
            Some(Capability::Mine(descriptor)) => Settled::Unused(descriptor),
            _ => Settled::Nothing,
        }
    }

    pub(super) fn complete(&mut self, index: usize, result: Result<u16, Outcome>) {
        let slot = &self.slots[index];
        if slot.way == Way::Call {
            let token = slot.token;
            self.open -= 1;
            let pushed = self.completions.push_back(Completion { token, result });
            debug_assert!(
                pushed.is_ok(),
                "open calls and completions are at most SLOTS"
            );
        }
    }

    // [N19]
    pub(super) fn quarantine(&mut self, now: Instant, index: usize) {
        let slot = &mut self.slots[index];
        slot.enter(State::Quarantine);
        slot.pause = RETRANSMIT_FIRST;
        slot.retry_at = now + slot.pause;
        self.awaiting.insert(index);
        self.due.insert(index);
    }

    pub(super) fn free(&mut self, index: usize) {
        let slot = &self.slots[index];
        if let (State::Queued, Some(import)) = (slot.state, slot.import) {
            // It is emptied after everything that frees slots.
            let _ = self.uncalled.push_back(import);
        }
        self.unpin(index);
        self.slots[index].enter(State::Free);
        self.busy.remove(index);
        self.awaiting.remove(index);
        self.due.remove(index);
    }
}
