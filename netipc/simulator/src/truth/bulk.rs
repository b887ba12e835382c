//! What is moved from and into lent memory.

use netipc_protocol::bulk::{CHUNK, Direction, Loan, TransferEnd};
use netipc_protocol::limits::BULK_WINDOW_MAX;
use netipc_protocol::{Instant, SessionId};
use netipc_wire::Message;
use netipc_wire::bulk::{About, Want};

use super::{Check, Checker, Truth, broken};

/// A transfer, by everybody's account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    direction: Direction,
    offset: u64,
    length: u64,
    /// Whether the loan allows it.
    allowed: bool,
    /// The chunks that were written.
    came: u64,
    ended: bool,
}

impl Moved {
    /// Nothing was written yet.
    pub(crate) const fn new(direction: Direction, offset: u64, length: u64, allowed: bool) -> Self {
        Self {
            direction,
            offset,
            length,
            allowed,
            came: 0,
            ended: false,
        }
    }

    const fn is_complete(&self) -> bool {
        self.came.count_ones() as u64 == self.length.div_ceil(CHUNK as u64)
    }
}

impl Truth {
    /// A call lends memory.
    pub(crate) fn lends(&mut self, id: usize, loan: Loan) {
        self.calls[id].loan = Some(loan);
    }

    /// A server has begun a transfer. One call has one at a time.
    pub(crate) fn moves(&mut self, id: usize, moved: Moved) {
        self.calls[id].moved = Some(moved);
    }

    /// A chunk is written, by the lender or by the borrower; what is wrong with that.
    // [N39]
    pub(crate) fn written(
        &mut self,
        id: usize,
        node: usize,
        is_lender: bool,
        working: bool,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), String> {
        let Some(call) = self.calls.get_mut(id) else {
            return Err("nobody made the call".into());
        };
        let over = call.outcome.is_some() || call.cancelled || call.orphaned;
        if is_lender && (over || call.caller != node) {
            return Err(format!("the loan of call {id} is over"));
        }
        if !is_lender && (!working || call.callee != node) {
            return Err(format!("call {id} is not at work there"));
        }
        let Some(moved) = &mut call.moved else {
            return Err("nobody has begun a transfer".into());
        };
        let direction = match is_lender {
            true => Direction::Store,
            false => Direction::Fetch,
        };
        // The lender does not know yet that the borrower has no use for it any more.
        let ended = moved.ended && !is_lender;
        if ended || moved.direction != direction || !moved.allowed {
            return Err(format!("it belongs to no transfer: {moved:?}"));
        }
        let start = offset.checked_sub(moved.offset);
        let Some(start) = start.filter(|start| start + bytes.len() as u64 <= moved.length) else {
            return Err(format!("it is beyond the transfer: {moved:?}"));
        };
        if start % CHUNK as u64 != 0 {
            return Err("it is no chunk".into());
        }
        moved.came |= 1 << (start / CHUNK as u64);
        Ok(())
    }

    /// A transfer has ended; what is wrong with that.
    // [N42]
    pub(crate) fn moved(
        &mut self,
        id: usize,
        result: Result<(), TransferEnd>,
    ) -> Result<(), String> {
        let calm = self.calm.is_some();
        let Some(call) = self.calls.get_mut(id) else {
            return Err(format!("a transfer for call {id}, which nobody made"));
        };
        let Some(moved) = call.moved.as_mut().filter(|moved| !moved.ended) else {
            return Err(format!("no transfer for call {id} was to end"));
        };
        moved.ended = true;
        match result {
            Ok(()) if !moved.is_complete() => Err(format!("not everything has come: {moved:?}")),
            Ok(()) => Ok(()),
            // [N41]
            Err(TransferEnd::NotPermitted | TransferEnd::OutOfRange) if moved.allowed => {
                Err(format!("the loan allows it: {moved:?}"))
            }
            Err(TransferEnd::Overload) => Err("it had begun".into()),
            Err(TransferEnd::Over | TransferEnd::PeerLost) if calm && call.must_succeed => {
                Err(format!("all is well, and it ends so: {result:?}"))
            }
            Err(_) => Ok(()),
        }
    }

    /// From this call on everything must succeed.
    pub(crate) fn must_succeed(&mut self, id: usize) {
        self.calls[id].must_succeed = true;
    }

    /// What is said about transfers on the wire.
    // [N40]
    pub(super) fn tap_bulk(
        &mut self,
        now: Instant,
        (from, to): (usize, usize),
        session: SessionId,
        message: &Message<'_>,
    ) -> Check {
        match message {
            Message::Want(want) => {
                let (caller, callee) = ends((to, from), want.about);
                let Some(id) = self.transferring(caller, callee, session, want.about) else {
                    return Ok(());
                };
                if want.chunks.count_ones() > BULK_WINDOW_MAX {
                    let what = format!("so many chunks at once: {want:?}");
                    return broken(Checker::Bulk, now, id, what);
                }
                Ok(())
            }
            Message::Data(data) => {
                let (caller, callee) = ends((from, to), data.about);
                let Some(id) = self.transferring(caller, callee, session, data.about) else {
                    return Ok(());
                };
                let wanted = self.wanted.get_mut(&(id, data.about));
                match wanted.and_then(|wanted| wanted.get_mut(data.chunk as usize)) {
                    Some(count) if *count > 0 => {
                        *count -= 1;
                        Ok(())
                    }
                    _ => {
                        let what = format!("chunk {} is sent, and was not wanted", data.chunk);
                        broken(Checker::Bulk, now, id, what)
                    }
                }
            }
            _ => Ok(()),
        }
    }

    /// A WANT has reached the sender of a transfer.
    pub(crate) fn want_arrived(
        &mut self,
        (from, to): (usize, usize),
        session: SessionId,
        want: &Want,
    ) {
        let (caller, callee) = ends((to, from), want.about);
        let Some(id) = self.transferring(caller, callee, session, want.about) else {
            return;
        };
        let wanted = self.wanted.entry((id, want.about)).or_insert([0; 64]);
        for bit in (0..64_u32).filter(|bit| want.chunks & 1 << bit != 0) {
            if let Some(count) = wanted.get_mut((want.first + bit) as usize) {
                *count += 1;
            }
        }
    }

    fn transferring(
        &self,
        caller: usize,
        callee: usize,
        session: SessionId,
        about: About,
    ) -> Option<usize> {
        self.find(caller, callee, session, about.slot, about.sequence)
    }
}

/// Caller and callee, if the bytes go from the first to the second.
const fn ends((sender, receiver): (usize, usize), about: About) -> (usize, usize) {
    match about.direction {
        Direction::Fetch => (sender, receiver),
        Direction::Store => (receiver, sender),
    }
}
