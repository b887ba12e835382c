//! What a peer's tables make of the capabilities that come and go with messages.

use isthmus_abi::NotExecuted;
use netipc_wire::{Capability, NodeId, SessionId};

use crate::exports::{Exported, Exports};
use crate::fault::Faults;
use crate::imports::{Admitted, Imports};
use crate::types::{Given, ImportId, Received};

/// What the peer's other tables are to the callee's slots.
pub(crate) struct Tables<'a, const ROWS: usize> {
    pub(crate) node: NodeId,
    pub(crate) session: SessionId,
    pub(crate) exports: &'a mut Exports<ROWS>,
    pub(crate) imports: &'a mut Imports<ROWS>,
    /// The import that the message's grant stands for.
    pub(crate) claimed: Option<ImportId>,
    pub(crate) faults: Faults,
}

impl<const ROWS: usize> Tables<'_, ROWS> {
    /// Makes something of a capability that came: `None` if there is no room, `Some(None)` if it is revoked.
    // [N29]
    pub(crate) fn take(&mut self, capability: Capability) -> Option<Option<Received>> {
        match capability {
            Capability::Mine(descriptor) => {
                match self.imports.admit(self.node, self.session, descriptor) {
                    Admitted::Import(import) => Some(Some(Received::Import(import))),
                    Admitted::Revoked => Some(None),
                    Admitted::Full => None,
                }
            }
            Capability::Yours(descriptor) => Some(match self.exports.find(descriptor) {
                Exported::Object(object) => Some(Received::Home(object)),
                Exported::Bootstrap | Exported::Gone | Exported::Never => None,
            }),
            Capability::Granted(..) => Some(self.claimed.map(Received::Import)),
            Capability::Lent(loan) => Some(Some(Received::Loan(loan))),
        }
    }

    /// Whether a capability is a third machine's.
    pub(crate) fn is_foreign(&self, given: Given) -> bool {
        matches!(given, Given::Import(import) if import.node != self.node)
    }

    /// How a capability that is sent to the peer is named, and what is to be kept meanwhile; or why it cannot be sent.
    // [N32]
    pub(crate) fn give(&self, given: Given) -> Result<(Capability, Option<ImportId>), NotExecuted> {
        match given {
            Given::Export(export) => {
                let descriptor = self.exports.descriptor(self.session, export);
                let descriptor = descriptor.ok_or(NotExecuted::NotExportable)?;
                Ok((Capability::Mine(descriptor), None))
            }
            Given::Import(import) if import.session == self.session => {
                let descriptor = self.imports.descriptor(import)?;
                Ok((Capability::Yours(descriptor), Some(import)))
            }
            Given::Import(import) if import.node == self.node => Err(NotExecuted::SessionEnded),
            Given::Import(_) | Given::Loan(_) => Err(NotExecuted::NotExportable),
        }
    }

    /// A frame that names a capability will leave.
    pub(crate) fn leaves(&mut self, capability: Capability, pinned: Option<ImportId>) {
        if let Capability::Mine(descriptor) = capability {
            self.exports.name(descriptor);
        }
        if let Some(import) = pinned {
            self.imports.pin(import);
        }
    }
}
