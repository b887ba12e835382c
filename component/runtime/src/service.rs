//! The receive loop of a server: messages on the service endpoint, events on the bound notification.

use isthmus_abi::{EndpointBadge, Events, limits, slots};
use sel4::{MessageInfo, RecvWithMRs, Word, cap};

/// Words of a message that come in registers; the rest lies in the IPC buffer.
pub type RegisterWords = [Word; limits::REGISTER_WORDS];

/// A message that has arrived, as the kernel gave it.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Label, length, capabilities.
    pub info: MessageInfo,
    /// Through whose capability, and for which object. (A component that mints its own badges reads [`Self::badge_bits`].)
    pub badge: EndpointBadge,
    /// All 28 bits of the badge.
    pub badge_bits: Word,
    /// The first four words; meaningless beyond the message's length.
    pub words: RegisterWords,
}

/// What a receive brought.
#[derive(Clone, Copy, Debug)]
pub enum Arrival {
    /// A message, to be answered if it was a call.
    Message(Incoming),
    /// Events. Nobody waits for an answer.
    Events(Events),
}

/// The receiving side of the component's own service endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    endpoint: cap::Endpoint,
}

impl Service {
    /// This component's. Without `serves` in the description there is none.
    #[must_use]
    pub fn get() -> Option<Self> {
        let serves = !crate::startup().serves.is_empty();
        serves.then(|| Self {
            endpoint: crate::slots::cap(slots::SERVICE),
        })
    }

    /// Any endpoint that this component may receive on.
    #[must_use]
    pub const fn on(endpoint: cap::Endpoint) -> Self {
        Self { endpoint }
    }

    /// The endpoint, with all rights: to mint capabilities for clients.
    #[must_use]
    pub const fn endpoint(self) -> cap::Endpoint {
        self.endpoint
    }

    /// [`Self::receive`], not told apart yet: on the way of every call an enum costs.
    pub(crate) fn next(self) -> RecvWithMRs {
        self.endpoint.recv_with_mrs(())
    }

    /// [`Self::reply_receive`], not told apart yet.
    pub(crate) fn reply_next(self, info: MessageInfo, words: RegisterWords) -> RecvWithMRs {
        self.endpoint.reply_recv_with_mrs(info, words, ())
    }

    /// Waits for a message or an event.
    #[must_use]
    pub fn receive(self) -> Arrival {
        arrival(self.next())
    }

    /// What has arrived already, if anything.
    #[must_use]
    pub fn poll(self) -> Option<Arrival> {
        let received = self.endpoint.nb_recv_with_mrs(());
        // No capability of ours has badge 0.
        (received.badge != 0).then(|| arrival(received))
    }

    /// Answers the last caller and waits, in one system call. Words beyond the fourth, and a capability, are in the IPC
    /// buffer already.
    #[must_use]
    pub fn reply_receive(self, info: MessageInfo, words: RegisterWords) -> Arrival {
        arrival(self.reply_next(info, words))
    }
}

/// Answers the last caller. Prefer [`Service::reply_receive`].
pub fn reply(info: MessageInfo, words: RegisterWords) {
    sel4::reply_with_mrs(info, words);
}

/// Waits for events, on the component's own notification: for a main thread that serves nothing.
#[must_use]
pub fn wait() -> Events {
    let (_, badge) = crate::slots::cap::<sel4::cap_type::Notification>(slots::NOTIFICATION).wait();
    Events::from_badge(badge)
}

/// Events that have arrived already.
#[must_use]
pub fn poll() -> Events {
    let (_, badge) = crate::slots::cap::<sel4::cap_type::Notification>(slots::NOTIFICATION).poll();
    Events::from_badge(badge)
}

fn arrival(received: RecvWithMRs) -> Arrival {
    classify(received.info, received.badge, received.msg)
}

fn classify(info: MessageInfo, badge: Word, words: RegisterWords) -> Arrival {
    match isthmus_abi::Received::from_badge(badge) {
        isthmus_abi::Received::Events(events) => Arrival::Events(events),
        isthmus_abi::Received::Message(endpoint) => Arrival::Message(Incoming {
            info,
            badge: endpoint,
            badge_bits: badge,
            words,
        }),
    }
}
