//! A peer's transfers, from and into our loans.

use netipc_wire::bulk::{About, Data, Range, Refusal, Want};

use super::inflow::Inflow;
use super::outflow::Outflow;
use super::{Bulk, Peer, Say, Side};
use crate::bulk::{Chunk, Lending, Place};
use crate::fault::Faults;
use crate::maybe::Maybe;
use crate::time::Instant;
use crate::types::Dropped;

/// A transfer of a peer's.
pub(super) struct Lent {
    pub(super) about: About,
    place: Place,
    range: Range,
    flow: Flow,
}

#[allow(
    clippy::large_enum_variant,
    reason = "a row of a table: there is nothing smaller to put elsewhere"
)]
enum Flow {
    Sending(Outflow),
    Storing(Inflow),
}

impl Lent {
    pub(super) fn expire(&mut self, now: Instant) {
        if let Flow::Storing(inflow) = &mut self.flow {
            inflow.expire(now);
        }
    }

    pub(super) const fn timeout(&self) -> Option<Instant> {
        match &self.flow {
            Flow::Storing(inflow) => inflow.timeout(),
            Flow::Sending(_) => None,
        }
    }

    pub(super) fn says(&mut self, now: Instant, faults: Faults) -> Option<Say> {
        match &mut self.flow {
            Flow::Storing(inflow) => Say::want(inflow, now, (self.about, self.range), faults),
            Flow::Sending(_) => None,
        }
    }

    pub(super) fn next_chunk(&mut self, faults: Faults) -> Option<(About, u32, Chunk)> {
        let Flow::Sending(outflow) = &mut self.flow else {
            return None;
        };
        let chunk = outflow.next(self.range.chunks(), faults)?;
        Some((self.about, chunk, self.ours().chunk(self.range, chunk)?))
    }

    /// Our memory: the loan.
    const fn ours(&self) -> Side {
        Side {
            place: self.place,
            at: self.range.offset,
        }
    }

    pub(super) const fn has_chunks(&self) -> bool {
        matches!(&self.flow, Flow::Sending(outflow) if !outflow.is_empty())
    }

    pub(super) const fn has_sent_all(&self) -> bool {
        matches!(&self.flow, Flow::Sending(outflow) if outflow.is_empty())
    }
}

impl Bulk {
    fn find_lent(&mut self, about: About) -> Option<&mut Lent> {
        let mut rows = self.lent.iter_mut().filter_map(Maybe::as_mut);
        rows.find(|row| row.about == about)
    }

    /// A row for a transfer: a free one, or that of an earlier one from or into the same loan.
    fn row_for(&mut self, about: About) -> Result<&mut Maybe<Lent>, Dropped> {
        let free = self.lent.iter().position(|row| !row.is_some());
        let same = || {
            self.lent.iter().position(|row| {
                row.as_ref().is_some_and(|row| {
                    (row.about.slot, row.about.sequence) == (about.slot, about.sequence)
                        && row.about.number < about.number
                })
            })
        };
        let row = free.or_else(same).ok_or(Dropped::NoRoom)?;
        Ok(&mut self.lent[row])
    }

    /// DATA of a store: where it is to be written.
    pub(super) fn stored_into(&mut self, data: &Data<'_>) -> Result<Chunk, Dropped> {
        let row = self.find_lent(data.about).ok_or(Dropped::Stale)?;
        match &row.flow {
            Flow::Storing(inflow) => row.ours().expected(row.range, inflow, data),
            Flow::Sending(_) => Err(Dropped::Violation),
        }
    }
}

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// The loan that a transfer is from or into, if there is one that allows it.
    // [N41]
    fn lending(&self, about: About, range: Range, faults: Faults) -> Result<Lending, Refusal> {
        let lending = self.caller.lends(about, faults).ok_or(Refusal::Over)?;
        if !lending.loan.access.allows(about.direction) {
            return Err(Refusal::NotPermitted);
        }
        match range.fits(lending.loan.length) {
            true => Ok(lending),
            false => Err(Refusal::OutOfRange),
        }
    }

    /// WANT from one of our loans.
    pub(super) fn fetch_wanted(&mut self, want: &Want, faults: Faults) -> Result<(), Dropped> {
        let lending = match self.lending(want.about, want.range, faults) {
            Ok(lending) => lending,
            Err(reason) => return self.bulk.refuse(want.about, reason),
        };
        if self.bulk.find_lent(want.about).is_none() {
            *self.bulk.row_for(want.about)? = Maybe::Just(Lent {
                about: want.about,
                place: lending.place,
                range: want.range,
                flow: Flow::Sending(Outflow::NEW),
            });
            self.bulk.count();
        }
        match self.bulk.find_lent(want.about) {
            Some(Lent {
                range,
                flow: Flow::Sending(outflow),
                ..
            }) if *range == want.range => {
                outflow.want(want.first, want.chunks);
                Ok(())
            }
            _ => Err(Dropped::Violation),
        }
    }

    /// STORE into one of our loans.
    pub(crate) fn store_asked(
        &mut self,
        about: About,
        range: Range,
        faults: Faults,
    ) -> Result<(), Dropped> {
        let lending = match self.lending(about, range, faults) {
            Ok(lending) => lending,
            Err(reason) => return self.bulk.refuse(about, reason),
        };
        if about.number <= self.caller.stored(about.slot) {
            let queued = self.bulk.stored.push_back(about);
            return queued.map_err(|_| Dropped::NoRoom);
        }
        if self.bulk.find_lent(about).is_none() {
            *self.bulk.row_for(about)? = Maybe::Just(Lent {
                about,
                place: lending.place,
                range,
                flow: Flow::Storing(Inflow::new(range.chunks())),
            });
            self.bulk.count();
        }
        Ok(())
    }

    /// The chunk of a store has been written.
    pub(super) fn store_written(&mut self, now: Instant, about: About, chunk: u32, faults: Faults) {
        let Some(Lent {
            flow: Flow::Storing(inflow),
            ..
        }) = self.bulk.find_lent(about)
        else {
            return;
        };
        inflow.take(now, chunk);
        if !inflow.is_complete(faults) {
            return;
        }
        self.caller.note_stored(about);
        for row in &mut self.bulk.lent {
            row.take_if(|row| row.about == about);
        }
        self.bulk.count();
        // If there is no room for it STORE comes again.
        let _ = self.bulk.stored.push_back(about);
    }
}
