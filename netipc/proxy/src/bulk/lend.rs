//! What components of this machine lend.

use isthmus_abi::{ComponentId, NotExecuted, Slot};
use isthmus_runtime::interface::{Anything, Cap, Later};
use isthmus_runtime::memory::{Mapping, ObjectCap};
use isthmus_runtime::slots;
use netipc_interface::{Access, Loan, NetipcError};
use netipc_protocol::bulk::{self, Lending};
use netipc_protocol::{Given, Instant};
use netipc_proxy_logic::Caller;
use netipc_proxy_logic::imports::Owner;
use netipc_proxy_logic::limits::LOANS;

use super::loan_place;
use crate::capability::Capabilities;
use crate::mapper::{Errand, Whose};
use crate::proxy::Proxy;
use crate::runs::has_ended;

/// A loan.
pub struct Lent {
    /// The component that lends.
    owner: Owner,
    object: Slot,
    /// Where in the object it begins.
    pub(super) offset: u64,
    loan: bulk::Loan,
    /// What is given to the borrower.
    capabilities: Capabilities,
    pub(super) mapping: Option<Mapping>,
    /// Calls that it was given with and transfers on this machine that use it.
    users: usize,
    state: State,
}

enum State {
    /// It is being mapped, and its owner waits.
    Begun(Later<Cap<dyn Loan>, NetipcError>),
    Lent,
    /// It is over for everybody; who has taken it back waits until the object is unmapped.
    Over(Option<Later<(), NetipcError>>),
    /// The object is being unmapped.
    Unmapping(Option<Later<(), NetipcError>>),
}

const fn given(access: Access) -> bulk::Access {
    match access {
        Access::Read => bulk::Access::Read,
        Access::Write => bulk::Access::Write,
        Access::ReadWrite => bulk::Access::ReadWrite,
    }
}

impl Proxy {
    /// A component lends bytes of an object.
    pub(crate) fn begin_loan(
        &mut self,
        owner: ComponentId,
        object: &ObjectCap,
        (offset, length, access): (u64, u64, Access),
        later: Later<Cap<dyn Loan>, NetipcError>,
    ) {
        if length == 0 || length > bulk::LOAN_MAX {
            return later.answer(Err(NetipcError::OutOfRange));
        }
        if self.bulk.mapper.is_none() || object.own_badge().is_some() {
            return later.answer(Err(NetipcError::NoMemory));
        }
        let Some(row) = self.bulk.loans.vacant() else {
            return later.answer(Err(NetipcError::TooMany));
        };
        let Ok(capabilities) = Capabilities::allocate() else {
            return later.answer(Err(NetipcError::TooMany));
        };
        let Ok(object) = slots::take_received() else {
            capabilities.free();
            return later.answer(Err(NetipcError::TooMany));
        };
        let inserted = self.bulk.loans.insert(Lent {
            owner: self.owner(owner),
            object,
            offset,
            loan: bulk::Loan {
                length,
                access: given(access),
            },
            capabilities,
            mapping: None,
            users: 0,
            state: State::Begun(later),
        });
        debug_assert!(inserted.is_ok_and(|number| number == row));
        self.bulk.errand(Errand::Map(Whose::Loan(row), object));
    }

    pub(super) fn loan_mapped(&mut self, row: usize, mapping: Option<Mapping>) {
        let Some(lent) = self.bulk.loans.get_mut(row) else {
            return;
        };
        let bytes = mapping.as_ref().map(Mapping::bytes);
        lent.mapping = mapping;
        let end = lent.offset.checked_add(lent.loan.length);
        let fits = bytes.is_some_and(|bytes| end.is_some_and(|end| end <= bytes));
        let badge = Caller::Loan(row as u16).badge();
        let minted = fits && lent.capabilities.mint(self.service, badge).is_ok();
        let state = match minted {
            true => State::Lent,
            false => State::Over(None),
        };
        if let State::Begun(later) = core::mem::replace(&mut lent.state, state) {
            later.answer(match bytes {
                _ if minted => Ok(Cap::from(lent.capabilities.delivered())),
                None => Err(NetipcError::NoMemory),
                Some(_) => Err(NetipcError::OutOfRange),
            });
        }
        if minted {
            self.statistics.loans += 1;
        } else {
            self.unmap_loan(row);
        }
    }

