//! Our transfers, from and into a peer's loans.

use core::time::Duration;

use netipc_wire::bulk::{About, Data, Direction, Range, Refusal, Want};
use netipc_wire::{SlotIndex, bulk};

use super::inflow::Inflow;
use super::outflow::Outflow;
use super::{Bulk, Peer, Say, Side};
use crate::bulk::{Chunk, Transfer, TransferEnd};
use crate::fault::Faults;
use crate::limits::{RETRANSMIT_FIRST, RETRANSMIT_MAX};
use crate::maybe::Maybe;
use crate::time::Instant;
use crate::types::{Dropped, Token};

/// A transfer of ours.
pub(super) struct Borrowed {
    pub(super) about: About,
    pub(super) token: Token,
    /// Our memory.
    ours: Side,
    /// Of the loan.
    range: Range,
    pub(super) work: Work,
}

/// What it is about.
#[allow(
    clippy::large_enum_variant,
    reason = "a row of a table: there is nothing smaller to put elsewhere"
)]
pub(super) enum Work {
    Fetching(Inflow),
    Storing(Storing),
    /// The proxy does not know yet.
    Ended(Result<(), TransferEnd>),
}

/// Bytes of ours for a loan.
pub(super) struct Storing {
    outflow: Outflow,
    /// STORE is to be said.
    due: bool,
    say_at: Instant,
    pause: Duration,
}

impl Borrowed {
    pub(super) const fn has_ended(&self) -> bool {
        matches!(self.work, Work::Ended(_))
    }

    /// It is over, unless it is already.
    pub(super) fn end(&mut self, result: Result<(), TransferEnd>) {
        if !self.has_ended() {
            self.work = Work::Ended(result);
        }
    }

    pub(super) fn expire(&mut self, now: Instant) {
        match &mut self.work {
            Work::Fetching(inflow) => inflow.expire(now),
            Work::Storing(storing) => storing.due |= storing.say_at <= now,
            Work::Ended(_) => {}
        }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        match &self.work {
            Work::Fetching(inflow) => inflow.timeout(),
            Work::Storing(storing) => (!storing.due).then_some(storing.say_at),
            Work::Ended(_) => None,
        }
    }

    pub(super) fn says(&mut self, now: Instant, faults: Faults) -> Option<Say> {
        match &mut self.work {
            Work::Fetching(inflow) => Say::want(inflow, now, (self.about, self.range), faults),
            Work::Storing(storing) if storing.due => {
                storing.due = false;
                storing.say_at = now + storing.pause;
                storing.pause = (storing.pause * 2).min(RETRANSMIT_MAX);
                Some(Say::Store(self.about, self.range))
            }
            Work::Storing(_) | Work::Ended(_) => None,
        }
    }

    pub(super) const fn has_chunks(&self) -> bool {
        matches!(&self.work, Work::Storing(storing) if !storing.outflow.is_empty())
    }

    pub(super) fn next_chunk(&mut self, faults: Faults) -> Option<(About, u32, Chunk)> {
        let Work::Storing(storing) = &mut self.work else {
            return None;
        };
        let chunk = storing.outflow.next(self.range.chunks(), faults)?;
        Some((self.about, chunk, self.ours.chunk(self.range, chunk)?))
    }
}

impl Bulk {
    fn find_borrowed(&mut self, about: About) -> Result<&mut Borrowed, Dropped> {
        let mut rows = self.borrowed.iter_mut().filter_map(Maybe::as_mut);
        rows.find(|row| row.about == about && !row.has_ended())
            .ok_or(Dropped::Stale)
    }

    /// DATA of a fetch: where it is to be written.
    pub(super) fn fetched(&mut self, data: &Data<'_>) -> Result<Chunk, Dropped> {
        let row = self.find_borrowed(data.about)?;
        let Work::Fetching(inflow) = &row.work else {
            return Err(Dropped::Violation);
        };
        row.ours.expected(row.range, inflow, data)
    }

    /// The chunk of a fetch has been written.
    pub(super) fn fetch_written(&mut self, now: Instant, about: About, chunk: u32, faults: Faults) {
        if let Ok(row) = self.find_borrowed(about)
            && let Work::Fetching(inflow) = &mut row.work
        {
            inflow.take(now, chunk);
            if inflow.is_complete(faults) {
                row.end(Ok(()));
            }
        }
    }
}

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// Begins a transfer, or says why not.
    pub(crate) fn transfer(
        &mut self,
        now: Instant,
        transfer: &Transfer,
    ) -> Result<(), TransferEnd> {
        let range = Range {
            offset: transfer.offset,
            length: transfer.length,
        };
        if transfer.length == 0 || !range.fits(bulk::LOAN_MAX) {
            return Err(TransferEnd::OutOfRange);
        }
        let about = About {
            slot: SlotIndex(transfer.execution.slot),
            sequence: transfer.execution.sequence,
            direction: transfer.direction,
            number: self.bulk.number.saturating_add(1),
        };
        let here = self.session_id() == Some(transfer.execution.session);
        if !here || !self.callee.works_on(about) {
            return Err(TransferEnd::Over);
        }
        let mut rows = self.bulk.borrowed.iter_mut();
        let row = rows.find(|row| !row.is_some());
        let row = row.ok_or(TransferEnd::Overload)?;
        *row = Maybe::Just(Borrowed {
            about,
            token: transfer.token,
            ours: Side {
                place: transfer.place,
                at: transfer.at,
            },
            range,
            work: match transfer.direction {
                Direction::Fetch => Work::Fetching(Inflow::new(range.chunks())),
                Direction::Store => Work::Storing(Storing {
                    outflow: Outflow::NEW,
                    due: true,
                    say_at: now,
                    pause: RETRANSMIT_FIRST,
                }),
            },
        });
        self.bulk.number = about.number;
        self.bulk.count();
        self.note_awaiting(now);
        Ok(())
    }

    /// WANT for a store of ours.
    pub(super) fn store_wanted(&mut self, now: Instant, want: &Want) -> Result<(), Dropped> {
        let row = self.bulk.find_borrowed(want.about)?;
        match &mut row.work {
            Work::Storing(storing) if row.range == want.range => {
                storing.outflow.want(want.first, want.chunks);
                // The lender asks for what it lacks, and for more.
                storing.due = false;
                storing.say_at = now + RETRANSMIT_MAX;
                storing.pause = RETRANSMIT_MAX;
                Ok(())
            }
            _ => Err(Dropped::Violation),
        }
    }

    /// STORED.
    pub(crate) fn store_done(&mut self, about: About) -> Result<(), Dropped> {
        self.bulk.find_borrowed(about)?.end(Ok(()));
        Ok(())
    }

    /// BULK-REFUSE.
    pub(crate) fn transfer_refused(
        &mut self,
        about: About,
        reason: Refusal,
    ) -> Result<(), Dropped> {
        self.bulk.find_borrowed(about)?.end(Err(reason.into()));
        Ok(())
    }
}
