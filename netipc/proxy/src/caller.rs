//! Calls of local clients through imports: from the kernel's message to the saved reply's answer.

use core::time::Duration;

use isthmus_abi::label::{Kind, Way as LabelWay};
use isthmus_abi::limits::MESSAGE_WORDS;
use isthmus_abi::{ComponentId, Label, NotExecuted, Outcome, Slot, Unknown};
use isthmus_runtime::calls::{fetch, stage};
use isthmus_runtime::{Incoming, SavedReply, Service, service, slots};
use netipc_interface::Statistics;
use netipc_protocol::{
    Call, CallId, ExportId, Given, ImportId, Instant, NodeId, Received, Reply, Target, Token, Way,
    limits,
};
use netipc_proxy_logic::imports::{Left, Owner, Standing};
use netipc_proxy_logic::limits::BUDGET_PER_MIB;
use netipc_proxy_logic::{Caller, Imports};

use crate::capability::Capabilities;
use crate::passing::Came;
use crate::proxy::{Proxy, Tables};
use crate::runs::{Runs, has_ended};

/// A caller that waits for a peer's word.
pub struct Open {
    reply: SavedReply,
    /// The protocol's name for the call.
    call: CallId,
    /// For whom an import is that comes with the reply.
    by: Owner,
    /// The loan that went with it, by its row.
    loan: Option<usize>,
}

impl Proxy {
    /// Carries a message through an import to the protocol; a call that cannot be carried is answered at once.
    pub(crate) fn carry(&mut self, caller: Caller, message: &Incoming) {
        let label = Label::from_bits(message.info.label());
        let mut buffer = [0; MESSAGE_WORDS];
        let words = fetch(message.words, message.info.length(), &mut buffer);
        let sent = match label.way() {
            LabelWay::Call => self.carry_call(caller, label, words, message),
            LabelWay::OneWay => self.carry_message(caller, label, words, message),
        };
        if let Err(reason) = sent {
            self.refuse(label, reason);
        }
        if message.info.extra_caps() > 0 {
            // What was given has been moved away.
            slots::discard_received();
        }
    }

    fn carry_call(
        &mut self,
        caller: Caller,
        label: Label,
        words: &[u64],
        message: &Incoming,
    ) -> Result<(), NotExecuted> {
        let target = self.target(caller, label)?;
        let token = self.tables.calls.vacant().ok_or(NotExecuted::Overload)?;
        let by = self.made_for(caller);
        let capability = self.give_argument(target, by.component, message)?;
        let lent = lent(capability);
        let call = Call {
            token: Token(token as u64),
            target,
            way: Way::Call,
            budget: lent.map(|(_, budget)| budget),
            label: label.bits(),
            words,
            capability,
        };
        let id = match self.protocol.call(self.now(), &call) {
            Ok(id) => id,
            Err(reason) => {
                self.take_back(capability);
                return Err(reason);
            }
        };
        let Ok(reply) = SavedReply::save() else {
            // Nothing was sent yet, so this is true; the export goes with the call.
            self.protocol.cancel(self.now(), id);
            return Err(NotExecuted::Overload);
        };
        let inserted = self.tables.calls.insert(Open {
            reply,
            call: id,
            by,
            loan: lent.map(|(row, _)| row),
        });
        debug_assert!(inserted.is_ok_and(|number| number == token));
        if let Some((row, _)) = lent {
            self.use_loan(row);
        }
        self.statistics.calls += 1;
        self.rings.give_way(target.node(), self.now());
        Ok(())
    }

    fn carry_message(
        &mut self,
        caller: Caller,
        label: Label,
        words: &[u64],
        message: &Incoming,
    ) -> Result<(), NotExecuted> {
        let target = self.target(caller, label)?;
        let capability = self.give_argument(target, self.made_for(caller).component, message)?;
        let call = Call {
            token: Token(0),
            target,
            way: Way::OneWay,
            budget: None,
            label: label.bits(),
            words,
            capability,
        };
        match self.protocol.call(self.now(), &call) {
            Ok(_) => {
                self.statistics.messages += 1;
                Ok(())
            }
            Err(reason) => {
                self.take_back(capability);
                Err(reason)
            }
        }
    }

    /// What is called.
    pub(crate) fn target(&self, caller: Caller, label: Label) -> Result<Target, NotExecuted> {
        if label.kind() != Kind::Method {
            return Err(NotExecuted::UnknownMethod);
        }
        match caller {
            Caller::Bootstrap(node, _) => Ok(Target::Bootstrap(node)),
            Caller::Import(node, row) => match self.tables.imports.find(node, row) {
                Standing::Live(import) => Ok(Target::Import(import)),
                Standing::Ended => Err(NotExecuted::SessionEnded),
                Standing::Never => Err(NotExecuted::NoSuchObject),
            },
            Caller::Worker | Caller::Local(_) | Caller::Loan(_) | Caller::Borrowed(_) => {
                Err(NotExecuted::NoSuchObject)
            }
        }
    }

    /// The component that is responsible for what comes through a capability: the one that it was made for.
    fn made_for(&self, caller: Caller) -> Owner {
        match caller {
            Caller::Bootstrap(_, component) => self.owner(component),
            Caller::Import(node, row) => {
                let owner = self.tables.imports.owner(node, row);
                owner.unwrap_or(Owner::NOBODY)
            }
            Caller::Local(_) | Caller::Worker | Caller::Loan(_) | Caller::Borrowed(_) => {
                Owner::NOBODY
            }
        }
    }

    /// Names the capability that came with the message for the peer that it goes to, if one came.
    fn give_argument(
        &mut self,
        target: Target,
        by: ComponentId,
        message: &Incoming,
    ) -> Result<Option<Given>, NotExecuted> {
        let came = Came::with(message)?;
        let given = came.map(|came| self.give(target.node(), by, came));
        given.transpose()
    }

