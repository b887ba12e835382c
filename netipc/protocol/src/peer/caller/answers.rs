//! The callee's word about our calls.

use isthmus_abi::label::Label;
use isthmus_abi::{NotExecuted, Outcome, Unknown};
use netipc_wire::{Capability, Verdict, WORDS_MAX, Way, reply, slot};

use super::{Caller, Settled, State};
use crate::fault::{Faults, PlantedFault};
use crate::limits::RETRANSMIT_MAX;
use crate::time::Instant;
use crate::types::{Dropped, Received};

impl<const SLOTS: usize> Caller<SLOTS> {
    /// ACK: the callee has the request; it is repeated at the longest pause.
    pub(crate) fn acknowledged(&mut self, about: slot::Repr) -> Result<(), Dropped> {
        let index = self.sent(about)?;
        self.slots[index].pause = RETRANSMIT_MAX;
        Ok(())
    }

    /// REPLY. `take` makes something of a capability that came with it: `None` if there is no room, `Some(None)` if it is revoked.
    pub(crate) fn replied(
        &mut self,
        now: Instant,
        reply: &reply::Repr<'_>,
        take: impl FnOnce(Capability) -> Option<Option<Received>>,
        faults: Faults,
    ) -> Result<(), Dropped> {
        let about = slot::Repr {
            slot: reply.slot,
            sequence: reply.sequence,
        };
        let index = usize::from(about.slot.0);
        let again = self.slots.get(index).is_some_and(|slot| {
            let over = !self.awaiting.contains(index);
            over && slot.sequence == about.sequence && slot.received.is_some()
        });
        if again && faults.has(PlantedFault::DuplicateReplyImports) {
            reply.capability.map(take);
            return Err(Dropped::Stale);
        }
        let index = self.awaited(about)?;
        if self.slots[index].state == State::Quarantine {
            // A capability that came too late must be given back: the CANCEL, which is repeated until it is answered, does that.
            if reply.capability.is_none() {
                self.free(index);
            }
            return Ok(());
        }
        if self.slots[index].way == Way::OneWay {
            self.free(index);
            return Ok(());
        }
        let Some(received) = reply.capability.map_or(Some(None), take) else {
            self.complete(index, Err(Unknown::ReplyLost.into()));
            self.quarantine(now, index);
            return Ok(());
        };
        if faults.has(PlantedFault::ReplyForgesOutcome)
            && let Some(outcome) = forged(reply)
        {
            self.complete(index, Err(outcome));
            self.free(index);
            return Ok(());
        }
        let slot = &mut self.slots[index];
        slot.enter(State::Finished);
        slot.label = reply.label;
        slot.received = received;
        slot.words.clear();
        slot.words.extend(reply.words.iter().take(WORDS_MAX));
        self.awaiting.remove(index);
        self.due.remove(index);
        self.unpin(index);
        self.complete(index, Ok(reply.slot.0));
        Ok(())
    }

    /// REFUSE.
    pub(crate) fn refused(
        &mut self,
        about: slot::Repr,
        reason: NotExecuted,
    ) -> Result<Settled, Dropped> {
        let index = self.awaited(about)?;
        if self.slots[index].state == State::Sent {
            self.complete(index, Err(reason.into()));
        }
        self.free(index);
        Ok(match self.unused(index) {
            Settled::Unused(descriptor) => Settled::Refused(descriptor),
            other => other,
        })
    }

    /// FAIL.
    pub(crate) fn failed(&mut self, about: slot::Repr, reason: Unknown) -> Result<(), Dropped> {
        let index = self.awaited(about)?;
        if self.slots[index].state == State::Sent {
            self.complete(index, Err(reason.into()));
        }
        self.free(index);
        Ok(())
    }

    /// CANCEL-ANSWER.
    pub(crate) fn cancel_answered(
        &mut self,
        about: slot::Repr,
        verdict: Verdict,
    ) -> Result<Settled, Dropped> {
        let index = self.awaited(about)?;
        if self.slots[index].state != State::Quarantine {
            return Err(Dropped::Stale);
        }
        self.free(index);
        Ok(match verdict {
            Verdict::NeverRan => self.unused(index),
            Verdict::Ran | Verdict::Running => Settled::Nothing,
        })
    }

    /// The slot that the callee speaks of, if it waits for the callee's word about this very call.
    fn awaited(&self, about: slot::Repr) -> Result<usize, Dropped> {
        let index = usize::from(about.slot.0);
        let slot = self.slots.get(index).ok_or(Dropped::Violation)?;
        let fits = slot.sequence == about.sequence && self.awaiting.contains(index);
        if fits { Ok(index) } else { Err(Dropped::Stale) }
    }

    /// As [`awaited`](Self::awaited), if the caller still waits, too.
    fn sent(&self, about: slot::Repr) -> Result<usize, Dropped> {
        let index = self.awaited(about)?;
        match self.slots[index].state {
            State::Sent => Ok(index),
            _ => Err(Dropped::Stale),
        }
    }
}

/// What a reply would be if its label were looked at: for the fault that does so.
fn forged(reply: &reply::Repr<'_>) -> Option<Outcome> {
    let word = reply.words.iter().next().unwrap_or(0);
    Outcome::decode(Label::from_bits(reply.label), word)
}
