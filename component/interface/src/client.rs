//! The client's side of a call.

use core::fmt;

use isthmus_abi::{Label, NotExecuted, Outcome, Unknown};

use crate::wire::{Malformed, Reader, Wire, Writer};
use crate::{LONG, Method, Passes, SHORT};

/// A message on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a, C> {
    /// Its label.
    pub label: Label,
    /// Its words: at most 120.
    pub words: &'a [u64],
    /// A capability to send along. The sender keeps its own.
    pub capability: Option<C>,
}

/// An answer that has come.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a, C> {
    /// Its label.
    pub label: Label,
    /// Its words.
    pub words: &'a [u64],
    /// A capability that came along; the receiver's now.
    pub capability: Option<C>,
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
    /// A capability: a name for it, which can be copied without copying the capability.
    type Capability: Copy + fmt::Debug;

    /// Calls, and waits for the answer, whose words go into `buffer`.
    fn call<'a>(
        &self,
        to: Self::Capability,
        request: Outgoing<'_, Self::Capability>,
        buffer: &'a mut [u64; LONG],
    ) -> Incoming<'a, Self::Capability>;

    /// Calls with `length` words, and waits for an answer of at most four words without a capability. An answer that is longer
    /// is cut, with its true length; a capability that comes along is discarded.
    fn call_short(
        &self,
        to: Self::Capability,
        label: Label,
        words: [u64; SHORT],
        length: usize,
    ) -> ShortAnswer;

    /// Sends a message that nobody answers.
    fn send(&self, to: Self::Capability, message: Outgoing<'_, Self::Capability>);

    /// Deletes a received capability that nobody wants.
    fn discard(&self, capability: Self::Capability);
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
pub type Called<M, C> = Result<(<M as Method>::Reply, Option<C>), CallError<<M as Method>::Error>>;

/// Calls method `M` of the server behind `to`. The generated client does it with the right types for the capabilities.
#[inline]
pub fn call<M: Method, T: Transport>(
    transport: &T,
    to: T::Capability,
    arguments: &M::Arguments,
    capability: Option<T::Capability>,
) -> Called<M, T::Capability> {
    const {
        assert!(
            M::Arguments::MAX_WORDS <= LONG,
            "the arguments do not fit one message"
        );
        assert!(
            M::Reply::MAX_WORDS <= LONG,
            "the reply does not fit one message"
        );
        assert!(
            M::Error::MAX_WORDS <= SHORT,
            "an interface's error has at most four words"
        );
    }
    let in_registers = const {
        M::Arguments::MAX_WORDS <= SHORT
            && M::Reply::MAX_WORDS <= SHORT
            && matches!(M::TAKES, Passes::Nothing)
            && matches!(M::GIVES, Passes::Nothing)
    };
    if in_registers {
        let mut words = [0; SHORT];
        let length = write(arguments, &mut words)?;
        let answer = transport.call_short(to, M::LABEL, words, length);
        let words = answer
            .words
            .get(..answer.length)
            .ok_or(Outcome::Unknown(Unknown::BadReply))?;
        read_answer::<M>(answer.label, words).map(|reply| (reply, None))
    } else {
        let mut words = [0; LONG];
        let length = write(arguments, &mut words)?;
        let mut buffer = [0; LONG];
        let request = Outgoing {
            label: M::LABEL,
            words: &words[..length],
            capability,
        };
        let answer = transport.call(to, request, &mut buffer);
        let reply = read_answer::<M>(answer.label, answer.words);
        let wanted = if reply.is_ok() {
            M::GIVES
        } else {
            Passes::Nothing
        };
        match (wanted, answer.capability) {
            (Passes::Nothing, None) | (Passes::Capability, Some(_)) => {
                Ok((reply?, answer.capability))
            }
            (Passes::Nothing, Some(unwanted)) => {
                transport.discard(unwanted);
                // The outcome or error says more than that a capability came with it.
                reply.and(Err(Outcome::Unknown(Unknown::BadReply).into()))
            }
            (Passes::Capability, None) => Err(Outcome::Unknown(Unknown::BadReply).into()),
        }
    }
}

/// Sends the one-way method `M`. That it was sent says nothing about whether it will arrive.
#[inline]
pub fn send<M: Method, T: Transport>(
    transport: &T,
    to: T::Capability,
    arguments: &M::Arguments,
    capability: Option<T::Capability>,
) -> Result<(), NotExecuted> {
    const {
        assert!(
            M::Arguments::MAX_WORDS <= LONG,
            "the arguments do not fit one message"
        )
    };
    let mut words = [0; LONG];
    let length = if M::Arguments::MAX_WORDS <= SHORT {
        Ok(write(arguments, &mut words[..SHORT])?)
    } else {
        write(arguments, &mut words)
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
fn write(arguments: &impl Wire, words: &mut [u64]) -> Result<usize, NotExecuted> {
    let mut writer = Writer::new(words);
    arguments
        .write(&mut writer)
        .map_err(|_| NotExecuted::TooLong)?;
    Ok(writer.written())
}

impl<E> From<NotExecuted> for CallError<E> {
    fn from(reason: NotExecuted) -> Self {
        Self::Outcome(Outcome::NotExecuted(reason))
    }
}

#[inline]
fn read_answer<M: Method>(label: Label, words: &[u64]) -> Result<M::Reply, CallError<M::Error>> {
    Outcome::of_answer(label, words.first().copied().unwrap_or(0))?;
    let bad = |Malformed| Outcome::Unknown(Unknown::BadReply);
    match label {
        Label::REPLY => Ok(whole(words).map_err(bad)?),
        Label::REPLY_ERROR => Err(CallError::Interface(whole(words).map_err(bad)?)),
        _ => Err(Outcome::Unknown(Unknown::BadReply).into()),
    }
}

/// Reads a value that takes all the words.
#[inline]
pub(crate) fn whole<V: Wire>(words: &[u64]) -> Result<V, Malformed> {
    let mut reader = Reader::new(words);
    let value = V::read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}
