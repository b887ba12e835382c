//! Lent memory: transfers from and into a peer's loans, and the peer's from and into ours. The prose is in `docs/bulk.md`.

mod borrower;
mod inflow;
mod lender;
mod outflow;

use heapless::Deque;
use netipc_wire::Message;
use netipc_wire::bulk::{About, Data, Direction, Range, Refusal, Want};

use super::{Next, Peer};
use crate::bulk::{Arrived, Chunk, Place, TransferEnd};
use crate::fault::Faults;
use crate::limits::{BULK_ANSWERS, TRANSFERS};
use crate::maybe::Maybe;
use crate::time::{Instant, Sooner};
use crate::types::{Dropped, Event};
use borrower::{Borrowed, Work};
use inflow::Inflow;
use lender::Lent;

/// The transfers with a peer.
pub(crate) struct Bulk {
    /// Rows that are not free: with none of them nothing else here is looked at.
    busy: usize,
    /// Ours, from and into the peer's loans.
    borrowed: [Maybe<Borrowed>; TRANSFERS],
    /// The peer's, from and into our loans.
    lent: [Maybe<Lent>; TRANSFERS],
    /// How many of ours there were in this session.
    number: u32,
    refusals: Deque<(About, Refusal), BULK_ANSWERS>,
    stored: Deque<About, BULK_ANSWERS>,
    /// A chunk that has come, and is not written yet.
    pending: Maybe<Pending>,
    /// The row that sends first, so that none starves the others.
    turn: usize,
}

/// The memory of one side of a transfer: what it is called, and where in it the first byte is.
#[derive(Clone, Copy)]
struct Side {
    place: Place,
    at: u64,
}

impl Side {
    /// Where a chunk of a transfer is; `None` if it has not so many.
    fn chunk(self, range: Range, chunk: u32) -> Option<Chunk> {
        let (start, length) = range.chunk(chunk)?;
        Some(Chunk {
            place: self.place,
            offset: self.at + start,
            length,
        })
    }

    /// Where a chunk is to be written, if it is the one that it says it is, and is expected.
    fn expected(self, range: Range, inflow: &Inflow, data: &Data<'_>) -> Result<Chunk, Dropped> {
        let chunk = self.chunk(range, data.chunk).ok_or(Dropped::Violation)?;
        if chunk.length != data.bytes.len() {
            return Err(Dropped::Violation);
        }
        if !inflow.expects(data.chunk) {
            return Err(Dropped::Stale);
        }
        Ok(chunk)
    }
}

/// A chunk that has come.
struct Pending {
    about: About,
    chunk: u32,
    arrived: Arrived,
}

/// What is said about transfers.
#[derive(Clone, Copy)]
pub(crate) enum Say {
    Want(Want),
    Store(About, Range),
    Stored(About),
    Refuse(About, Refusal),
}

impl Say {
    /// What the receiver of a transfer wants now, if anything; it counts as wanted.
    fn want(
        inflow: &mut Inflow,
        now: Instant,
        (about, range): (About, Range),
        faults: Faults,
    ) -> Option<Self> {
        if !inflow.has_wants(faults) {
            return None;
        }
        let (first, chunks) = inflow.want(now, faults);
        Some(Self::Want(Want {
            about,
            range,
            first,
            chunks,
        }))
    }

    pub(crate) const fn message(self) -> Message<'static> {
        match self {
            Self::Want(want) => Message::Want(want),
            Self::Store(about, range) => Message::Store(about, range),
            Self::Stored(about) => Message::Stored(about),
            Self::Refuse(about, reason) => Message::BulkRefuse(about, reason),
        }
    }
}

impl Bulk {
    pub(crate) const NEW: Self = Self {
        busy: 0,
        borrowed: [const { Maybe::Nothing }; TRANSFERS],
        lent: [const { Maybe::Nothing }; TRANSFERS],
        number: 0,
        refusals: Deque::new(),
        stored: Deque::new(),
        pending: Maybe::Nothing,
        turn: 0,
    };

