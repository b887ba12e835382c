//! Capabilities on their way to peers: what they are, and what becomes of them. The tables are in `docs/proxy.md`.

use isthmus_abi::label::Kind;
use isthmus_abi::{ComponentId, Label, NotExecuted, Slot};
use isthmus_runtime::Incoming;
use isthmus_runtime::sel4::with_ipc_buffer;
use isthmus_runtime::slots::{self, TakeError, absolute};
use netipc_protocol::{Asked, Given, Instant, NodeId, Object};
use netipc_proxy_logic::Caller;
use netipc_proxy_logic::imports::Standing;
use netipc_proxy_logic::mailbox::State;

use crate::proxy::Proxy;
use crate::worker::MAILBOXES;

/// What has come with a message to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// One of the proxy's own endpoint.
    Own(Caller),
    /// Any other: where it lies now.
    Other(Slot),
}

impl Came {
    /// What came with the message that was received last. It lies in a slot of its own then; the receive slot is empty.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub fn with(message: &Incoming) -> Result<Option<Self>, NotExecuted> {
        match (message.info.extra_caps(), message.info.caps_unwrapped()) {
            (0, _) => Ok(None),
            (_, 0) => match slots::take_received() {
                Ok(slot) => Ok(Some(Self::Other(slot))),
                Err(TakeError::NothingReceived) => Ok(None),
                Err(TakeError::Exhausted) => Err(NotExecuted::Overload),
            },
            // Several, and badges among them: which is of this message is not to be guessed at.
            (2.., _) => {
                slots::discard_received();
                Err(NotExecuted::NotExportable)
            }
            _ => {
                let badge = with_ipc_buffer(|buffer| buffer.caps_or_badges()[0].get());
                Ok(Some(Self::Own(Caller::from_badge(badge))))
            }
        }
    }

    /// It goes nowhere.
    pub fn discard(self) {
        if let Self::Other(slot) = self {
            slots::free(slot);
        }
    }
}

impl Proxy {
    /// Names a capability for a peer: an import as what it stands for, any other is exported, and `of` is who lets it out. On failure it is gone.
    pub(crate) fn give(
        &mut self,
        to: NodeId,
        of: ComponentId,
        came: Came,
    ) -> Result<Given, NotExecuted> {
        match came {
            Came::Other(slot) => self.export(to, of, slot).map(Given::Export),
            Came::Own(Caller::Import(node, row)) => match self.tables.imports.find(node, row) {
                Standing::Live(import) => Ok(Given::Import(import)),
                Standing::Ended => Err(NotExecuted::SessionEnded),
                Standing::Never => Err(NotExecuted::NoSuchObject),
            },
            Came::Own(Caller::Loan(row)) => self.lend_to_call(row),
            // What is borrowed is not lent on.
            Came::Own(
                Caller::Bootstrap(..) | Caller::Worker | Caller::Local(_) | Caller::Borrowed(_),
            ) => Err(NotExecuted::NotExportable),
        }
    }

    /// A worker shows the capability that came with its server's answer.
    pub(crate) fn shown(&mut self, message: &Incoming) {
        let came = Came::with(message).ok().flatten();
        let number = message.words[0] as usize;
        match MAILBOXES.get(number) {
            Some(mailbox) if mailbox.state() == State::Showing => self.take_answer(number, came),
            _ => {
                if let Some(came) = came {
                    came.discard();
                }
            }
        }
    }

    /// A peer would hand an export on to a third machine: that gets a copy, with a name of its own.
    pub(crate) fn consider(&mut self, now: Instant, asked: Asked, object: Object, to: NodeId) {
        let exports = &mut self.tables.exports;
        let found = exports.find(object).zip(exports.origin(object));
        let decision = found.ok_or(NotExecuted::Revoked).and_then(|(from, of)| {
            if !self.policy.may_hand_on(asked.by(), of, to) {
                self.statistics.not_permitted += 1;
                return Err(NotExecuted::NotPermitted);
            }
            let slot = copy(from)?;
            exports.insert(to, of, slot).ok_or_else(|| {
                slots::free(slot);
                NotExecuted::Overload
            })
        });
        let granted = self.protocol.grant(now, asked, decision);
        match (decision, granted) {
            (Ok(object), Ok(export)) => {
                self.tables.exports.name(object, export);
                self.statistics.handed_on += 1;
            }
            (Ok(object), Err(_)) => self.forget_export(object),
            (Err(_), _) => {}
        }
    }
}

impl Proxy {
    /// Revokes every export whose capability its owner has taken back, and what was handed on from it: the number to ask by.
    pub(crate) fn look_for_revoked(&mut self) -> u64 {
        let number = self.tables.revocations.begin();
        let tables = &mut *self.tables;
        for (object, slot, export) in tables.exports.live() {
            if slots::is_empty(slot) {
                tables.revocations.note(object, export.node());
                self.protocol.revoke(export);
                self.statistics.revoked += 1;
            }
        }
        number
    }

    /// Whether what a worker was to call had been taken back: then the kernel has found nothing in the slot. If nobody has said so yet, it is looked for now.
    pub(crate) fn was_revoked(&mut self, object: Option<Object>, label: Label) -> bool {
        let Some(object) = object.filter(|_| label.kind() == Kind::KernelError) else {
            return false;
        };
        match self.tables.exports.find(object) {
            Some(slot) if slots::is_empty(slot) => {
                self.look_for_revoked();
                true
            }
            Some(_) => false,
            None => true,
        }
    }
}

/// Copies a capability to a slot of its own.
fn copy(from: Slot) -> Result<Slot, NotExecuted> {
    let slot = slots::allocate().map_err(|_| NotExecuted::Overload)?;
    let all = isthmus_runtime::sel4::CapRights::all();
    match absolute(slot).copy(&absolute(from), all) {
        Ok(()) => Ok(slot),
        // It was revoked: the slot is empty.
        Err(_) => {
            slots::free(slot);
            Err(NotExecuted::Revoked)
        }
    }
}
