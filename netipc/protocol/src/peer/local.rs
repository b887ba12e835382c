//! What this machine asks of a peer: calls, work on its requests, exports and imports.

use isthmus_abi::NotExecuted;
use netipc_wire::bulk::LOAN_MAX;
use netipc_wire::{Capability, Descriptor, Grant, NodeId, Sequence, SessionId, SlotIndex, Way};

use super::caller::Names;
use super::tables::Tables;
use super::{Context, Peer};
use crate::cipher::Cipher;
use crate::endpoint::Random;
use crate::exports::describe;
use crate::fault::Faults;
use crate::imports::Release;
use crate::time::Instant;
use crate::types::{
    Answer, Call, CallId, Execution, ExportId, Given, ImportId, Object, Request, Stale, Target,
};

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// Accepts a call or a message, or says why not; then nothing has happened.
    pub(crate) fn call<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        call: &Call<'_>,
        granting: bool,
        context: &mut Context<'_, C, R>,
    ) -> Result<CallId, NotExecuted> {
        let node = self.node.ok_or(NotExecuted::PeerUnreachable)?;
        let session = self.session_id();
        let (target, import) = match call.target {
            Target::Bootstrap(_) => (Descriptor::BOOTSTRAP, None),
            Target::Import(import) if session == Some(import.session) => {
                (self.imports.descriptor(import)?, Some(import))
            }
            Target::Import(_) => return Err(NotExecuted::SessionEnded),
        };
        let lending = match call.capability {
            Some(Given::Loan(_)) if call.way == Way::OneWay => {
                return Err(NotExecuted::NotExportable);
            }
            Some(Given::Loan(lending)) if !(1..=LOAN_MAX).contains(&lending.loan.length) => {
                return Err(NotExecuted::BadArguments);
            }
            Some(Given::Loan(lending)) => Some(lending),
            _ => None,
        };
        let capability = match (call.capability, session) {
            (None, _) => None,
            (Some(Given::Loan(lending)), _) => Some((Capability::Lent(lending.loan), None)),
            (Some(given), Some(session)) => {
                let tables = Tables {
                    node,
                    session,
                    exports: &mut self.exports,
                    imports: &mut self.imports,
                    claimed: None,
                    faults: context.faults,
                };
                Some(tables.give(given)?)
            }
            (Some(_), None) => return Err(NotExecuted::SessionEnded),
        };
        let names = Names {
            target,
            import,
            capability,
            lending,
            granting,
        };
        let (slot, serial) = self.caller.call(now, call, &names, context.faults)?;
        if let Some(import) = import {
            // Until its first frame has left.
            self.imports.pin(import);
        }
        if let (Some((capability, pinned)), Some(session)) = (capability, session) {
            let mut tables = Tables {
                node,
                session,
                exports: &mut self.exports,
                imports: &mut self.imports,
                claimed: None,
                faults: context.faults,
            };
            tables.leaves(capability, pinned);
        }
        if session.is_none() {
            self.greet(now, context);
        }
        Ok(CallId { node, slot, serial })
    }

    pub(crate) fn cancel(&mut self, now: Instant, call: CallId, faults: Faults) {
        let settled = self.caller.cancel(now, call.slot, call.serial, faults);
        self.settle(settled);
        self.end_loans(faults);
        self.let_go(now);
        self.note_awaiting(now);
    }

    pub(crate) fn start(
        &mut self,
        now: Instant,
        execution: Execution,
        claimed: Option<ImportId>,
        faults: Faults,
    ) -> Result<Request<'_>, Stale> {
        let mut tables = self
            .session
            .as_ref()
            .filter(|session| session.id == execution.session)
            .map(|session| Tables {
                node: execution.node,
                session: session.id,
                exports: &mut self.exports,
                imports: &mut self.imports,
                claimed,
                faults,
            })
            .ok_or(Stale)?;
        self.callee.start(now, execution, &mut tables)
    }

    /// The grant that a request names.
    pub(crate) fn names(&self, now: Instant, execution: Execution) -> Option<(NodeId, Grant)> {
        if self.session_id() == Some(execution.session) {
            self.callee.names(now, execution)
        } else {
            None
        }
    }

    /// Whether a reply that comes in this session would be taken.
    pub(crate) fn expects(&self, session: SessionId, slot: SlotIndex, sequence: Sequence) -> bool {
        self.session_id() == Some(session) && self.caller.expects(slot, sequence)
    }

    pub(crate) fn finish(
        &mut self,
        execution: Execution,
        answer: &Answer<'_>,
        faults: Faults,
    ) -> Result<(), Stale> {
        let result = if self.session_id() == Some(execution.session) {
            let mut tables = Tables {
                node: execution.node,
                session: execution.session,
                exports: &mut self.exports,
                imports: &mut self.imports,
                claimed: None,
                faults,
            };
            self.callee.finish(execution, answer, &mut tables)
        } else {
            Err(Stale)
        };
        if result.is_err()
            && let Answer::Reply {
                capability: Some(Given::Export(export)),
                ..
            } = answer
        {
            // Nobody waits for the reply, so nobody will have the capability.
            self.revoke(*export, faults);
        }
        self.end_loans(faults);
        result
    }

    pub(crate) fn export(
        &mut self,
        object: Object,
        faults: Faults,
    ) -> Result<ExportId, NotExecuted> {
        let node = self.node.ok_or(NotExecuted::PeerUnreachable)?;
        let session = self.session_id().ok_or(NotExecuted::SessionEnded)?;
        let untold = self.released.len().max(self.revocations.untold());
        if self.exports.len() + untold >= ROWS {
            return Err(NotExecuted::Overload);
        }
        let (row, generation) = self
            .exports
            .insert(object, faults)
            .ok_or(NotExecuted::Overload)?;
        Ok(ExportId {
            node,
            session,
            row,
            generation,
        })
    }

    pub(crate) fn revoke(&mut self, export: ExportId, faults: Faults) {
        if self.session_id() == Some(export.session) {
            self.revoke_row(describe(export.row, export.generation), faults);
        }
    }

    /// Whether an export is there.
    pub(crate) fn is_live(&self, export: ExportId) -> bool {
        self.exports.descriptor(export.session, export).is_some()
            && self.session_id() == Some(export.session)
    }

    /// As [`revoke`](Self::revoke), of what is in a row now.
    pub(crate) fn revoke_present(&mut self, row: u16, faults: Faults) {
        let present = self.exports.present(describe(row, 0));
        self.revoke_row(present, faults);
    }

    /// The next row of exports that has become free.
    pub(crate) fn next_ended(&mut self) -> Option<u16> {
        self.exports.ended.pop_front()
    }

    /// The import that a grant of this peer stands for.
    pub(crate) fn claim(&mut self, grant: Grant, session: SessionId) -> Option<ImportId> {
        self.imports.claim(self.node?, grant, session)
    }

    /// Something was carried to or from another peer.
    pub(crate) fn settled(&mut self, now: Instant) {
        self.let_go(now);
        self.note_awaiting(now);
    }

    pub(crate) fn release(&mut self, now: Instant, import: ImportId) {
        let Some(session) = self.session.as_mut() else {
            return;
        };
        if session.id != import.session {
            return;
        }
        match self.imports.release(import) {
            Release::Nothing => {}
            Release::Begun => {
                session.release(now);
                self.note_awaiting(now);
            }
            Release::Revoked(gone) => {
                // If there is no room for it the REVOKE is repeated.
                let _ = self.acknowledge(gone);
            }
        }
    }
}
