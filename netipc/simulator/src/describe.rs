//! A frame in a line.

use netipc_wire::{Header, Message, slot};

use crate::truth::Truth;

/// What goes from one machine to another, with the number of the call that it is about.
pub(crate) fn frame(
    from: usize,
    to: usize,
    header: &Header,
    message: &Message<'_>,
    truth: &Truth,
) -> String {
    let arrow = if from < to {
        format!("{from} --> {to}")
    } else {
        format!("{to} <-- {from}")
    };
    let place = "   ".repeat(from.min(to));
    let about = |about: &slot::Repr, caller: usize, callee: usize| {
        let id = truth.find(caller, callee, header.session, about.slot, about.sequence);
        let id = id.map_or("?".into(), |id| id.to_string());
        format!("call {id} (slot {}, {})", about.slot, about.sequence)
    };
    let said = match message {
        Message::Hello(repr) => format!("boot {} nonce {}", repr.identity.0, repr.identity.1),
        Message::HelloAck(repr) => format!("boot {} nonce {}", repr.identity.0, repr.identity.1),
        Message::HelloRefuse(_) => String::new(),
        Message::Ping(token) | Message::Pong(token) => token.to_string(),
        Message::Request(_, repr) => format!(
            "call {} (slot {}, {}) to {}.{} order {} {:?}",
            repr.label,
            repr.slot,
            repr.sequence,
            repr.target.index,
            repr.target.generation,
            repr.order,
            repr.capability
        ),
        Message::Reply(repr) => {
            let repr_about = slot::Repr {
                slot: repr.slot,
                sequence: repr.sequence,
            };
            format!("{} {:?}", about(&repr_about, to, from), repr.capability)
        }
        Message::Cancel(repr) => {
            let repr_about = slot::Repr {
                slot: repr.slot,
                sequence: repr.sequence,
            };
            about(&repr_about, from, to)
        }
        Message::Ack(repr) => about(repr, to, from),
        Message::Refuse(repr, reason) => format!("{}: {reason:?}", about(repr, to, from)),
        Message::Fail(repr, reason) => format!("{}: {reason:?}", about(repr, to, from)),
        Message::CancelAnswer(repr, verdict) => format!("{}: {verdict:?}", about(repr, to, from)),
        Message::Release(descriptor) | Message::ReleaseAck(descriptor) => {
            format!("{}.{}", descriptor.index, descriptor.generation)
        }
    };
    format!(
        "{place}{arrow}  {:?} {said}  [{}]",
        header.kind, header.session
    )
}
