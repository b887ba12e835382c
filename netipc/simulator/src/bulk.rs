//! Lent memory on the simulated machines. There is none: what a byte is follows from the call and its place, so each chunk can be
//! checked when it comes.

use netipc_protocol::bulk::{
    Access, CHUNK, Chunk, Direction, Lending, Loan, Place, Transfer, TransferEnd,
};
use netipc_protocol::{Execution, Given, Token};

use crate::Violation;
use crate::network::chance;
use crate::truth::{Checker, Moved};
use crate::world::{Step, World};

/// Chunks of most loans at most, and of the large ones: more than may be under way at once.
const SMALL: u64 = 4;
const LARGE: u64 = 48;
const _: () = assert!(LARGE <= u64::BITS as u64, "a set of chunks is one word");
const _: () = assert!(LARGE > netipc_protocol::limits::BULK_WINDOW_MAX as u64);

/// The memory that is lent with a call.
const fn lent(id: usize) -> Place {
    Place(2 * id as u64)
}

/// The memory of the server that works on a call.
const fn servers(id: usize) -> Place {
    Place(2 * id as u64 + 1)
}

/// The word at a place, a multiple of eight, of some memory.
fn word(place: Place, offset: u64) -> u64 {
    (place.0 + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left((offset / 8 % 61) as u32)
        .wrapping_add(offset)
}

/// What some memory says from a place on.
pub(crate) fn fill(chunk: &Chunk, bytes: &mut [u8]) {
    for (bytes, offset) in bytes.chunks_mut(8).zip((chunk.offset..).step_by(8)) {
        bytes.copy_from_slice(&word(chunk.place, offset).to_le_bytes()[..bytes.len()]);
    }
}

/// Whether bytes are what some memory says from a place on.
fn says(place: Place, offset: u64, bytes: &[u8]) -> bool {
    bytes
        .chunks(8)
        .zip((offset..).step_by(8))
        .all(|(bytes, offset)| *bytes == word(place, offset).to_le_bytes()[..bytes.len()])
}

impl World {
    /// Perhaps memory that is lent with call `id`.
    pub(crate) fn something_to_lend(&mut self, id: usize) -> Option<(Given, Loan)> {
        if !chance(&mut self.rng, self.profile.lend) {
            return None;
        }
        let chunks = match self.rng.u8(..16) {
            0 => LARGE,
            _ => SMALL,
        };
        let access = [Access::Read, Access::Write, Access::ReadWrite][self.rng.usize(..3)];
        let length = self.rng.u64(1..=chunks * CHUNK as u64);
        let loan = Loan { length, access };
        let place = lent(id);
        Some((Given::Loan(Lending { place, loan }), loan))
    }

    /// A server fetches from the loan that came with its call, or stores into it; whether it has begun to.
    pub(crate) fn move_something(
        &mut self,
        node: usize,
        id: usize,
        execution: Execution,
        loan: Loan,
    ) -> bool {
        let direction = match self.rng.bool() {
            true => Direction::Fetch,
            false => Direction::Store,
        };
        // Now and then beyond its end.
        let offset = match self.rng.u8(..4) {
            0 => self.rng.u64(..=loan.length) / 8 * 8,
            _ => 0,
        };
        let length = match self.rng.u8(..16) {
            0 => self.rng.u64(1..=loan.length),
            _ => (loan.length - offset).max(1),
        };
        let transfer = Transfer {
            token: Token(id as u64),
            execution,
            direction,
            place: servers(id),
            at: offset,
            offset,
            length,
        };
        let local = self.local(node);
        let begun = self.machines[node].endpoint.transfer(local, &transfer);
        self.on(node, Some(id), || {
            format!("{direction:?} of {length} bytes at {offset} for call {id}: {begun:?}")
        });
        if begun.is_ok() {
            self.summary.transfers += 1;
            self.truth.moves(
                id,
                Moved::new(
                    direction,
                    offset,
                    length,
                    loan.access.allows(direction) && offset + length <= loan.length,
                ),
            );
        }
        begun.is_ok()
    }

    /// A chunk that has come is written.
    pub(crate) fn write(&mut self, node: usize, frame: &[u8]) -> Step {
        let local = self.local(node);
        let Some(arrived) = self.machines[node].endpoint.arrived(local) else {
            return Ok(());
        };
        self.summary.chunks += 1;
        let id = (arrived.place.0 / 2) as usize;
        let bytes = frame.get(arrived.in_frame).unwrap_or(&[]);
        let (here, there) = (arrived.place, Place(arrived.place.0 ^ 1));
        let broken = |what: String| {
            Err(Violation {
                checker: Checker::Bulk,
                at: self.now,
                call: Some(id),
                what,
            })
        };
        if !says(there, arrived.offset, bytes) {
            return broken(format!(
                "what {node} writes at {} is not what the other has there",
                arrived.offset
            ));
        }
        let working = self.machines[node].working.contains_key(&id);
        match self
            .truth
            .written(id, node, here == lent(id), working, arrived.offset, bytes)
        {
            Ok(()) => Ok(()),
            Err(what) => broken(format!("{node} writes at {}: {what}", arrived.offset)),
        }
    }

    /// A transfer has ended: the server goes on.
    pub(crate) fn transferred(
        &mut self,
        node: usize,
        id: usize,
        result: Result<(), TransferEnd>,
    ) -> Step {
        self.on(node, Some(id), || {
            format!("the transfer for call {id} ends: {result:?}")
        });
        if let Err(what) = self.truth.moved(id, result) {
            return Err(Violation {
                checker: Checker::Bulk,
                at: self.now,
                call: Some(id),
                what,
            });
        }
        let Some(work) = self.machines[node].working.get(&id).copied() else {
            return Ok(());
        };
        // Sometimes there is more.
        if let Some(loan) = work.loan
            && self.rng.u8(..4) == 0
            && self.move_something(node, id, work.execution, loan)
        {
            return Ok(());
        }
        self.plan_done(node, id);
        Ok(())
    }
}
