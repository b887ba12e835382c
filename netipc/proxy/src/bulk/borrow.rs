//! What servers of this machine fetch from loans, and store into them.

use isthmus_abi::{NotExecuted, Slot};
use isthmus_runtime::interface::Later;
use isthmus_runtime::memory::{Mapping, ObjectCap};
use isthmus_runtime::{Incoming, Service, slots};
use netipc_interface::{Loan, LoanError, Terms, loan};
use netipc_protocol::bulk::{self, Direction, Transfer, TransferEnd};
use netipc_protocol::{Execution, NodeId, Token};
use netipc_proxy_logic::Caller;
use netipc_proxy_logic::limits::{BORROWED, SLICE_BYTES};

use super::{Borrowed, Bulk, terms, transfer_place};
use crate::capability::Capabilities;
use crate::mapper::{Errand, Whose};
use crate::own::answer_with;
use crate::proxy::Proxy;

/// A fetch or a store.
pub struct Moving {
    later: Option<Later<(), LoanError>>,
    /// The server's.
    object: Slot,
    pub(super) mapping: Option<Mapping>,
    direction: Direction,
    at: u64,
    offset: u64,
    length: u64,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    /// The object is being mapped, and then it is moved from or to this.
    Begun(Other),
    /// The protocol moves it.
    Far,
    /// It is moved here, from or into a loan of this machine; so many bytes have been.
    Here { loan: usize, moved: u64 },
    /// The object is being unmapped, and then the server is told.
    Over(Result<(), LoanError>),
}

/// Where the loan is.
#[derive(Clone, Copy)]
enum Other {
    /// On another machine: the request that it came with.
    Far(Execution),
    /// On this one: its row.
    Here(usize),
}

impl Moving {
    /// Whether bytes are moved here, for it.
    pub(super) const fn is_here(&self) -> bool {
        matches!(self.state, State::Here { .. })
    }
}

const fn told(end: TransferEnd) -> LoanError {
    match end {
        TransferEnd::Over => LoanError::Over,
        TransferEnd::NotPermitted => LoanError::NotPermitted,
        TransferEnd::OutOfRange => LoanError::OutOfRange,
        TransferEnd::PeerLost => LoanError::PeerLost,
        TransferEnd::Overload => LoanError::TooMany,
    }
}

/// A call that came through a loan.
struct Through<'p> {
    proxy: &'p mut Proxy,
    caller: Caller,
}

impl Through<'_> {
    fn find(&self) -> Result<(bulk::Loan, Other), LoanError> {
        let found = match self.caller {
            Caller::Borrowed(row) => {
                let borrowed = self.proxy.bulk.borrowed.get(row.into());
                borrowed.map(|borrowed| (borrowed.loan, Other::Far(borrowed.execution)))
            }
            Caller::Loan(row) => {
                let lent = self.proxy.lent_here(row.into());
                lent.map(|loan| (loan, Other::Here(row.into())))
            }
            _ => None,
        };
        found.ok_or(LoanError::Over)
    }

    fn begin(
        &mut self,
        direction: Direction,
        (offset, length): (u64, u64),
        (object, at): (&ObjectCap, u64),
        later: Later<(), LoanError>,
    ) {
        let (loan, other) = match self.find() {
            Ok(found) => found,
            Err(error) => return later.answer(Err(error)),
        };
        if !loan.access.allows(direction) {
            return later.answer(Err(LoanError::NotPermitted));
        }
        let end = offset.checked_add(length);
        if length == 0 || end.is_none_or(|end| end > loan.length) {
            return later.answer(Err(LoanError::OutOfRange));
        }
        if self.proxy.bulk.mapper.is_none() || object.own_badge().is_some() {
            return later.answer(Err(LoanError::NoMemory));
        }
        let Some(row) = self.proxy.bulk.moving.vacant() else {
            return later.answer(Err(LoanError::TooMany));
        };
        let Ok(object) = slots::take_received() else {
            return later.answer(Err(LoanError::TooMany));
        };
        if let Other::Here(lent) = other {
            self.proxy.use_loan(lent);
        }
        let inserted = self.proxy.bulk.moving.insert(Moving {
            later: Some(later),
            object,
            mapping: None,
            direction,
            at,
            offset,
            length,
            state: State::Begun(other),
        });
        debug_assert!(inserted.is_ok_and(|number| number == row));
        self.proxy
            .bulk
            .errand(Errand::Map(Whose::Transfer(row), object));
    }
}

