//! A frame in words.

use netipc_wire::bulk::Direction;
use netipc_wire::{Header, Kind, Message, slot};

use crate::truth::Truth;

/// A frame's kind in at most seven letters.
pub(crate) const fn short(kind: Kind) -> &'static str {
    match kind {
        Kind::Hello => "HELLO",
        Kind::HelloAck => "H-ACK",
        Kind::HelloRefuse => "H-REF",
        Kind::HelloCookie => "H-COOK",
        Kind::Rekey => "REKEY",
        Kind::RekeyAck => "RK-ACK",
        Kind::Ping => "PING",
        Kind::Pong => "PONG",
        Kind::Request => "REQUEST",
        Kind::OneWay => "ONEWAY",
        Kind::Ack => "ACK",
        Kind::Reply => "REPLY",
        Kind::Refuse => "REFUSE",
        Kind::Fail => "FAIL",
        Kind::Cancel => "CANCEL",
        Kind::CancelAnswer => "C-ANSW",
        Kind::Release => "RELEASE",
        Kind::ReleaseAck => "R-ACK",
        Kind::Revoke => "REVOKE",
        Kind::RevokeAck => "V-ACK",
        Kind::GrantAsk => "ASK",
        Kind::Grant => "GRANT",
        Kind::GrantRefuse => "G-REF",
        Kind::Offer => "OFFER",
        Kind::OfferAck => "O-ACK",
        Kind::OfferRefuse => "O-REF",
        Kind::View => "VIEW",
        Kind::Want => "WANT",
        Kind::Data => "DATA",
        Kind::Store => "STORE",
        Kind::Stored => "STORED",
        Kind::BulkRefuse => "B-REF",
    }
}

/// The call that a frame is about.
pub(crate) fn call_of(
    (from, to): (usize, usize),
    header: &Header,
    message: &Message<'_>,
    truth: &Truth,
) -> Option<usize> {
    let find =
        |caller, callee, slot, sequence| truth.find(caller, callee, header.session, slot, sequence);
    match message {
        Message::Request(_, repr) => usize::try_from(repr.label).ok(),
        Message::Reply(repr) => find(to, from, repr.slot, repr.sequence),
        Message::Cancel(repr) => find(from, to, repr.slot, repr.sequence),
        Message::Ack(repr)
        | Message::Refuse(repr, _)
        | Message::Fail(repr, _)
        | Message::CancelAnswer(repr, _) => find(to, from, repr.slot, repr.sequence),
        Message::Want(want) => match want.about.direction {
            Direction::Fetch => find(to, from, want.about.slot, want.about.sequence),
            Direction::Store => find(from, to, want.about.slot, want.about.sequence),
        },
        Message::Data(data) => match data.about.direction {
            Direction::Fetch => find(from, to, data.about.slot, data.about.sequence),
            Direction::Store => find(to, from, data.about.slot, data.about.sequence),
        },
        Message::Store(about, _) => find(to, from, about.slot, about.sequence),
        Message::Stored(about) | Message::BulkRefuse(about, _) => {
            find(from, to, about.slot, about.sequence)
        }
        _ => None,
    }
}

/// What a frame says, with the number of the call that it is about.
pub(crate) fn frame(header: &Header, message: &Message<'_>, call: Option<usize>) -> String {
    let call = call.map_or("?".into(), |id| id.to_string());
    let about =
        |about: &slot::Repr| format!("call {call} (slot {}, {})", about.slot, about.sequence);
    let said = match message {
        Message::Hello(repr) | Message::HelloAck(repr) => {
            format!("boot {} nonce {}", repr.identity.0, repr.identity.1)
        }
        Message::HelloRefuse(_) | Message::HelloCookie(_) => String::new(),
        Message::Rekey(repr) | Message::RekeyAck(repr) => format!("key {}", repr.key),
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
            format!(
                "call {call} (slot {}, {}) {:?}",
                repr.slot, repr.sequence, repr.capability
            )
        }
        Message::Cancel(repr) => format!("call {call} (slot {}, {})", repr.slot, repr.sequence),
        Message::Ack(repr) => about(repr),
        Message::Refuse(repr, reason) => format!("{}: {reason:?}", about(repr)),
        Message::Fail(repr, reason) => format!("{}: {reason:?}", about(repr)),
        Message::CancelAnswer(repr, verdict) => format!("{}: {verdict:?}", about(repr)),
        Message::Release(descriptor)
        | Message::ReleaseAck(descriptor)
        | Message::Revoke(descriptor)
        | Message::RevokeAck(descriptor)
        | Message::OfferAck(descriptor) => {
            format!("{}.{}", descriptor.index, descriptor.generation)
        }
        Message::GrantAsk(ask) => format!("{ask:?}"),
        Message::Grant(number, grant) => format!("{number}: {grant:?}"),
        Message::GrantRefuse(number, reason) => format!("{number}: {reason:?}"),
        Message::Offer(offer) => format!("{offer:?}"),
        Message::OfferRefuse(descriptor, reason) => {
            format!("{}.{}: {reason:?}", descriptor.index, descriptor.generation)
        }
        Message::View(repr) => match netipc_view::message::Message::parse(repr.said) {
            Ok(message) => format!("{message:?}"),
            Err(reason) => reason.to_string(),
        },
        Message::Want(want) => {
            format!("call {call}: from chunk {}, {:#b}", want.first, want.chunks)
        }
        Message::Data(data) => format!("call {call}: chunk {}", data.chunk),
        Message::Store(about, range) => format!("call {call}: {} {range:?}", about.number),
        Message::Stored(about) => format!("call {call}: {}", about.number),
        Message::BulkRefuse(about, reason) => {
            format!("call {call}: {} {reason:?}", about.number)
        }
    };
    format!("{:?} {said} [{}]", header.kind, header.session)
}