    /// As after a start of the machine.
    pub(crate) fn clear(&mut self) {
        self.borrowed = [const { Maybe::Nothing }; TRANSFERS];
        self.end_session();
        self.busy = 0;
    }

    /// Our transfers end, the peer's are forgotten.
    pub(crate) fn end_session(&mut self) {
        for borrowed in self.borrowed.iter_mut().filter_map(Maybe::as_mut) {
            borrowed.end(Err(TransferEnd::PeerLost));
        }
        self.lent = [const { Maybe::Nothing }; TRANSFERS];
        self.number = 0;
        self.refusals.clear();
        self.stored.clear();
        self.pending = Maybe::Nothing;
        self.count();
    }

    /// Rows have been freed, or taken.
    fn count(&mut self) {
        let borrowed = self.borrowed.iter().filter(|row| row.is_some());
        let lent = self.lent.iter().filter(|row| row.is_some());
        self.busy = borrowed.count() + lent.count();
    }

    /// Rows that are not free.
    pub(crate) const fn len(&self) -> usize {
        self.busy
    }

    /// Whether the peer is to be listened to.
    pub(crate) fn awaits(&self) -> bool {
        if self.busy == 0 {
            return false;
        }
        let mut borrowed = self.borrowed.iter().filter_map(Maybe::as_ref);
        borrowed.any(|borrowed| !borrowed.has_ended())
    }

    /// Whether [`next_event`](Self::next_event) has one.
    pub(crate) fn has_event(&self) -> bool {
        if self.busy == 0 {
            return false;
        }
        let mut borrowed = self.borrowed.iter().filter_map(Maybe::as_ref);
        borrowed.any(Borrowed::has_ended)
    }

