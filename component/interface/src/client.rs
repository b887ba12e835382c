//! The client's side of a call.

use core::fmt;

use isthmus_abi::{Label, NotExecuted, Outcome, Slot, Unknown};

use crate::capability::Capability;
use crate::wire::{Malformed, Reader, TooLong, Writer};
use crate::{LONG, Method, Passes, SHORT};

/// A message on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Its label.
    pub label: Label,
    /// Its words: at most 120.
    pub words: &'a [u64],
    /// Where the capability to send along lies. The sender keeps its own.
    pub capability: Option<Slot>,
}

/// An answer that has come.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// Its label.
    pub label: Label,
    /// Its words.
    pub words: &'a [u64],
    /// A capability that came along; the receiver's now.
    pub capability: Option<Capability>,
}

/// An answer that fits the registers.
#[derive(Clone, Copy, Debug)]
pub struct ShortAnswer {
    /// Its label.
    pub label: Label,
    /// Its words.
    pub words: [u64; SHORT],
    /// How many of them count.
    pub length: usize,
}

/// What carries messages. On the target the runtime does, with the kernel; in host tests [`crate::loopback`].
pub trait Transport {
    /// Calls, and waits for the answer, whose words go into `buffer`.
    fn call<'a>(
        &self,
        to: Slot,
        request: Outgoing<'_>,
        buffer: &'a mut [u64; LONG],
    ) -> Incoming<'a>;

    /// Calls with `length` words, and waits for an answer of at most four words without a capability. An answer that is longer
    /// is cut, with its true length; a capability that comes along is discarded.
    fn call_short(&self, to: Slot, label: Label, words: [u64; SHORT], length: usize)
    -> ShortAnswer;

    /// Sends a message that nobody answers.
    fn send(&self, to: Slot, message: Outgoing<'_>);
}

impl<T: Transport> Transport for &T {
    #[inline]
    fn call<'a>(
        &self,
        to: Slot,
        request: Outgoing<'_>,
        buffer: &'a mut [u64; LONG],
    ) -> Incoming<'a> {
        (**self).call(to, request, buffer)
    }

    #[inline]
    fn call_short(
        &self,
        to: Slot,
        label: Label,
        words: [u64; SHORT],
        length: usize,
    ) -> ShortAnswer {
        (**self).call_short(to, label, words, length)
    }

    #[inline]
    fn send(&self, to: Slot, message: Outgoing<'_>) {
        (**self).send(to, message);
    }
}

/// Why a call brought no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError<E> {
    /// The server ran the method and answered with the interface's own error.
    Interface(E),
    /// There is no answer of the server's: what became of the request.
    Outcome(Outcome),
}

impl<E> From<Outcome> for CallError<E> {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

impl<E> From<NotExecuted> for CallError<E> {
    fn from(reason: NotExecuted) -> Self {
        Self::Outcome(Outcome::NotExecuted(reason))
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(error) => error.fmt(f),
            Self::Outcome(outcome) => outcome.fmt(f),
        }
    }
}

impl<E: core::error::Error> core::error::Error for CallError<E> {}

/// A call's result, with the capability that the reply brought, if the method gives one.
pub type Called<M> =
    Result<(<M as Method>::Reply, Option<Capability>), CallError<<M as Method>::Error>>;

/// Calls method `M` of the server behind `to`. The generated client does it with the right types for the capabilities.
#[inline]
pub fn call<M: Method, T: Transport>(
    transport: &T,
    to: Slot,
    request: &M,
    capability: Option<Slot>,
) -> Called<M> {
    let in_registers = const {
        M::ARGUMENTS.is_short()
            && M::REPLY.is_short()
            && M::ERROR.is_short()
            && matches!(M::TAKES, Passes::Nothing)
            && matches!(M::GIVES, Passes::Nothing)
    };
    if in_registers {
        let mut words = [0; SHORT];
        let length = write(request, &mut words)?;
        let answer = transport.call_short(to, M::LABEL, words, length);
        let words = answer
            .words
            .get(..answer.length)
            .ok_or(Outcome::Unknown(Unknown::BadReply))?;
        read_answer::<M>(answer.label, words).map(|reply| (reply, None))
    } else {
        let mut words = [0; LONG];
        let length = write(request, &mut words)?;
        let mut buffer = [0; LONG];
        let request = Outgoing {
            label: M::LABEL,
            words: &words[..length],
            capability,
        };
        read_incoming::<M>(transport.call(to, request, &mut buffer))
    }
}

/// Reads an answer to method `M`. A capability that does not belong to it is dropped.
pub fn read_incoming<M: Method>(answer: Incoming<'_>) -> Called<M> {
    // An outcome or an error says more than that a capability came with it.
    let reply = read_answer::<M>(answer.label, answer.words)?;
    match (M::GIVES, answer.capability) {
        (Passes::Nothing, Some(_)) | (Passes::Capability, None) => {
            Err(Outcome::Unknown(Unknown::BadReply).into())
        }
        (_, capability) => Ok((reply, capability)),
    }
}

/// Sends the one-way method `M`. That it was sent says nothing about whether it will arrive.
#[inline]
pub fn send<M: Method, T: Transport>(
    transport: &T,
    to: Slot,
    request: &M,
    capability: Option<Slot>,
) -> Result<(), NotExecuted> {
    let mut words = [0; LONG];
    let length = if const { M::ARGUMENTS.is_short() } {
        write(request, &mut words[..SHORT])
    } else {
        write(request, &mut words)
    }?;
    transport.send(
        to,
        Outgoing {
            label: M::LABEL,
            words: &words[..length],
            capability,
        },
    );
    Ok(())
}

#[inline]
fn write<M: Method>(request: &M, words: &mut [u64]) -> Result<usize, NotExecuted> {
    let mut writer = Writer::new(words);
    request
        .write(&mut writer)
        .map_err(|TooLong| NotExecuted::TooLong)?;
    Ok(writer.written())
}

#[inline]
fn read_answer<M: Method>(label: Label, words: &[u64]) -> Result<M::Reply, CallError<M::Error>> {
    let bad = |Malformed| Outcome::Unknown(Unknown::BadReply);
    // What is usual is asked first.
    match label {
        Label::REPLY => Ok(whole(words, M::read_reply).map_err(bad)?),
        Label::REPLY_ERROR => Err(CallError::Interface(
            whole(words, M::read_error).map_err(bad)?,
        )),
        _ => Err(no_answer(label, words).into()),
    }
}

/// What became of a call that its server did not answer.
#[cold]
fn no_answer(label: Label, words: &[u64]) -> Outcome {
    let word = words.first().copied().unwrap_or(0);
    match Outcome::of_answer(label, word) {
        Err(outcome) => outcome,
        // An answer with a label that no method has.
        Ok(()) => Outcome::Unknown(Unknown::BadReply),
    }
}

/// Reads a value that takes all the words.
#[inline]
pub(crate) fn whole<V>(
    words: &[u64],
    read: impl FnOnce(&mut Reader<'_>) -> Result<V, Malformed>,
) -> Result<V, Malformed> {
    let mut reader = Reader::new(words);
    let value = read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}
