//! The server's side of a call.

use core::fmt;

use isthmus_abi::label::{Kind, Way};
use isthmus_abi::{ComponentId, EndpointBadge, Label, NotExecuted, ObjectId, Outcome, Unknown};

use crate::capability::{Capability, System};
use crate::client::whole;
use crate::later::Later;
use crate::staging::Keeper;
use crate::wire::{TooLong, Writer};
use crate::{LONG, Method, Passes, SHORT};

/// A message that a server has received.
pub struct Request<'a> {
    /// Its label.
    pub label: Label,
    /// Its words.
    pub words: &'a [u64],
    /// The badge of the capability through which it came.
    pub badge: u64,
    /// A capability that came along. Whoever is handed it takes it out; what is left is deleted with the request.
    pub capability: Option<Capability>,
    /// Where callers wait.
    pub system: &'static dyn System,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("label", &self.label)
            .field("words", &self.words)
            .field("badge", &self.badge)
            .field("capability", &self.capability)
            .finish_non_exhaustive()
    }
}

impl Request<'_> {
    /// Keeps capabilities for its caller.
    #[doc(hidden)]
    #[must_use]
    pub const fn keeper(&self) -> Keeper {
        Keeper {
            system: self.system,
            badge: self.badge,
        }
    }

    /// A capability that its caller has sent ahead.
    #[doc(hidden)]
    pub fn staged(&self, ticket: u64) -> Result<Capability, NotExecuted> {
        let kept = self.system.unstage(self.badge, ticket);
        kept.ok_or(NotExecuted::MissingCapability)
    }

    /// Keeps its caller waiting.
    #[doc(hidden)]
    pub fn later<T, E>(
        &self,
        encode: fn(Result<T, E>, &mut Answer, Keeper),
    ) -> Result<Later<T, E>, NotExecuted> {
        match self.system.save_caller() {
            Ok(waiting) => Ok(Later::new(waiting, self.keeper(), encode)),
            Err(_) => Err(NotExecuted::Overload),
        }
    }
}

/// Through which capability a call came: a handler has it as an argument if its method asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    badge: u64,
}

impl Caller {
    /// By the badge.
    #[must_use]
    pub const fn new(badge: u64) -> Self {
        Self { badge }
    }

    /// The component that the capability was made for. What came from another machine came through this machine's netipc proxy.
    #[must_use]
    pub const fn client(self) -> ComponentId {
        EndpointBadge::from_bits(self.badge).client
    }

    /// The object that the capability stands for.
    #[must_use]
    pub const fn object(self) -> ObjectId {
        EndpointBadge::from_bits(self.badge).object
    }

    /// The badge as it is.
    #[must_use]
    pub const fn badge(self) -> u64 {
        self.badge
    }
}

/// What becomes of the sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Disposition {
    /// It waits for the [`Answer`].
    Reply,
    /// It does not wait, or waits for somebody else's answer.
    Nothing,
}

/// An answer that is being made. One is enough for a server: it is used again for each message.
#[derive(Debug)]
pub struct Answer {
    label: Label,
    length: usize,
    words: [u64; LONG],
    capability: Option<Capability>,
}

impl Default for Answer {
    fn default() -> Self {
        Self::new()
    }
}

impl Answer {
    /// Says that no such method ran, until something else is said.
    #[must_use]
    pub const fn new() -> Self {
        let (label, _) = Outcome::NotExecuted(NotExecuted::Other).encode();
        Self {
            label,
            length: 0,
            words: [0; LONG],
            capability: None,
        }
    }

    /// The label.
    #[must_use]
    pub const fn label(&self) -> Label {
        self.label
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words[..self.length]
    }

    /// The first four words, as they go into registers; those beyond the answer's length mean nothing.
    #[inline]
    #[must_use]
    pub fn register_words(&self) -> [u64; SHORT] {
        const { assert!(SHORT <= LONG) };
        core::array::from_fn(|index| self.words[index])
    }

    /// The capability to send along.
    #[must_use]
    pub const fn capability(&self) -> Option<&Capability> {
        self.capability.as_ref()
    }

    /// Takes the capability out: to delete it when the answer has been sent.
    #[inline]
    pub const fn take_capability(&mut self) -> Option<Capability> {
        self.capability.take()
    }

    /// Answers with a result.
    #[inline]
    pub fn reply<M: Method>(&mut self, value: &M::Reply, capability: Option<Capability>) {
        self.write(Label::REPLY, capability, |writer| {
            M::write_reply(value, writer)
        });
    }

    /// Answers with the interface's own error.
    #[inline]
    pub fn error<M: Method>(&mut self, error: &M::Error) {
        self.write(Label::REPLY_ERROR, None, |writer| {
            M::write_error(error, writer)
        });
    }

    /// Answers with an outcome.
    pub fn outcome(&mut self, outcome: Outcome) {
        let (label, word) = outcome.encode();
        self.label = label;
        self.words[0] = word;
        self.length = 1;
        self.capability = None;
    }

    /// A plain reply says of which component its capability is, to netipc's proxy: [`Label::reply_of`]. Naming does that, for other machines; everything else that
    /// might be said stays as it is.
    pub fn attribute(&mut self, component: ComponentId) {
        if self.label == Label::REPLY && self.capability.is_some() {
            self.label = Label::reply_of(component);
        }
    }

    /// Answers with words that are a message already: for who passes answers on.
    pub fn raw(&mut self, label: Label, words: &[u64], capability: Option<Capability>) {
        self.label = label;
        self.length = words.len().min(LONG);
        self.words[..self.length].copy_from_slice(&words[..self.length]);
        self.capability = capability;
    }

    #[inline]
    fn write(
        &mut self,
        label: Label,
        capability: Option<Capability>,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), TooLong>,
    ) {
        let mut writer = Writer::new(&mut self.words);
        match write(&mut writer) {
            Ok(()) => {
                self.length = writer.written();
                self.label = label;
                self.capability = capability;
            }
            // It ran; its result is lost.
            Err(TooLong) => self.outcome(Unknown::ReplyLost.into()),
        }
    }
}

/// Reads the arguments of method `M`, whose label the request has. The capability is taken out of the request if all is well.
#[inline]
pub fn decode<M: Method>(
    request: &mut Request<'_>,
) -> Result<(M, Option<Capability>), NotExecuted> {
    match (M::TAKES, &request.capability) {
        (Passes::Capability, None) => return Err(NotExecuted::MissingCapability),
        (Passes::Nothing, Some(_)) => return Err(NotExecuted::UnexpectedCapability),
        _ => {}
    }
    let arguments = whole(request.words, M::read).map_err(|_| NotExecuted::BadArguments)?;
    Ok((arguments, request.capability.take()))
}

/// Why a label is none of an interface's, whose labels are `known`.
#[must_use]
pub fn refuse(label: Label, known: &[Label]) -> NotExecuted {
    let same = known
        .iter()
        .find(|method| method.ordinal() == label.ordinal());
    match same {
        _ if label.kind() != Kind::Method => NotExecuted::UnknownMethod,
        None => NotExecuted::UnknownMethod,
        Some(method) if method.hash() != label.hash() => NotExecuted::VersionMismatch,
        Some(_) => NotExecuted::WrongWay,
    }
}

impl Disposition {
    /// By what the label says: a receiver cannot see it in any other way.
    pub const fn of(label: Label) -> Self {
        match label.way() {
            Way::Call => Self::Reply,
            Way::OneWay => Self::Nothing,
        }
    }
}