    /// A transfer of ours that has ended, which the proxy does not know yet.
    pub(crate) fn next_event(&mut self) -> Option<Event<'static>> {
        if self.busy == 0 {
            return None;
        }
        let mut rows = self.borrowed.iter_mut();
        let ended = rows.find_map(|row| row.take_if(Borrowed::has_ended))?;
        self.count();
        match ended.work {
            Work::Ended(result) => Some(Event::Transferred {
                token: ended.token,
                result,
            }),
            Work::Fetching(_) | Work::Storing(_) => None,
        }
    }

    /// What the passing of time has made due.
    pub(crate) fn expire(&mut self, now: Instant) {
        if self.busy == 0 {
            return;
        }
        for borrowed in self.borrowed.iter_mut().filter_map(Maybe::as_mut) {
            borrowed.expire(now);
        }
        for lent in self.lent.iter_mut().filter_map(Maybe::as_mut) {
            lent.expire(now);
        }
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        if self.busy == 0 {
            return None;
        }
        let borrowed = self.borrowed.iter().filter_map(Maybe::as_ref);
        let lent = self.lent.iter().filter_map(Maybe::as_ref);
        let ours = borrowed.filter_map(Borrowed::timeout).min();
        ours.sooner(lent.filter_map(Lent::timeout).min())
    }

    /// What is to be said next, if anything; it counts as said.
    pub(crate) fn next_frame(&mut self, now: Instant, faults: Faults) -> Option<Next> {
        if let Some((about, reason)) = self.refusals.pop_front() {
            return Some(Next::Bulk(Say::Refuse(about, reason)));
        }
        if let Some(about) = self.stored.pop_front() {
            return Some(Next::Bulk(Say::Stored(about)));
        }
        if self.busy == 0 {
            return None;
        }
        let mut borrowed = self.borrowed.iter_mut().filter_map(Maybe::as_mut);
        let mut lent = self.lent.iter_mut().filter_map(Maybe::as_mut);
        borrowed
            .find_map(|borrowed| borrowed.says(now, faults))
            .or_else(|| lent.find_map(|lent| lent.says(now, faults)))
            .map(Next::Bulk)
    }

    fn has_chunks(&self) -> bool {
        if self.busy == 0 {
            return false;
        }
        let mut borrowed = self.borrowed.iter().filter_map(Maybe::as_ref);
        let mut lent = self.lent.iter().filter_map(Maybe::as_ref);
        borrowed.any(Borrowed::has_chunks) || lent.any(Lent::has_chunks)
    }

    /// The next chunk to send, if any; it counts as sent.
    // [N40]
    fn next_chunk(&mut self, faults: Faults) -> Option<(About, u32, Chunk)> {
        const ROWS: usize = 2 * TRANSFERS;
        if self.busy == 0 {
            return None;
        }
        let turn = self.turn;
        for row in (0..ROWS).map(|step| (turn + step) % ROWS) {
            let chunk = match row.checked_sub(TRANSFERS) {
                None => self.borrowed[row]
                    .as_mut()
                    .and_then(|borrowed| borrowed.next_chunk(faults)),
                Some(row) => {
                    let chunk = self.lent[row].as_mut().and_then(|l| l.next_chunk(faults));
                    if self.lent[row].take_if(Lent::has_sent_all).is_some() {
                        self.count();
                    }
                    chunk
                }
            };
            if chunk.is_some() {
                self.turn = (row + 1) % ROWS;
                return chunk;
            }
        }
        None
    }

    fn refuse(&mut self, about: About, reason: Refusal) -> Result<(), Dropped> {
        self.refusals
            .push_back((about, reason))
            .map_err(|_| Dropped::NoRoom)
    }
}

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// WANT.
    pub(super) fn wanted(
        &mut self,
        now: Instant,
        want: &Want,
        faults: Faults,
    ) -> Result<(), Dropped> {
        match want.about.direction {
            Direction::Fetch => self.fetch_wanted(want, faults),
            Direction::Store => self.store_wanted(now, want),
        }
    }

    /// DATA: where its bytes are to be written, if they are expected.
    // [N39]
    pub(super) fn data(&mut self, data: &Data<'_>, faults: Faults) -> Result<(), Dropped> {
        let place = match data.about.direction {
            Direction::Fetch => self.bulk.fetched(data)?,
            Direction::Store => {
                let lending = self.caller.lends(data.about, faults);
                lending.ok_or(Dropped::Stale)?;
                self.bulk.stored_into(data)?
            }
        };
        let start = Data::BYTES_IN_FRAME;
        self.bulk.pending = Maybe::Just(Pending {
            about: data.about,
            chunk: data.chunk,
            arrived: Arrived {
                place: place.place,
                offset: place.offset,
                in_frame: start..start + place.length,
            },
        });
        Ok(())
    }

    /// The chunk that has come is not written: as if the network had lost it.
    pub(crate) fn forget_chunk(&mut self) {
        self.bulk.pending = Maybe::Nothing;
    }

    /// The chunk that has come is being written.
    pub(crate) fn arrived(&mut self, now: Instant, faults: Faults) -> Option<Arrived> {
        let Pending {
            about,
            chunk,
            arrived,
        } = self.bulk.pending.take()?;
        match about.direction {
            Direction::Fetch => self.bulk.fetch_written(now, about, chunk, faults),
            Direction::Store => self.store_written(now, about, chunk, faults),
        }
        self.note_awaiting(now);
        Some(arrived)
    }

    /// Whether there is a chunk to send.
    pub(crate) fn has_chunks(&self) -> bool {
        self.session.is_some() && self.bulk.has_chunks()
    }

    /// The next chunk to send, if any; it counts as sent.
    pub(crate) fn next_chunk(&mut self, faults: Faults) -> Option<(About, u32, Chunk)> {
        self.session.as_ref()?;
        self.bulk.next_chunk(faults)
    }

    /// Transfers whose loan is over end.
    // [N44]
    pub(super) fn end_loans(&mut self, faults: Faults) {
        if self.bulk.busy == 0 {
            return;
        }
        for borrowed in self.bulk.borrowed.iter_mut().filter_map(Maybe::as_mut) {
            if !self.callee.works_on(borrowed.about) {
                borrowed.end(Err(TransferEnd::Over));
            }
        }
        for lent in &mut self.bulk.lent {
            lent.take_if(|lent| self.caller.lends(lent.about, faults).is_none());
        }
        self.bulk.count();
    }
}
