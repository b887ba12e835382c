//! The server's side of a call.

use isthmus_abi::label::Way;
use isthmus_abi::{Label, NotExecuted, Outcome};

use crate::client::whole;
use crate::wire::{Wire, Writer};
use crate::{LONG, Method, Passes, SHORT};

/// A message that a server has received.
#[derive(Debug)]
pub struct Request<'a, C> {
    /// Its label.
    pub label: Label,
    /// Its words.
    pub words: &'a [u64],
    /// The badge of the capability through which it came.
    pub badge: u64,
    /// A capability that came along. Whoever is handed it takes it out; the server's loop deletes what is left.
    pub capability: Option<C>,
}

/// What becomes of the sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Disposition {
    /// It waits for the [`Answer`].
    Reply,
    /// It does not wait.
    Nothing,
}

/// An answer that is being made. One is enough for a server: it is used again for each message.
#[derive(Debug)]
pub struct Answer<C> {
    label: Label,
    length: usize,
    words: [u64; LONG],
    capability: Option<C>,
}

impl<C> Default for Answer<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Answer<C> {
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

    /// The capability to send along; the server keeps its own.
    #[must_use]
    pub const fn capability(&self) -> Option<&C> {
        self.capability.as_ref()
    }

    /// Answers with a result.
    #[inline]
    pub fn reply(&mut self, value: &impl Wire, capability: Option<C>) {
        self.write(Label::REPLY, value, capability);
    }

    /// Answers with the interface's own error.
    #[inline]
    pub fn error(&mut self, error: &impl Wire) {
        self.write(Label::REPLY_ERROR, error, None);
    }

    /// Answers with an outcome.
    pub fn outcome(&mut self, outcome: Outcome) {
        let (label, word) = outcome.encode();
        self.label = label;
        self.words[0] = word;
        self.length = 1;
        self.capability = None;
    }

    /// Answers with words that are a message already: for who passes answers on.
    pub fn raw(&mut self, label: Label, words: &[u64], capability: Option<C>) {
        self.label = label;
        self.length = words.len().min(LONG);
        self.words[..self.length].copy_from_slice(&words[..self.length]);
        self.capability = capability;
    }

    #[inline]
    fn write(&mut self, label: Label, value: &impl Wire, capability: Option<C>) {
        let mut writer = Writer::new(&mut self.words);
        match value.write(&mut writer) {
            Ok(()) => {
                self.length = writer.written();
                self.label = label;
                self.capability = capability;
            }
            // It ran; its result is lost.
            Err(_) => self.outcome(Outcome::Unknown(isthmus_abi::Unknown::ReplyLost)),
        }
    }
}

/// Reads the arguments of method `M`, whose label the request has. The capability is taken out of the request.
#[inline]
pub fn decode<M: Method, C>(
    request: &mut Request<'_, C>,
) -> Result<(M::Arguments, Option<C>), NotExecuted> {
    match (M::TAKES, &request.capability) {
        (Passes::Capability, None) => return Err(NotExecuted::MissingCapability),
        (Passes::Nothing, Some(_)) => return Err(NotExecuted::UnexpectedCapability),
        _ => {}
    }
    let arguments = whole(request.words).map_err(|_| NotExecuted::BadArguments)?;
    Ok((arguments, request.capability.take()))
}

/// Why a label is none of an interface's, whose labels are `known`.
#[must_use]
pub fn refuse(label: Label, known: &[Label]) -> NotExecuted {
    let same = known
        .iter()
        .find(|method| method.ordinal() == label.ordinal());
    match same {
        _ if label.kind() != isthmus_abi::label::Kind::Method => NotExecuted::UnknownMethod,
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
