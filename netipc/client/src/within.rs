//! A transport with a deadline, for generated clients.

use core::future::poll_fn;
use core::task::ready;

use isthmus_runtime::Duration;
use isthmus_runtime::abi::limits::{MESSAGE_WORDS, REGISTER_WORDS};
use isthmus_runtime::abi::{Label, NotExecuted, Outcome, Slot};
use isthmus_runtime::interface::{Incoming, Outgoing, ShortAnswer, Transport};
use netipc_interface::ring::Words;

use crate::Calls;
use crate::call::Raw;

/// Calls to one target, each given up after some time. Methods with capabilities are refused: `NotExecuted(UnexpectedCapability)`.
#[derive(Clone, Copy)]
pub struct Within<'c> {
    calls: &'c Calls,
    target: u64,
    budget: Duration,
}

impl<'c> Within<'c> {
    pub(crate) const fn new(calls: &'c Calls, target: u64, budget: Duration) -> Self {
        Self {
            calls,
            target,
            budget,
        }
    }

    fn made(&self, label: Label, words: &[u64]) -> (u64, Words) {
        let mut raw = Raw::new(self.calls, self.target, self.budget);
        let mut submitted = false;
        self.calls.block_on(poll_fn(|context| {
            if !submitted {
                ready!(raw.submit(label, words, context));
                submitted = true;
            }
            raw.end(context)
        }))
    }
}

impl Transport for Within<'_> {
    fn call<'a>(
        &self,
        _: Slot,
        request: Outgoing<'_>,
        buffer: &'a mut [u64; MESSAGE_WORDS],
    ) -> Incoming<'a> {
        let (label, words) = if request.capability.is_some() {
            let (label, word) = Outcome::NotExecuted(NotExecuted::UnexpectedCapability).encode();
            (label.bits(), [word].into_iter().collect())
        } else {
            self.made(request.label, request.words)
        };
        buffer[..words.len()].copy_from_slice(&words);
        Incoming {
            label: Label::from_bits(label),
            words: &buffer[..words.len()],
            capability: None,
        }
    }

    fn call_short(
        &self,
        _: Slot,
        label: Label,
        words: [u64; REGISTER_WORDS],
        length: usize,
    ) -> ShortAnswer {
        let (label, answer) = self.made(label, &words[..length]);
        ShortAnswer {
            label: Label::from_bits(label),
            words: core::array::from_fn(|i| answer.get(i).copied().unwrap_or(0)),
            length: answer.len(),
        }
    }

    fn send(&self, _: Slot, message: Outgoing<'_>) {
        if message.capability.is_none() {
            let _ = self.made(message.label, message.words);
        }
    }
}