    /// Lets a peer use the capability in `slot`, which component `of` lets out and which is the export's from now on; on failure it is gone.
    pub(crate) fn export(
        &mut self,
        to: NodeId,
        of: ComponentId,
        slot: Slot,
    ) -> Result<ExportId, NotExecuted> {
        if !self.policy.may_export(of, to) {
            self.statistics.not_permitted += 1;
            slots::free(slot);
            return Err(NotExecuted::NotPermitted);
        }
        let Some(object) = self.tables.exports.insert(to, of, slot) else {
            slots::free(slot);
            return Err(NotExecuted::Overload);
        };
        let export = self.protocol.export(to, object);
        match export {
            Ok(export) => self.tables.exports.name(object, export),
            Err(_) => self.forget_export(object),
        }
        export
    }

    /// What was named has not left.
    fn take_back(&mut self, given: Option<Given>) {
        if let Some(Given::Export(export)) = given {
            self.protocol.revoke(export);
        }
    }

    /// Answers the caller of the message that was received last, if it waits.
    fn refuse(&mut self, label: Label, reason: NotExecuted) {
        match label.way() {
            LabelWay::Call => {
                self.statistics.not_executed += 1;
                let (label, word) = Outcome::NotExecuted(reason).encode();
                let (info, first) = stage(label, &[word], None);
                service::reply(info, first);
            }
            LabelWay::OneWay => self.statistics.messages_dropped += 1,
        }
    }

    /// Cancels the calls of clients that have died.
    pub(crate) fn sweep(&mut self, now: Instant) {
        for (_, open) in self.tables.calls.iter() {
            if !open.reply.is_live() {
                self.protocol.cancel(now, open.call);
            }
        }
    }
}

impl Open {
    /// The protocol's name for the call.
    pub const fn call(&self) -> CallId {
        self.call
    }

    /// The loan that went with it, by its row.
    pub const fn loan(&self) -> Option<usize> {
        self.loan
    }

    /// Whether it was given this loan.
    pub fn uses_loan(&self, row: usize) -> bool {
        self.loan == Some(row)
    }

    /// Answers the caller with what has become of its call. Gives back an import that it cannot be given.
    pub fn complete(
        self,
        result: Result<Reply<'_>, Outcome>,
        service: Service,
        tables: &mut Tables,
        runs: Option<&Runs>,
        statistics: &mut Statistics,
    ) -> Option<ImportId> {
        let reply = match result {
            Ok(reply) => reply,
            Err(outcome) => {
                self.end(outcome, statistics);
                return None;
            }
        };
        let placed = reply.capability.map(|came| match came {
            Received::Import(_) if has_ended(runs, self.by) => Err(NoSlots),
            Received::Import(import) => place(import, self.by, service, &mut tables.imports),
            Received::Home(object) => tables.exports.find(object).ok_or(NoSlots),
            // No reply lends.
            Received::Loan(_) => Err(NoSlots),
        });
        match placed.transpose() {
            Ok(capability) => {
                statistics.replies += 1;
                defmt::trace!("netipc: a call ended with a reply");
                let (info, first) = stage(Label::from_bits(reply.label), reply.words, capability);
                self.reply.send_with_mrs(info, first);
                None
            }
            Err(NoSlots) => {
                self.end(Unknown::ReplyLost.into(), statistics);
                import_of(reply.capability)
            }
        }
    }

    fn end(self, outcome: Outcome, statistics: &mut Statistics) {
        match outcome {
            Outcome::NotExecuted(reason) => {
                statistics.not_executed += 1;
                defmt::debug!("netipc: a call was not executed: {=str}", reason.text());
            }
            Outcome::Unknown(reason) => {
                statistics.unknown += 1;
                defmt::debug!("netipc: a call's outcome is unknown: {=str}", reason.text());
            }
        }
        let (label, word) = outcome.encode();
        let (info, first) = stage(label, &[word], None);
        self.reply.send_with_mrs(info, first);
    }
}

/// The row of the loan that goes with a call, and how long that may take.
fn lent(given: Option<Given>) -> Option<(usize, Duration)> {
    let Some(Given::Loan(lending)) = given else {
        return None;
    };
    let mib = lending.loan.length.div_ceil(1 << 20);
    let more = BUDGET_PER_MIB.saturating_mul(u32::try_from(mib).unwrap_or(u32::MAX));
    let budget = limits::BUDGET_DEFAULT.saturating_add(more);
    Some((lending.place.0 as usize, budget))
}

/// What came, if it is an import.
pub const fn import_of(came: Option<Received>) -> Option<ImportId> {
    match came {
        Some(Received::Import(import)) => Some(import),
        Some(Received::Home(_) | Received::Loan(_)) | None => None,
    }
}

/// There are no slots for the capability, or nobody to have it.
pub struct NoSlots;

/// Makes the capability of an import for a component, and answers where it lies. What the row stood for before is revoked first.
pub fn place(
    import: ImportId,
    owner: Owner,
    service: Service,
    imports: &mut Imports<ImportId, Capabilities>,
) -> Result<Slot, NoSlots> {
    let (node, row) = (import.node(), import.row());
    let capabilities = match imports.left(node, row) {
        Left::Nothing => Capabilities::allocate().map_err(|_| NoSlots)?,
        Left::Empty(capabilities) => capabilities,
        Left::Stale(capabilities) => {
            capabilities.revoke();
            capabilities
        }
    };
    let badge = Caller::Import(node, row).badge();
    // The slots are empty, so it does not fail.
    capabilities.mint(service, badge).map_err(|_| NoSlots)?;
    imports.place(node, row, import, owner, capabilities);
    Ok(capabilities.delivered())
}
