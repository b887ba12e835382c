//! Revocations at one peer: of our exports, and of what we have imported.

use core::time::Duration;

use heapless::Deque;
use netipc_wire::Descriptor;

use super::{Next, Peer};
use crate::exports::{Exports, Revoked};
use crate::fault::{Faults, PlantedFault};
use crate::imports::Gone;
use crate::limits::{RETRANSMIT_FIRST, RETRANSMIT_MAX, REVOKE_ACKS};
use crate::time::Instant;
use crate::types::{Dropped, Object};

/// What is to be said about revocations.
pub(crate) struct Revocations<const ROWS: usize> {
    /// From which row of the exports REVOKEs are to be sent now; `None`: not now.
    cursor: Option<usize>,
    retry_at: Instant,
    pause: Duration,
    /// Of the peer's exports: nobody here has them any more.
    acks: Deque<Descriptor, REVOKE_ACKS>,
    /// Objects whose revocation is complete, which the proxy does not know yet.
    completed: Deque<Object, ROWS>,
}

impl<const ROWS: usize> Revocations<ROWS> {
    pub(super) const NEW: Self = Self {
        cursor: None,
        retry_at: Instant::from_nanos(0),
        pause: Duration::ZERO,
        acks: Deque::new(),
        completed: Deque::new(),
    };

    pub(super) fn clear(&mut self) {
        self.cursor = None;
        self.acks.clear();
        self.completed.clear();
    }

    /// A REVOKE has been asked for: it goes out at once.
    const fn begin(&mut self) {
        self.cursor = Some(0);
        self.pause = RETRANSMIT_FIRST;
    }

    pub(super) fn completed(&mut self, object: Object) {
        let pushed = self.completed.push_back(object);
        debug_assert!(
            pushed.is_ok(),
            "exports and what is said of them are at most ROWS"
        );
    }

    pub(super) fn next_completed(&mut self) -> Option<Object> {
        self.completed.pop_front()
    }

    /// How many objects the proxy does not know about yet.
    pub(super) fn untold(&self) -> usize {
        self.completed.len()
    }

    pub(super) fn has_news(&self) -> bool {
        !self.completed.is_empty()
    }

    /// Finds that REVOKEs are to be repeated.
    pub(super) fn expire(&mut self, now: Instant, revoking: bool) {
        if revoking && self.cursor.is_none() && self.retry_at <= now {
            self.cursor = Some(0);
            self.pause = (self.pause * 2).min(RETRANSMIT_MAX);
        }
    }

    pub(super) fn timeout(&self, revoking: bool) -> Option<Instant> {
        (revoking && self.cursor.is_none()).then_some(self.retry_at)
    }

    pub(super) fn next_frame(&mut self, now: Instant, exports: &Exports<ROWS>) -> Option<Next> {
        if let Some(descriptor) = self.acks.pop_front() {
            return Some(Next::RevokeAck(descriptor));
        }
        let from = self.cursor.take()?;
        self.retry_at = now + self.pause;
        let (row, descriptor) = exports.revoking_from(from)?;
        self.cursor = Some(row + 1);
        Some(Next::Revoke(descriptor))
    }
}

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// Nobody may use an export from now on; the importer will know.
    pub(super) fn revoke_row(&mut self, descriptor: Descriptor, faults: Faults) {
        match self.exports.revoke(descriptor) {
            Revoked::Nothing => return,
            Revoked::Complete(object) => {
                self.give_back(object);
                self.revocations.completed(object);
            }
            Revoked::Begun(object) => {
                self.give_back(object);
                self.revocations.begin();
            }
        }
        self.callee.revoked(descriptor, &mut self.exports, faults);
    }

    /// REVOKE.
    pub(super) fn revoked_by_peer(
        &mut self,
        descriptor: Descriptor,
        faults: Faults,
    ) -> Result<(), Dropped> {
        if faults.has(PlantedFault::RevokeAckedTooEarly) {
            return self.acknowledge(Gone::All(descriptor));
        }
        let gone = self.imports.revoke(descriptor);
        while let Some(settled) = self.caller.end_revoked(&self.imports) {
            self.settle(settled);
        }
        self.acknowledge(gone)
    }

    /// Says that nobody has it, if so.
    pub(super) fn acknowledge(&mut self, gone: Gone) -> Result<(), Dropped> {
        match gone {
            Gone::NotYet => Ok(()),
            Gone::All(descriptor) => {
                let queued = self.revocations.acks.push_back(descriptor);
                queued.map_err(|_| Dropped::NoRoom)
            }
        }
    }

    /// Imports that were given up, and that nothing on its way names any more, are released.
    pub(super) fn let_go(&mut self, now: Instant) {
        while let Some(import) = self.caller.next_unpinned() {
            self.imports.unpin(import);
        }
        if self.imports.take_let_go()
            && let Some(session) = self.session.as_mut()
        {
            session.release(now);
        }
    }
}
