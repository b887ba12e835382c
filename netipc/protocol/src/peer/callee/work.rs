//! What becomes of a request once a worker is to have it.

use isthmus_abi::{NotExecuted, Unknown};
use netipc_wire::bulk::About;
use netipc_wire::{Capability, Grant, NodeId, Sequence, Way};

use super::Callee;
use super::slot::State;
use crate::peer::tables::Tables;
use crate::time::Instant;
use crate::types::{Answer, Execution, Request, Stale};

impl<const SLOTS: usize> Callee<SLOTS> {
    /// A worker takes a request.
    // [N24]
    pub(crate) fn start<const ROWS: usize>(
        &mut self,
        now: Instant,
        execution: Execution,
        tables: &mut Tables<'_, ROWS>,
    ) -> Result<Request<'_>, Stale> {
        let index = self.find(execution)?;
        let slot = &mut self.slots[index];
        if slot.state != State::Ready {
            return Err(Stale);
        }
        if slot.deadline <= now {
            self.withdraw(
                index,
                State::Refused(NotExecuted::DeadlinePassed),
                tables.exports,
                tables.faults,
            );
            return Err(Stale);
        }
        let came = slot.capability.take();
        let received = match came.map(|given| tables.take(given)) {
            None => None,
            Some(Some(Some(received))) => Some(received),
            Some(refused) => {
                let reason = match (refused, came) {
                    (None, _) => NotExecuted::Overload,
                    // Offered, and gone with its session or after its time.
                    (Some(_), Some(Capability::Granted(..))) => NotExecuted::SessionEnded,
                    (Some(_), _) => NotExecuted::Revoked,
                };
                let state = State::Refused(reason);
                self.withdraw(index, state, tables.exports, tables.faults);
                return Err(Stale);
            }
        };
        let slot = &mut self.slots[index];
        slot.enter(State::Running);
        self.ready.remove(index);
        Ok(Request {
            object: slot.object,
            way: slot.way,
            budget: now.until(slot.deadline),
            label: slot.label,
            words: &slot.words,
            capability: received,
        })
    }

    /// What the work has come to.
    pub(crate) fn finish<const ROWS: usize>(
        &mut self,
        execution: Execution,
        answer: &Answer<'_>,
        tables: &mut Tables<'_, ROWS>,
    ) -> Result<(), Stale> {
        let index = self.find(execution)?;
        let slot = &mut self.slots[index];
        if !matches!(slot.state, State::Ready | State::Running) {
            return Err(Stale);
        }
        slot.capability = None;
        let state = match *answer {
            Answer::NotExecuted(reason) => State::Refused(reason),
            Answer::Unknown(reason) => State::Failed(reason),
            Answer::Reply { .. } if slot.way == Way::OneWay => {
                slot.label = 0;
                slot.words.clear();
                State::Replied
            }
            Answer::Reply {
                label,
                words,
                capability,
            } => {
                let granting = capability.is_some_and(|given| tables.is_foreign(given));
                let given = capability
                    .filter(|_| !granting)
                    .map(|given| tables.give(given));
                slot.label = label;
                slot.words.clear();
                match (slot.words.extend_from_slice(words), given) {
                    (Ok(()), None) if granting => State::Granting,
                    (Ok(()), None) => State::Replied,
                    (Ok(()), Some(Ok((capability, pinned)))) => {
                        slot.capability = Some(capability);
                        slot.pinned = pinned;
                        tables.leaves(capability, pinned);
                        State::Replied
                    }
                    _ => State::Failed(Unknown::ReplyLost),
                }
            }
        };
        self.ready.remove(index);
        self.settle(index, state);
        Ok(())
    }

    /// The grant that a reply waits for has come, or will not.
    pub(crate) fn granted(
        &mut self,
        slot: u16,
        sequence: Sequence,
        grant: Result<(NodeId, Grant), NotExecuted>,
    ) {
        let index = usize::from(slot);
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        if slot.sequence != sequence || slot.state != State::Granting {
            return;
        }
        let granted = grant.map(|(node, grant)| Capability::Granted(node, grant));
        slot.capability = granted.ok();
        let state = match grant {
            Ok(_) => State::Replied,
            Err(NotExecuted::NotPermitted) => State::Failed(Unknown::NotPermitted),
            Err(_) => State::Failed(Unknown::ReplyLost),
        };
        self.settle(index, state);
    }

    /// The grant that a request names, which waits for a worker and may still have one: what is claimed must be taken.
    pub(crate) fn names(&self, now: Instant, execution: Execution) -> Option<(NodeId, Grant)> {
        let index = self.find(execution).ok()?;
        match self.slots[index].capability {
            Some(Capability::Granted(node, grant))
                if self.ready.contains(index) && now < self.slots[index].deadline =>
            {
                Some((node, grant))
            }
            _ => None,
        }
    }

    /// Whether a worker is at the request that a transfer belongs to, and somebody waits for it.
    pub(crate) fn works_on(&self, about: About) -> bool {
        let slot = self.slots.get(usize::from(about.slot.0));
        slot.is_some_and(|slot| slot.state == State::Running && slot.sequence == about.sequence)
    }
    fn find(&self, execution: Execution) -> Result<usize, Stale> {
        let index = usize::from(execution.slot);
        match self.slots.get(index) {
            Some(slot) if slot.sequence == execution.sequence => Ok(index),
            _ => Err(Stale),
        }
    }
}