impl Loan for Through<'_> {
    fn terms(&mut self) -> Result<Terms, LoanError> {
        Ok(terms(self.find()?.0))
    }

    fn fetch(
        &mut self,
        offset: u64,
        length: u64,
        into: ObjectCap,
        at: u64,
        later: Later<(), LoanError>,
    ) {
        self.begin(Direction::Fetch, (offset, length), (&into, at), later);
    }

    fn store(
        &mut self,
        offset: u64,
        length: u64,
        from: ObjectCap,
        at: u64,
        later: Later<(), LoanError>,
    ) {
        self.begin(Direction::Store, (offset, length), (&from, at), later);
    }
}

impl Bulk {
    /// A request of a peer comes with a loan: what its server is given.
    pub fn borrow(
        &mut self,
        service: Service,
        execution: Execution,
        loan: bulk::Loan,
    ) -> Result<Slot, NotExecuted> {
        let overload = NotExecuted::Overload;
        let row = self.borrowed.vacant().ok_or(overload)?;
        let capabilities = Capabilities::allocate().map_err(|_| overload)?;
        let badge = Caller::Borrowed(row as u16).badge();
        if capabilities.mint(service, badge).is_err() {
            capabilities.free();
            return Err(overload);
        }
        let inserted = self.borrowed.insert(Borrowed {
            execution,
            loan,
            capabilities,
        });
        debug_assert!(inserted.is_ok_and(|number| number == row));
        Ok(capabilities.delivered())
    }
}

impl Proxy {
    /// Answers a call through a loan.
    pub(crate) fn answer_loan(&mut self, caller: Caller, message: &Incoming) {
        let mut through = Through {
            proxy: self,
            caller,
        };
        answer_with(message, |request, answer| {
            loan::dispatch(&mut through, request, answer)
        });
    }

    /// A request is over, and with it the loan that it came with, if one did.
    pub(crate) fn give_back(&mut self, execution: Execution) {
        self.give_back_where(|borrowed| borrowed.execution == execution);
    }

    /// The session with a node is over, and with it its loans.
    pub(crate) fn give_back_all(&mut self, node: NodeId) {
        self.give_back_where(|borrowed| borrowed.execution.node() == node);
    }

    fn give_back_where(&mut self, which: impl Fn(&Borrowed) -> bool) {
        if self.bulk.borrowed.is_empty() {
            return;
        }
        for row in 0..BORROWED {
            if self.bulk.borrowed.get(row).is_some_and(&which)
                && let Some(borrowed) = self.bulk.borrowed.remove(row)
            {
                borrowed.capabilities.revoke();
                borrowed.capabilities.free();
            }
        }
    }

    pub(super) fn transfer_mapped(&mut self, row: usize, mapping: Option<Mapping>) {
        let Some(moving) = self.bulk.moving.get_mut(row) else {
            return;
        };
        let State::Begun(other) = moving.state else {
            return;
        };
        let bytes = mapping.as_ref().map(Mapping::bytes);
        moving.mapping = mapping;
        let end = moving.at.checked_add(moving.length);
        let wrong = match bytes {
            None => Some(LoanError::NoMemory),
            Some(bytes) if end.is_none_or(|end| end > bytes) => Some(LoanError::OutOfRange),
            Some(_) => None,
        };
        let begun = match (wrong, other) {
            (Some(wrong), _) => Err(wrong),
            (None, Other::Here(loan)) => {
                moving.state = State::Here { loan, moved: 0 };
                return;
            }
            (None, Other::Far(execution)) => {
                let transfer = Transfer {
                    token: Token(row as u64),
                    execution,
                    direction: moving.direction,
                    place: transfer_place(row),
                    at: moving.at,
                    offset: moving.offset,
                    length: moving.length,
                };
                moving.state = State::Far;
                let now = self.now();
                self.protocol.transfer(now, &transfer).map_err(told)
            }
        };
        if let Err(error) = begun {
            if let Other::Here(loan) = other {
                self.leave_loan(loan);
            }
            self.end_transfer(row, Err(error));
        }
    }

