//! What is asked without a leader: votes, and who is there.

use netipc_wire::Malformed;

use super::bytes::{Reader, Writer};
use super::entry;
use super::kinds::{read_place, write_place};
use crate::ids::{Epoch, History, Incarnation, Term};
use crate::log::Place;
use crate::table::Seats;

/// Which vote is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Would you vote for me in this term? Binds nobody.
    Asking,
    /// I stand in this term.
    Standing,
}

impl Stage {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match reader.flag()? {
            0 => Self::Asking,
            _ => Self::Standing,
        })
    }

    const fn code(self) -> u8 {
        match self {
            Self::Asking => 0,
            Self::Standing => 1,
        }
    }
}

/// The sender would lead the history in the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The candidate's history.
    pub history: History,
    /// The term that it would lead in.
    pub term: Term,
    /// Which vote.
    pub stage: Stage,
    /// The end of its log.
    pub last: Place,
}

impl Ballot {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            history: History(reader.some()?),
            term: Term(reader.some()?),
            stage: Stage::read(reader)?,
            last: read_place(reader)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u64(self.history.0);
        writer.u64(self.term.0);
        writer.u8(self.stage.code());
        write_place(writer, self.last);
    }
}

/// What a voter says to a ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Granted,
    /// No: the voter is in this term.
    Refused(Term),
}

/// The answer to a ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BallotAnswer {
    /// Of the ballot.
    pub history: History,
    /// Of the ballot.
    pub term: Term,
    /// Of the ballot.
    pub stage: Stage,
    /// Of the voter: the vote counts only if that has its seat.
    pub incarnation: Incarnation,
    /// What it says.
    pub verdict: Verdict,
}

impl BallotAnswer {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let history = History(reader.some()?);
        let term = Term(reader.some()?);
        let stage = Stage::read(reader)?;
        let incarnation = Incarnation(reader.some()?);
        let verdict = match (reader.flag()?, reader.u64()?) {
            (1, 0) => Verdict::Granted,
            (0, term) => Verdict::Refused(Term(term)),
            _ => return Err(Malformed::Field),
        };
        Ok(Self {
            history,
            term,
            stage,
            incarnation,
            verdict,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u64(self.history.0);
        writer.u64(self.term.0);
        writer.u8(self.stage.code());
        writer.u64(self.incarnation.0);
        let (granted, term) = match self.verdict {
            Verdict::Granted => (1, Term(0)),
            Verdict::Refused(term) => (0, term),
        };
        writer.u8(granted);
        writer.u64(term.0);
    }
}

/// A question to a voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Given back in the answer, so that it is known to be of now.
    pub nonce: u64,
}

impl Probe {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let nonce = reader.u64()?;
        reader.zeroes::<6>()?;
        Ok(Self { nonce })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u64(self.nonce);
        writer.zeroes::<6>();
    }
}

/// What a voter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Empty, and not for long enough.
    NotYet,
    /// Empty since before every lease of former histories has ended: may be a founder.
    Founder,
    /// Bound to this history, in which these have the seats as far as it knows, and this is the last entry that it has.
    Bound(History, Seats, Place),
}

/// The answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// Of the probe.
    pub nonce: u64,
    /// Of the sender.
    pub incarnation: Incarnation,
    /// The highest epoch that the sender has ever known.
    pub floor: Epoch,
    /// What it is.
    pub offer: Offer,
}

impl ProbeAnswer {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let nonce = reader.u64()?;
        let incarnation = Incarnation(reader.some()?);
        let floor = Epoch(reader.u64()?);
        let (kind, history) = (reader.u8()?, reader.u64()?);
        let (seats, last) = (entry::read_seats(reader)?, read_place(reader)?);
        let nothing = (seats, last) == (Seats::default(), Place::default());
        let offer = match (kind, history) {
            (0, 0) if nothing => Offer::NotYet,
            (1, 0) if nothing => Offer::Founder,
            (2, 1..) => Offer::Bound(History(history), seats, last),
            _ => return Err(Malformed::Field),
        };
        Ok(Self {
            nonce,
            incarnation,
            floor,
            offer,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u64(self.nonce);
        writer.u64(self.incarnation.0);
        writer.u64(self.floor.0);
        let (kind, history, seats, last) = match &self.offer {
            Offer::NotYet => (0, 0, Seats::default(), Place::default()),
            Offer::Founder => (1, 0, Seats::default(), Place::default()),
            Offer::Bound(history, seats, last) => (2, history.0, *seats, *last),
        };
        writer.u8(kind);
        writer.u64(history);
        entry::write_seats(writer, &seats);
        write_place(writer, last);
    }
}
