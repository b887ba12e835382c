//! What this machine asks of a peer: calls, work on its requests, exports and imports.

use isthmus_abi::NotExecuted;
use netipc_wire::Descriptor;

use super::callee::Tables;
use super::{Context, Peer};
use crate::capabilities::describe;
use crate::cipher::Cipher;
use crate::endpoint::Random;
use crate::fault::Faults;
use crate::time::Instant;
use crate::types::{
    Answer, Call, CallId, Execution, ExportId, ImportId, Object, Request, Stale, Target,
};

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// Accepts a call or a message, or says why not; then nothing has happened.
    pub(crate) fn call<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        call: &Call<'_>,
        context: &mut Context<'_, C, R>,
    ) -> Result<CallId, NotExecuted> {
        let node = self.node.ok_or(NotExecuted::PeerUnreachable)?;
        let session = self.session_id();
        let (target, import) = match call.target {
            Target::Bootstrap(_) => (Descriptor::BOOTSTRAP, None),
            Target::Import(import) if session == Some(import.session) => {
                let descriptor = self.imports.descriptor(import);
                (descriptor.ok_or(NotExecuted::NoSuchObject)?, Some(import))
            }
            Target::Import(_) => return Err(NotExecuted::SessionEnded),
        };
        let capability = match (call.capability, session) {
            (None, _) => None,
            (Some(export), Some(session)) => {
                let descriptor = self.exports.descriptor(session, export);
                Some(descriptor.ok_or(NotExecuted::NotExportable)?)
            }
            (Some(_), None) => return Err(NotExecuted::SessionEnded),
        };
        let (slot, serial) =
            self.caller
                .call(now, call, target, import, capability, context.faults)?;
        if session.is_none() {
            self.greet(now, context);
        }
        Ok(CallId { node, slot, serial })
    }

    pub(crate) fn cancel(&mut self, now: Instant, call: CallId, faults: Faults) {
        let settled = self.caller.cancel(now, call.slot, call.serial, faults);
        self.settle(settled);
        self.note_awaiting(now);
    }

    pub(crate) fn start(
        &mut self,
        now: Instant,
        execution: Execution,
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
                faults,
            })
            .ok_or(Stale)?;
        self.callee.start(now, execution, &mut tables)
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
                faults,
            };
            self.callee.finish(execution, answer, &mut tables)
        } else {
            Err(Stale)
        };
        if result.is_err()
            && let Answer::Reply {
                capability: Some(export),
                ..
            } = answer
        {
            // Nobody waits for the reply, so nobody will have the capability.
            self.revoke(*export, faults);
        }
        result
    }

    pub(crate) fn export(
        &mut self,
        object: Object,
        faults: Faults,
    ) -> Result<ExportId, NotExecuted> {
        let node = self.node.ok_or(NotExecuted::PeerUnreachable)?;
        let session = self.session_id().ok_or(NotExecuted::SessionEnded)?;
        if self.exports.len() + self.released.len() >= ROWS {
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
            let descriptor = describe(export.row, export.generation);
            self.take_back(descriptor);
            self.callee.revoked(descriptor, &mut self.exports, faults);
        }
    }

    pub(crate) fn release(&mut self, now: Instant, import: ImportId) {
        if let Some(session) = self.session.as_mut()
            && session.id == import.session
            && self.imports.release(import)
        {
            session.release(now);
            self.note_awaiting(now);
        }
    }
}