    /// The protocol has no more to do with a transfer's memory.
    pub(crate) fn transferred(&mut self, token: Token, result: Result<(), TransferEnd>) {
        self.end_transfer(token.0 as usize, result.map_err(told));
    }

    fn end_transfer(&mut self, row: usize, result: Result<(), LoanError>) {
        let Some(moving) = self.bulk.moving.get_mut(row) else {
            return;
        };
        moving.state = State::Over(result);
        match moving.mapping.take() {
            Some(mapping) => {
                let errand = Errand::Unmap(Whose::Transfer(row), mapping);
                self.bulk.errand(errand);
            }
            None => self.transfer_unmapped(row),
        }
    }

    pub(super) fn transfer_unmapped(&mut self, row: usize) {
        let Some(mut moving) = self.bulk.moving.remove(row) else {
            return;
        };
        slots::free(moving.object);
        if let (State::Over(result), Some(later)) = (moving.state, moving.later.take()) {
            if result.is_ok() {
                self.statistics.transfers += 1;
            }
            later.answer(result);
        }
    }

    /// Moves some bytes between components of this machine.
    pub(super) fn copy_some(&mut self) {
        let here = |(row, moving): (usize, &Moving)| match moving.state {
            State::Here { loan, moved } => Some((row, loan, moved)),
            _ => None,
        };
        let here = self.bulk.moving.iter().find_map(here);
        let Some((row, loan, moved)) = here else {
            return;
        };
        let result = match self.lent_here(loan) {
            None => Err(LoanError::Over),
            Some(_) => self.copy(row, loan, moved),
        };
        match result {
            Ok(moved) if self.bulk.moving.get(row).is_some_and(|m| moved < m.length) => {
                if let Some(moving) = self.bulk.moving.get_mut(row) {
                    moving.state = State::Here { loan, moved };
                }
            }
            result => {
                self.leave_loan(loan);
                self.end_transfer(row, result.map(|_| ()));
            }
        }
    }

    /// Copies from byte `moved` on; how many have been copied then.
    fn copy(&self, row: usize, loan: usize, moved: u64) -> Result<u64, LoanError> {
        const PIECE: usize = 512;
        let found = self.bulk.moving.get(row).zip(self.bulk.loans.get(loan));
        let (moving, lent) = found.ok_or(LoanError::Over)?;
        let mapped = moving.mapping.as_ref().zip(lent.mapping.as_ref());
        let (ours, theirs) = mapped.ok_or(LoanError::NoMemory)?;
        let memory = ours.memory().zip(theirs.memory());
        let (ours, theirs) = memory.ok_or(LoanError::NoMemory)?;
        let mut piece = [0; PIECE];
        let end = (moved + SLICE_BYTES as u64).min(moving.length);
        let mut done = moved;
        while done < end {
            let bytes = &mut piece[..(end - done).min(PIECE as u64) as usize];
            let here = (moving.at + done) as usize;
            let there = (lent.offset + moving.offset + done) as usize;
            let copied = match moving.direction {
                Direction::Fetch => theirs
                    .read(there, bytes)
                    .and_then(|()| ours.write(here, bytes)),
                Direction::Store => ours
                    .read(here, bytes)
                    .and_then(|()| theirs.write(there, bytes)),
            };
            copied.map_err(|_| LoanError::OutOfRange)?;
            done += bytes.len() as u64;
        }
        Ok(done)
    }
}
