//! Every frame's body, as one sum.

use isthmus_abi::{NotExecuted, Unknown};

use crate::ping::{PING_LENGTH, Packet, RELEASE_LENGTH, ReleasePacket, emit_ping, emit_release};
use crate::{
    Descriptor, Grant, HEADER_LENGTH, Header, Kind, Malformed, SessionId, TAG_LENGTH, Verdict, Way,
    bulk, cancel, grant, handshake, rekey, reply, request, slot, view,
};

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// HELLO.
    Hello(handshake::Repr<'a>),
    /// HELLO-ACK.
    HelloAck(handshake::Repr<'a>),
    /// HELLO-REFUSE.
    HelloRefuse(handshake::Refuse),
    /// HELLO-COOKIE.
    HelloCookie(handshake::CookieRepr),
    /// REKEY.
    Rekey(rekey::Repr<'a>),
    /// REKEY-ACK.
    RekeyAck(rekey::Repr<'a>),
    /// PING with a number that comes back.
    Ping(u64),
    /// PONG with the PING's number.
    Pong(u64),
    /// REQUEST or ONEWAY.
    Request(Way, request::Repr<'a>),
    /// ACK.
    Ack(slot::Repr),
    /// REPLY.
    Reply(reply::Repr<'a>),
    /// REFUSE.
    Refuse(slot::Repr, NotExecuted),
    /// FAIL.
    Fail(slot::Repr, Unknown),
    /// CANCEL.
    Cancel(cancel::Repr),
    /// CANCEL-ANSWER.
    CancelAnswer(slot::Repr, Verdict),
    /// RELEASE of an export of the receiver.
    Release(Descriptor),
    /// RELEASE-ACK with the RELEASE's descriptor.
    ReleaseAck(Descriptor),
    /// REVOKE of an export of the sender.
    Revoke(Descriptor),
    /// REVOKE-ACK with the REVOKE's descriptor.
    RevokeAck(Descriptor),
    /// GRANT-ASK.
    GrantAsk(grant::Ask),
    /// GRANT with the GRANT-ASK's number.
    Grant(u64, Grant),
    /// GRANT-REFUSE with the GRANT-ASK's number.
    GrantRefuse(u64, NotExecuted),
    /// OFFER.
    Offer(grant::Offer),
    /// OFFER-ACK with the OFFER's descriptor.
    OfferAck(Descriptor),
    /// OFFER-REFUSE with the OFFER's descriptor.
    OfferRefuse(Descriptor, NotExecuted),
    /// VIEW.
    View(view::Repr<'a>),
    /// WANT.
    Want(bulk::Want),
    /// DATA.
    Data(bulk::Data<'a>),
    /// STORE into these bytes of the receiver's loan.
    Store(bulk::About, bulk::Range),
    /// STORED.
    Stored(bulk::About),
    /// BULK-REFUSE.
    BulkRefuse(bulk::About, bulk::Refusal),
}

impl<'a> Message<'a> {
    /// Reads the body of a frame of this kind.
    pub fn parse(kind: Kind, body: &'a [u8]) -> Result<Self, Malformed> {
        Ok(match kind {
            Kind::Hello => Self::Hello(handshake::Repr::parse(body)?),
            Kind::HelloAck => Self::HelloAck(handshake::Repr::parse(body)?),
            Kind::HelloRefuse => Self::HelloRefuse(handshake::Refuse::parse(body)?),
            Kind::HelloCookie => Self::HelloCookie(handshake::CookieRepr::parse(body)?),
            Kind::Rekey => Self::Rekey(rekey::Repr::parse(body)?),
            Kind::RekeyAck => Self::RekeyAck(rekey::Repr::parse(body)?),
            Kind::Ping => Self::Ping(Packet::new_checked(body)?.token()),
            Kind::Pong => Self::Pong(Packet::new_checked(body)?.token()),
            Kind::Request => Self::Request(Way::Call, request::Repr::parse(body)?),
            Kind::OneWay => Self::Request(Way::OneWay, request::Repr::parse(body)?),
            Kind::Reply => Self::Reply(reply::Repr::parse(body)?),
            Kind::Cancel => Self::Cancel(cancel::Repr::parse(body)?),
            Kind::Release => Self::Release(ReleasePacket::new_checked(body)?.descriptor()),
            Kind::ReleaseAck => Self::ReleaseAck(ReleasePacket::new_checked(body)?.descriptor()),
            Kind::Revoke => Self::Revoke(ReleasePacket::new_checked(body)?.descriptor()),
            Kind::RevokeAck => Self::RevokeAck(ReleasePacket::new_checked(body)?.descriptor()),
            Kind::OfferAck => Self::OfferAck(ReleasePacket::new_checked(body)?.descriptor()),
            Kind::GrantAsk => Self::GrantAsk(grant::Ask::parse(body)?),
            Kind::Offer => Self::Offer(grant::Offer::parse(body)?),
            Kind::Grant => {
                let (number, grant) = grant::parse_grant(body)?;
                Self::Grant(number, grant)
            }
            Kind::GrantRefuse => {
                let (number, reason) = grant::parse_refusal(body)?;
                Self::GrantRefuse(number, reason)
            }
            Kind::OfferRefuse => {
                let (export, reason) = grant::parse_declined(body)?;
                Self::OfferRefuse(export, reason)
            }
            Kind::View => Self::View(view::Repr::parse(body)?),
            Kind::Want => Self::Want(bulk::Want::parse(body)?),
            Kind::Data => Self::Data(bulk::Data::parse(body)?),
            Kind::Store => {
                let (about, range) = bulk::parse_store(body)?;
                Self::Store(about, range)
            }
            Kind::Stored => Self::Stored(bulk::parse_stored(body)?),
            Kind::BulkRefuse => {
                let (about, reason) = bulk::parse_refuse(body)?;
                Self::BulkRefuse(about, reason)
            }
            Kind::Ack | Kind::Refuse | Kind::Fail | Kind::CancelAnswer => {
                let (slot, code) = slot::Repr::parse(body)?;
                match kind {
                    Kind::Refuse => Self::Refuse(slot, NotExecuted::from_code(code)),
                    Kind::Fail => Self::Fail(slot, Unknown::from_code(code)),
                    Kind::CancelAnswer => Self::CancelAnswer(slot, Verdict::from_code(code)?),
                    _ if code != 0 => return Err(Malformed::Field),
                    _ => Self::Ack(slot),
                }
            }
        })
    }

    /// The frame's kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Hello(_) => Kind::Hello,
            Self::HelloAck(_) => Kind::HelloAck,
            Self::HelloRefuse(_) => Kind::HelloRefuse,
            Self::HelloCookie(_) => Kind::HelloCookie,
            Self::Rekey(_) => Kind::Rekey,
            Self::RekeyAck(_) => Kind::RekeyAck,
            Self::Ping(_) => Kind::Ping,
            Self::Pong(_) => Kind::Pong,
            Self::Request(Way::Call, _) => Kind::Request,
            Self::Request(Way::OneWay, _) => Kind::OneWay,
            Self::Ack(_) => Kind::Ack,
            Self::Reply(_) => Kind::Reply,
            Self::Refuse(..) => Kind::Refuse,
            Self::Fail(..) => Kind::Fail,
            Self::Cancel(_) => Kind::Cancel,
            Self::CancelAnswer(..) => Kind::CancelAnswer,
            Self::Release(_) => Kind::Release,
            Self::ReleaseAck(_) => Kind::ReleaseAck,
            Self::Revoke(_) => Kind::Revoke,
            Self::RevokeAck(_) => Kind::RevokeAck,
            Self::GrantAsk(_) => Kind::GrantAsk,
            Self::Grant(..) => Kind::Grant,
            Self::GrantRefuse(..) => Kind::GrantRefuse,
            Self::Offer(_) => Kind::Offer,
            Self::OfferAck(_) => Kind::OfferAck,
            Self::OfferRefuse(..) => Kind::OfferRefuse,
            Self::View(_) => Kind::View,
            Self::Want(_) => Kind::Want,
            Self::Data(_) => Kind::Data,
            Self::Store(..) => Kind::Store,
            Self::Stored(_) => Kind::Stored,
            Self::BulkRefuse(..) => Kind::BulkRefuse,
        }
    }

    /// Bytes of the whole frame, header and tag included.
    #[must_use]
    pub fn frame_length(&self) -> usize {
        let body = match self {
            Self::Hello(repr) | Self::HelloAck(repr) => repr.length(),
            Self::HelloRefuse(_) => handshake::REFUSE_LENGTH,
            Self::HelloCookie(_) => handshake::COOKIE_FRAME_LENGTH,
            Self::Rekey(repr) | Self::RekeyAck(repr) => repr.length(),
            Self::Ping(_) | Self::Pong(_) => PING_LENGTH,
            Self::Request(_, repr) => repr.length(),
            Self::Reply(repr) => repr.length(),
            Self::Ack(_) | Self::Refuse(..) | Self::Fail(..) | Self::CancelAnswer(..) => {
                slot::Repr::LENGTH
            }
            Self::Cancel(_) => cancel::Repr::LENGTH,
            Self::Release(_)
            | Self::ReleaseAck(_)
            | Self::Revoke(_)
            | Self::RevokeAck(_)
            | Self::OfferAck(_) => RELEASE_LENGTH,
            Self::GrantAsk(_) => grant::Ask::LENGTH,
            Self::Grant(..) => grant::GRANT_LENGTH,
            Self::GrantRefuse(..) => grant::REFUSAL_LENGTH,
            Self::Offer(_) => grant::Offer::LENGTH,
            Self::OfferRefuse(..) => grant::DECLINED_LENGTH,
            Self::View(repr) => repr.length(),
            Self::Want(_) => bulk::Want::LENGTH,
            Self::Data(data) => data.length(),
            Self::Store(..) => bulk::STORE_LENGTH,
            Self::Stored(_) => bulk::STORED_LENGTH,
            Self::BulkRefuse(..) => bulk::REFUSE_LENGTH,
        };
        HEADER_LENGTH + body + TAG_LENGTH
    }

    /// Writes the whole frame at the start of `buffer`, the tag as zeroes, and gives the frame's bytes; `None` if there is
    /// not enough room.
    pub fn emit<'b>(
        &self,
        session: SessionId,
        key: u32,
        number: u64,
        buffer: &'b mut [u8],
    ) -> Option<&'b mut [u8]> {
        let frame = buffer.get_mut(..self.frame_length())?;
        let header = Header {
            kind: self.kind(),
            key,
            session,
            number,
        };
        header.emit(frame);
        let (rest, tag) = frame.split_last_chunk_mut::<TAG_LENGTH>()?;
        *tag = [0; TAG_LENGTH];
        self.emit_body(rest.get_mut(HEADER_LENGTH..)?);
        Some(frame)
    }

    fn emit_body(&self, body: &mut [u8]) {
        match self {
            Self::Hello(repr) | Self::HelloAck(repr) => repr.emit(body),
            Self::HelloRefuse(repr) => repr.emit(body),
            Self::HelloCookie(repr) => repr.emit(body),
            Self::Rekey(repr) | Self::RekeyAck(repr) => repr.emit(body),
            Self::Ping(token) | Self::Pong(token) => emit_ping(*token, body),
            Self::Request(_, repr) => repr.emit(body),
            Self::Ack(slot) => slot.emit(0, body),
            Self::Reply(repr) => repr.emit(body),
            Self::Refuse(slot, reason) => slot.emit(reason.code(), body),
            Self::Fail(slot, reason) => slot.emit(reason.code(), body),
            Self::Cancel(repr) => repr.emit(body),
            Self::CancelAnswer(slot, verdict) => slot.emit(verdict.code(), body),
            Self::Release(descriptor)
            | Self::ReleaseAck(descriptor)
            | Self::Revoke(descriptor)
            | Self::RevokeAck(descriptor)
            | Self::OfferAck(descriptor) => emit_release(*descriptor, body),
            Self::GrantAsk(ask) => ask.emit(body),
            Self::Grant(number, grant) => grant::emit_grant(*number, *grant, body),
            Self::GrantRefuse(number, reason) => grant::emit_refusal(*number, *reason, body),
            Self::Offer(offer) => offer.emit(body),
            Self::OfferRefuse(export, reason) => grant::emit_declined(*export, *reason, body),
            Self::View(repr) => repr.emit(body),
            Self::Want(want) => want.emit(body),
            Self::Data(data) => data.emit(body),
            Self::Store(about, range) => bulk::emit_store(*about, *range, body),
            Self::Stored(about) => bulk::emit_stored(*about, body),
            Self::BulkRefuse(about, reason) => bulk::emit_refuse(*about, *reason, body),
        }
    }
}
