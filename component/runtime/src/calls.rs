//! Typed calls over the kernel: the transport of `isthmus-interface`'s clients, and the loop of a server.
//!
//! Short calls touch registers only. A capability that arrives is moved to a free slot at once, so that the receive slot is
//! empty for the next one.

use isthmus_abi::{Events, Label, NotExecuted, Outcome, Received, Slot, Unknown, limits};
use isthmus_interface as interface;
use isthmus_interface::{
    Answer, Capability, Disposition, Exhausted, Outgoing, Request, ShortAnswer, System, Transport,
};
use sel4::{MessageInfo, MessageInfoBuilder, RecvWithMRs, Word, cap};

use crate::replies::SavedReply;
use crate::service::{RegisterWords, Service};
use crate::slots::{self, TakeError};
use crate::staged;

/// The kernel as transport. A capability is the slot in which it lies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernel;

impl Kernel {
    /// What lies in `slot`, which [`slots::allocate`] gave, to be deleted when it is dropped.
    #[must_use]
    pub fn owned(slot: Slot) -> Capability {
        Capability::owned(slot, &Self)
    }
}

impl System for Kernel {
    fn discard(&self, slot: Slot) {
        slots::free(slot);
    }

    fn save_caller(&self) -> Result<Slot, Exhausted> {
        SavedReply::save()
            .map(SavedReply::into_slot)
            .map_err(|_| Exhausted)
    }

    fn answer(&self, waiting: Slot, answer: &Answer) {
        SavedReply::from_slot(waiting).answer(answer);
    }

    fn stage(&self, badge: u64, capability: Capability) -> Result<u64, Exhausted> {
        staged::stage(badge, capability)
    }

    fn unstage(&self, badge: u64, ticket: u64) -> Option<Capability> {
        staged::unstage(badge, ticket)
    }
}

impl Transport for Kernel {
    fn call<'a>(
        &self,
        to: Slot,
        request: Outgoing<'_>,
        buffer: &'a mut [u64; limits::MESSAGE_WORDS],
    ) -> interface::Incoming<'a> {
        let (info, first) = stage(request.label, request.words, request.capability);
        let answer = endpoint(to).call_with_mrs(info, first);
        let length = answer.info.length().min(limits::MESSAGE_WORDS);
        let label = Label::from_bits(answer.info.label());
        match arrived(answer.info) {
            Ok(capability) => interface::Incoming {
                label,
                words: fetch(answer.msg, length, buffer),
                capability,
            },
            // It ran, and what it gave is lost.
            Err(_) => {
                let (label, word) = Outcome::Unknown(Unknown::ReplyLost).encode();
                buffer[0] = word;
                interface::Incoming {
                    label,
                    words: &buffer[..1],
                    capability: None,
                }
            }
        }
    }

    #[inline]
    fn call_short(
        &self,
        to: Slot,
        label: Label,
        words: RegisterWords,
        length: usize,
    ) -> ShortAnswer {
        let info = MessageInfoBuilder::default()
            .label(label.bits())
            .length(length)
            .build();
        let answer = endpoint(to).call_with_mrs(info, words);
        if answer.info.extra_caps() > 0 {
            slots::discard_received();
        }
        ShortAnswer {
            label: Label::from_bits(answer.info.label()),
            words: answer.msg,
            length: answer.info.length(),
        }
    }

    fn send(&self, to: Slot, message: Outgoing<'_>) {
        let (info, first) = stage(message.label, message.words, message.capability);
        endpoint(to).send_with_mrs(info, first);
    }
}

const fn endpoint(slot: Slot) -> cap::Endpoint {
    slots::cap(slot)
}

/// Makes a message ready to be sent: the words beyond the fourth, and the capability, go into the IPC buffer. For who makes
/// no typed calls.
#[must_use]
#[inline]
pub fn stage(
    label: Label,
    words: &[Word],
    capability: Option<Slot>,
) -> (MessageInfo, RegisterWords) {
    let first = match words.first_chunk() {
        Some(first) => *first,
        None => core::array::from_fn(|index| words.get(index).copied().unwrap_or(0)),
    };
    (stage_rest(label, words, capability), first)
}

/// [`stage`] without the words that travel in registers.
///
/// It and [`fetch`] copy the first four words one by one: a copy of a length that is known only at run time costs a short call
/// more than everything else that the runtime does for it.
#[inline]
fn stage_rest(label: Label, words: &[Word], capability: Option<Slot>) -> MessageInfo {
    if words.len() > limits::REGISTER_WORDS || capability.is_some() {
        sel4::with_ipc_buffer_mut(|buffer| {
            buffer.write_words(words);
            if let Some(slot) = capability {
                buffer.caps_or_badges_mut()[0].set(slot.bits());
            }
        });
    }
    MessageInfoBuilder::default()
        .label(label.bits())
        .extra_caps(usize::from(capability.is_some()))
        .length(words.len().min(limits::MESSAGE_WORDS))
        .build()
}

/// Makes an answer ready to be sent.
#[inline]
fn stage_answer(answer: &Answer) -> (MessageInfo, RegisterWords) {
    let capability = answer.capability().map(Capability::slot);
    let info = stage_rest(answer.label(), answer.words(), capability);
    (info, answer.register_words())
}

/// The words of a message that was received: the first four came in registers. At most [`limits::MESSAGE_WORDS`]. What lies behind
/// them in `buffer` means nothing.
#[inline]
pub fn fetch(
    first: RegisterWords,
    length: usize,
    buffer: &mut [u64; limits::MESSAGE_WORDS],
) -> &[u64] {
    let length = length.min(limits::MESSAGE_WORDS);
    if length > first.len() {
        sel4::with_ipc_buffer(|ipc| ipc.read_words(&mut buffer[..length]));
    }
    buffer[..limits::REGISTER_WORDS].copy_from_slice(&first);
    &buffer[..length]
}

