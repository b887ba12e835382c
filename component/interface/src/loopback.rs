//! A transport for host tests: the servers are functions, a capability is a number.

use isthmus_abi::{Label, NotExecuted, Outcome};

use crate::client::{Incoming, Outgoing, ShortAnswer, Transport};
use crate::server::{Answer, Disposition, Request};
use crate::{LONG, SHORT};

/// The number that stands for a capability.
pub type Capability = u32;

/// A function that serves: it is told which capability was called.
pub trait Handler {
    /// Handles a message as a server's loop would.
    fn handle(
        &self,
        to: Capability,
        request: &mut Request<'_, Capability>,
        answer: &mut Answer<Capability>,
    ) -> Disposition;

    /// A received capability was deleted by its receiver.
    fn discarded(&self, _capability: Capability) {}
}

impl<F> Handler for F
where
    F: Fn(Capability, &mut Request<'_, Capability>, &mut Answer<Capability>) -> Disposition,
{
    fn handle(
        &self,
        to: Capability,
        request: &mut Request<'_, Capability>,
        answer: &mut Answer<Capability>,
    ) -> Disposition {
        self(to, request, answer)
    }
}

/// Carries calls to a handler in the same process.
#[derive(Clone, Copy, Debug)]
pub struct Loopback<H>(pub H);

impl<H: Handler> Loopback<H> {
    fn deliver(
        &self,
        to: Capability,
        message: Outgoing<'_, Capability>,
    ) -> Option<Answer<Capability>> {
        let Outgoing {
            label,
            words,
            capability,
        } = message;
        let mut request = Request {
            label,
            words,
            badge: u64::from(to),
            capability,
        };
        let mut answer = Answer::new();
        let disposition = self.0.handle(to, &mut request, &mut answer);
        if let Some(unwanted) = request.capability {
            self.0.discarded(unwanted);
        }
        (disposition == Disposition::Reply).then_some(answer)
    }
}

impl<H: Handler> Transport for Loopback<H> {
    type Capability = Capability;

    fn call<'a>(
        &self,
        to: Capability,
        request: Outgoing<'_, Capability>,
        buffer: &'a mut [u64; LONG],
    ) -> Incoming<'a, Capability> {
        // On the target the caller of a one-way method would wait for ever.
        let answer = self.deliver(to, request).unwrap_or_else(|| {
            let mut answer = Answer::new();
            answer.outcome(Outcome::NotExecuted(NotExecuted::WrongWay));
            answer
        });
        let length = answer.words().len();
        buffer[..length].copy_from_slice(answer.words());
        Incoming {
            label: answer.label(),
            words: &buffer[..length],
            capability: answer.capability().copied(),
        }
    }

    fn call_short(
        &self,
        to: Capability,
        label: Label,
        words: [u64; SHORT],
        length: usize,
    ) -> ShortAnswer {
        let mut buffer = [0; LONG];
        let request = Outgoing {
            label,
            words: &words[..length],
            capability: None,
        };
        let answer = self.call(to, request, &mut buffer);
        let (label, length, capability) = (answer.label, answer.words.len(), answer.capability);
        if let Some(unwanted) = capability {
            self.discard(unwanted);
        }
        let words = core::array::from_fn(|i| if i < length { buffer[i] } else { 0 });
        ShortAnswer {
            label,
            words,
            length,
        }
    }

    fn send(&self, to: Capability, message: Outgoing<'_, Capability>) {
        let _ = self.deliver(to, message);
    }

    fn discard(&self, capability: Capability) {
        self.0.discarded(capability);
    }
}