    /// What goes with a call that this loan is given with.
    pub(crate) fn lend_to_call(&self, row: u16) -> Result<Given, NotExecuted> {
        let lent = self.bulk.loans.get(row.into());
        let lent = lent.filter(|lent| matches!(lent.state, State::Lent));
        let lent = lent.ok_or(NotExecuted::Revoked)?;
        Ok(Given::Loan(Lending {
            place: loan_place(row.into()),
            loan: lent.loan,
        }))
    }

    /// How much is lent by a loan of this machine, and what for, as long as it lasts.
    pub(super) fn lent_here(&self, row: usize) -> Option<bulk::Loan> {
        let lent = self.bulk.loans.get(row)?;
        matches!(lent.state, State::Lent).then_some(lent.loan)
    }

    /// Somebody uses a loan from now on: it stays mapped.
    pub(crate) fn use_loan(&mut self, row: usize) {
        if let Some(lent) = self.bulk.loans.get_mut(row) {
            lent.users += 1;
        }
    }

    /// And no longer.
    pub(crate) fn leave_loan(&mut self, row: usize) {
        if let Some(lent) = self.bulk.loans.get_mut(row) {
            lent.users -= 1;
            self.unmap_loan(row);
        }
    }

    /// Its owner takes a loan back.
    pub(crate) fn end_loan(
        &mut self,
        now: Instant,
        caller: ComponentId,
        loan: &Cap<Anything>,
        later: Later<(), NetipcError>,
    ) {
        let row = match loan.own_badge().map(Caller::from_badge) {
            Some(Caller::Loan(row)) => usize::from(row),
            _ => return later.answer(Err(NetipcError::NotALoan)),
        };
        match self.bulk.loans.get(row) {
            Some(lent) if lent.owner.component == caller && matches!(lent.state, State::Lent) => {
                self.take_loan_back(now, row, Some(later));
            }
            _ => later.answer(Err(NetipcError::NotALoan)),
        }
    }

    fn take_loan_back(&mut self, now: Instant, row: usize, later: Option<Later<(), NetipcError>>) {
        let Some(lent) = self.bulk.loans.get_mut(row) else {
            return;
        };
        lent.state = State::Over(later);
        lent.capabilities.revoke();
        for (_, open) in self.tables.calls.iter() {
            if open.uses_loan(row) {
                self.protocol.cancel(now, open.call());
            }
        }
        self.unmap_loan(row);
    }

    /// Once it is over and nobody uses it any more.
    fn unmap_loan(&mut self, row: usize) {
        let Some(lent) = self.bulk.loans.get_mut(row) else {
            return;
        };
        let State::Over(later) = &mut lent.state else {
            return;
        };
        if lent.users > 0 {
            return;
        }
        lent.state = State::Unmapping(later.take());
        match lent.mapping.take() {
            Some(mapping) => self.bulk.errand(Errand::Unmap(Whose::Loan(row), mapping)),
            None => self.loan_unmapped(row),
        }
    }

    pub(super) fn loan_unmapped(&mut self, row: usize) {
        let Some(lent) = self.bulk.loans.remove(row) else {
            return;
        };
        lent.capabilities.free();
        slots::free(lent.object);
        if let State::Unmapping(Some(later)) = lent.state {
            later.answer(Ok(()));
        }
    }

    /// Loans of components that have ended are over.
    pub(crate) fn end_orphaned_loans(&mut self, now: Instant) {
        for row in 0..LOANS {
            let orphaned = |lent: &Lent| {
                matches!(lent.state, State::Lent) && has_ended(self.runs.as_ref(), lent.owner)
            };
            if self.bulk.loans.get(row).is_some_and(orphaned) {
                self.take_loan_back(now, row, None);
            }
        }
    }

    /// Loans of objects that are destroyed are over: their owners' components, most likely, too.
    pub(crate) fn sweep_loans(&mut self, now: Instant) {
        let gone = |lent: &Lent| matches!(lent.state, State::Lent) && slots::is_empty(lent.object);
        for row in 0..LOANS {
            if self.bulk.loans.get(row).is_some_and(gone) {
                self.take_loan_back(now, row, None);
            }
        }
    }
}
