//! GRANT-ASK, GRANT, GRANT-REFUSE; OFFER, OFFER-ACK, OFFER-REFUSE: how a capability comes to a third machine.

use isthmus_abi::NotExecuted;

use crate::bytes::{put, u8_at, u16_at, u32_at, u64_at};
use crate::slot::exactly;
use crate::{Descriptor, Grant, Malformed, NodeId, SessionId};

/// GRANT-ASK: may that machine have the export, too?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Counts the asker's questions of this session.
    pub number: u64,
    /// Which: an export of the receiver.
    pub export: Descriptor,
    /// Who shall have it.
    pub to: NodeId,
    /// The session between asker and that machine, in which the grant will be named.
    pub session: SessionId,
}

/// OFFER: here is an export, for who names the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which: an export of the sender.
    pub export: Descriptor,
    /// What will be named.
    pub grant: Grant,
    /// By whom.
    pub introducer: NodeId,
    /// In which session with that machine.
    pub session: SessionId,
}

mod ask {
    use crate::Descriptor;

    pub const NUMBER: usize = 0;
    pub const SESSION: usize = 8;
    pub const EXPORT: usize = 16;
    pub const TO: usize = EXPORT + Descriptor::LENGTH;
    pub const RESERVED: usize = TO + 1;
    pub const END: usize = TO + 4;
}

mod offer {
    use crate::{Descriptor, Grant};

    pub const GRANT: usize = 0;
    pub const SESSION: usize = GRANT + Grant::LENGTH;
    pub const EXPORT: usize = SESSION + 8;
    pub const INTRODUCER: usize = EXPORT + Descriptor::LENGTH;
    pub const RESERVED: usize = INTRODUCER + 1;
    pub const END: usize = INTRODUCER + 4;
}

mod answer {
    use crate::Grant;

    pub const NUMBER: usize = 0;
    pub const GRANT: usize = 8;
    pub const END: usize = GRANT + Grant::LENGTH;
}

mod refusal {
    pub const NUMBER: usize = 0;
    pub const CODE: usize = 8;
    pub const END: usize = 12;
}

mod declined {
    use crate::Descriptor;

    pub const EXPORT: usize = 0;
    pub const CODE: usize = EXPORT + Descriptor::LENGTH;
    pub const END: usize = CODE + 4;
}

fn zeroes(bytes: &[u8], offset: usize, count: usize) -> Result<(), Malformed> {
    match (offset..offset + count).all(|place| u8_at(bytes, place) == 0) {
        true => Ok(()),
        false => Err(Malformed::Field),
    }
}

impl Ask {
    /// Bytes of the body.
    pub const LENGTH: usize = ask::END;

    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        exactly(body, Self::LENGTH)?;
        zeroes(body, ask::RESERVED, 3)?;
        Ok(Self {
            number: u64_at(body, ask::NUMBER),
            session: SessionId(u64_at(body, ask::SESSION)),
            export: Descriptor::read_mortal(body, ask::EXPORT)?,
            to: NodeId(u8_at(body, ask::TO)),
        })
    }

    /// Writes the body; `body` has [`LENGTH`](Self::LENGTH) bytes.
    pub fn emit(&self, body: &mut [u8]) {
        put(body, ask::NUMBER, self.number.to_le_bytes());
        put(body, ask::SESSION, self.session.0.to_le_bytes());
        self.export.write(body, ask::EXPORT);
        put(body, ask::TO, [self.to.0, 0, 0, 0]);
    }
}

impl Offer {
    /// Bytes of the body.
    pub const LENGTH: usize = offer::END;

    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        exactly(body, Self::LENGTH)?;
        zeroes(body, offer::RESERVED, 3)?;
        Ok(Self {
            grant: Grant::read(body, offer::GRANT),
            session: SessionId(u64_at(body, offer::SESSION)),
            export: Descriptor::read_mortal(body, offer::EXPORT)?,
            introducer: NodeId(u8_at(body, offer::INTRODUCER)),
        })
    }

    /// Writes the body; `body` has [`LENGTH`](Self::LENGTH) bytes.
    pub fn emit(&self, body: &mut [u8]) {
        self.grant.write(body, offer::GRANT);
        put(body, offer::SESSION, self.session.0.to_le_bytes());
        self.export.write(body, offer::EXPORT);
        put(body, offer::INTRODUCER, [self.introducer.0, 0, 0, 0]);
    }
}

/// Bytes of the body of a GRANT.
pub const GRANT_LENGTH: usize = answer::END;
/// Bytes of the body of a GRANT-REFUSE.
pub const REFUSAL_LENGTH: usize = refusal::END;
/// Bytes of the body of an OFFER-REFUSE.
pub const DECLINED_LENGTH: usize = declined::END;

/// Reads the body of a GRANT: number and grant.
pub(crate) fn parse_grant(body: &[u8]) -> Result<(u64, Grant), Malformed> {
    exactly(body, GRANT_LENGTH)?;
    Ok((
        u64_at(body, answer::NUMBER),
        Grant::read(body, answer::GRANT),
    ))
}

pub(crate) fn emit_grant(number: u64, grant: Grant, body: &mut [u8]) {
    put(body, answer::NUMBER, number.to_le_bytes());
    grant.write(body, answer::GRANT);
}

/// Reads the body of a GRANT-REFUSE: number and reason.
pub(crate) fn parse_refusal(body: &[u8]) -> Result<(u64, NotExecuted), Malformed> {
    exactly(body, REFUSAL_LENGTH)?;
    zeroes(body, refusal::CODE + 2, 2)?;
    let reason = NotExecuted::from_code(u16_at(body, refusal::CODE));
    Ok((u64_at(body, refusal::NUMBER), reason))
}

pub(crate) fn emit_refusal(number: u64, reason: NotExecuted, body: &mut [u8]) {
    put(body, refusal::NUMBER, number.to_le_bytes());
    put(body, refusal::CODE, u32::from(reason.code()).to_le_bytes());
}

/// Reads the body of an OFFER-REFUSE: export of the receiver and reason.
pub(crate) fn parse_declined(body: &[u8]) -> Result<(Descriptor, NotExecuted), Malformed> {
    exactly(body, DECLINED_LENGTH)?;
    let code = u32_at(body, declined::CODE);
    let code = u16::try_from(code).map_err(|_| Malformed::Field)?;
    let export = Descriptor::read_mortal(body, declined::EXPORT)?;
    Ok((export, NotExecuted::from_code(code)))
}

pub(crate) fn emit_declined(export: Descriptor, reason: NotExecuted, body: &mut [u8]) {
    export.write(body, declined::EXPORT);
    put(body, declined::CODE, u32::from(reason.code()).to_le_bytes());
}