/// Why a message's capability cannot be had.
enum Lost {
    /// No free slot is left.
    Exhausted,
    /// There are several: of a server's own any number arrive, beside one of another's.
    Several,
}

/// Takes the capability that came with a message, if one did.
fn arrived(info: MessageInfo) -> Result<Option<Capability>, Lost> {
    match info.extra_caps() {
        0 => return Ok(None),
        1 => {}
        _ => {
            // Where another's lies nothing could arrive any more, and which badges are of this message is not to be guessed at.
            slots::discard_received();
            return Err(Lost::Several);
        }
    }
    if info.caps_unwrapped() != 0 {
        // One of this component's own endpoint: the badge is all that the kernel gives.
        let badge = sel4::with_ipc_buffer(|buffer| buffer.caps_or_badges()[0].get());
        return Ok(Some(Capability::own(badge)));
    }
    match slots::take_received() {
        Ok(slot) => Ok(Some(Kernel::owned(slot))),
        Err(TakeError::NothingReceived) => Ok(None),
        Err(TakeError::Exhausted) => {
            slots::discard_received();
            Err(Lost::Exhausted)
        }
    }
}

/// What a server is woken for.
#[derive(Debug)]
pub enum Occasion<'r, 'w> {
    /// A message, and where its answer goes.
    Message(&'r mut Request<'w>, &'r mut Answer),
    /// Events.
    Events(Events),
}

/// The loop of a server: receives, has `handle` look at it, answers, and waits again, in one system call.
///
/// `handle` answers a message with what the interface's `dispatch` returns, and events with [`Disposition::Nothing`]. A
/// capability that it leaves in the request is deleted. To answer a call later it saves the reply, and returns
/// [`Disposition::Nothing`]; a method with an argument `Later` does both by itself.
pub fn serve(service: Service, handle: impl FnMut(Occasion<'_, '_>) -> Disposition) -> ! {
    serve_with(service, handle)
}

/// Who looks at what comes. Two methods, each called at one place, and not one with both, so that the compiler can put a `dispatch` there.
trait Handler {
    fn message(&mut self, request: &mut Request<'_>, answer: &mut Answer) -> Disposition;
    fn events(&mut self, events: Events);
}

impl<F: FnMut(Occasion<'_, '_>) -> Disposition> Handler for F {
    fn message(&mut self, request: &mut Request<'_>, answer: &mut Answer) -> Disposition {
        self(Occasion::Message(request, answer))
    }

    fn events(&mut self, events: Events) {
        // Nobody waits for an answer.
        let _ = self(Occasion::Events(events));
    }
}

/// A server and its `dispatch`.
struct Plain<'s, S, D> {
    server: &'s mut S,
    dispatch: D,
}

impl<S, D> Handler for Plain<'_, S, D>
where
    D: Fn(&mut S, &mut Request<'_>, &mut Answer) -> Disposition,
{
    #[inline(always)]
    fn message(&mut self, request: &mut Request<'_>, answer: &mut Answer) -> Disposition {
        (self.dispatch)(self.server, request, answer)
    }

    fn events(&mut self, _events: Events) {}
}

fn serve_with(service: Service, mut handler: impl Handler) -> ! {
    let mut answer = Answer::new();
    let mut buffer = [0; limits::MESSAGE_WORDS];
    let mut received = service.next();
    loop {
        let disposition = match Received::from_badge(received.badge) {
            Received::Events(events) => {
                handler.events(events);
                Disposition::Nothing
            }
            Received::Message(_) => {
                handle_message(&received, &mut buffer, &mut answer, &mut handler)
            }
        };
        received = match disposition {
            Disposition::Reply => {
                let (info, first) = stage_answer(&answer);
                let next = service.reply_next(info, first);
                // It has been sent: what was given away goes.
                drop(answer.take_capability());
                next
            }
            Disposition::Nothing => service.next(),
        };
    }
}

/// The loop of a server that serves one interface and hears no events: `run(service, &mut server, kv::dispatch)`.
pub fn run<S>(
    service: Service,
    server: &mut S,
    dispatch: impl Fn(&mut S, &mut Request<'_>, &mut Answer) -> Disposition,
) -> ! {
    serve_with(service, Plain { server, dispatch })
}

impl SavedReply {
    /// Answers a typed call that was put off.
    pub fn answer(self, answer: &Answer) {
        let (info, first) = stage_answer(answer);
        self.send_with_mrs(info, first);
    }
}

#[inline(always)]
fn handle_message(
    message: &RecvWithMRs,
    buffer: &mut [u64; limits::MESSAGE_WORDS],
    answer: &mut Answer,
    handler: &mut impl Handler,
) -> Disposition {
    let label = Label::from_bits(message.info.label());
    let length = message.info.length().min(limits::MESSAGE_WORDS);
    let words = fetch(message.msg, length, buffer);
    let capability = match arrived(message.info) {
        Ok(capability) => capability,
        Err(lost) => {
            let reason = match lost {
                Lost::Exhausted => NotExecuted::Overload,
                Lost::Several => NotExecuted::UnexpectedCapability,
            };
            answer.outcome(reason.into());
            return Disposition::of(label);
        }
    };
    let mut request = Request {
        label,
        words,
        badge: message.badge,
        capability,
        system: &Kernel,
    };
    handler.message(&mut request, answer)
}
