//! More than one capability with a message: the kernel passes one, so the stub sends further ones ahead, and fetches further ones afterwards.
//!
//! A capability that is sent ahead is kept by the server's side under a *ticket*, for callers with the same badge, and the message names the
//! tickets; those of a reply are kept in the same way until they are fetched. What is never asked for makes room for newer ones ([`System::stage`]).

use isthmus_abi::label::Way;
use isthmus_abi::{Label, NotExecuted, Outcome, Slot, Unknown};

use crate::LONG;
use crate::capability::{Capability, Exhausted, System};
use crate::client::{Outgoing, Transport};
use crate::server::{Answer, Disposition, Request};

/// Keeps a capability: answered with its ticket.
const STAGE: Label = Label::method("isthmus stage() -> u64", 250, Way::Call);
/// Gives the capability of a ticket.
const COLLECT: Label = Label::method("isthmus collect(ticket: u64) -> Cap", 251, Way::Call);

/// Who keeps capabilities for whom.
#[derive(Clone, Copy)]
pub struct Keeper {
    pub(crate) system: &'static dyn System,
    pub(crate) badge: u64,
}

impl Keeper {
    /// Keeps a capability of a reply until it is fetched.
    ///
    /// # Errors
    /// [`Exhausted`].
    pub fn keep(self, capability: Capability) -> Result<u64, Exhausted> {
        self.system.stage(self.badge, capability)
    }
}

/// Sends a capability ahead of a call; the answer is its ticket.
///
/// # Errors
/// What became of it.
pub fn stage<T: Transport>(transport: &T, to: Slot, capability: Slot) -> Result<u64, Outcome> {
    let mut buffer = [0; LONG];
    let request = Outgoing {
        label: STAGE,
        words: &[],
        capability: Some(capability),
    };
    let answer = transport.call(to, request, &mut buffer);
    Outcome::of_answer(answer.label, answer.words.first().copied().unwrap_or(0))?;
    match (answer.label, answer.words, &answer.capability) {
        (Label::REPLY, &[ticket], None) => Ok(ticket),
        // Nothing of the call itself was sent.
        _ => Err(NotExecuted::UnknownMethod.into()),
    }
}

/// Fetches a capability that belongs to a reply.
///
/// # Errors
/// The call has run, and what it gave is lost.
pub fn collect<T: Transport>(transport: &T, to: Slot, ticket: u64) -> Result<Capability, Outcome> {
    let mut buffer = [0; LONG];
    let request = Outgoing {
        label: COLLECT,
        words: &[ticket],
        capability: None,
    };
    let answer = transport.call(to, request, &mut buffer);
    match (answer.label, answer.words, answer.capability) {
        (Label::REPLY, [], Some(capability)) => Ok(capability),
        _ => Err(Unknown::ReplyLost.into()),
    }
}

/// Handles the two calls above, if it is one of them: generated dispatches of interfaces that need them ask.
pub fn handle(request: &mut Request<'_>, answer: &mut Answer) -> Option<Disposition> {
    let result = match request.label.untraced() {
        STAGE => take_in(request, answer),
        COLLECT => give_out(request, answer),
        _ => return None,
    };
    if let Err(reason) = result {
        answer.outcome(reason.into());
    }
    Some(Disposition::Reply)
}

fn take_in(request: &mut Request<'_>, answer: &mut Answer) -> Result<(), NotExecuted> {
    if !request.words.is_empty() {
        return Err(NotExecuted::BadArguments);
    }
    let capability = request.capability.take();
    let capability = capability.ok_or(NotExecuted::MissingCapability)?;
    let ticket = request.system.stage(request.badge, capability);
    let ticket = ticket.map_err(|Exhausted| NotExecuted::Overload)?;
    answer.raw(Label::REPLY, &[ticket], None);
    Ok(())
}

fn give_out(request: &Request<'_>, answer: &mut Answer) -> Result<(), NotExecuted> {
    if request.capability.is_some() {
        return Err(NotExecuted::UnexpectedCapability);
    }
    let &[ticket] = request.words else {
        return Err(NotExecuted::BadArguments);
    };
    let kept = request.system.unstage(request.badge, ticket);
    answer.raw(
        Label::REPLY,
        &[],
        Some(kept.ok_or(NotExecuted::NoSuchObject)?),
    );
    Ok(())
}
