//! What leaders say, and what is said to them, with what the receiver may conclude from it.

use heapless::Vec;
use netipc_wire::{BootId, Malformed};

use super::bytes::{Reader, Writer};
use super::entry;
use crate::ids::{Epoch, History, Incarnation, Index, Round, Sequence, Stamp, Term};
use crate::limits::{CHUNK_HOMES, ENTRIES, HOMES, NODES};
use crate::log::{Entry, Place};
use crate::table::{Action, Home, Member, Seats};

/// What a node is in the cluster besides a voter, if it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Becomes a member and may own homes.
    Holder,
    /// Owns nothing.
    Witness,
}

/// A lease: that the majority stood behind the leader after the stamp was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The member's own, given back.
    pub stamp: Stamp,
    /// The membership that it is for.
    pub joined: Epoch,
}

/// The sender leads the history in the term; these are its entries after `previous`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The leader's history.
    pub history: History,
    /// The leader's term.
    pub term: Term,
    /// Given back in the acknowledgement.
    pub round: Round,
    /// Up to here all is agreed.
    pub commit: Index,
    /// What the entries come after.
    pub previous: Place,
    /// The receiver's lease.
    pub grant: Option<Grant>,
    /// The entries.
    pub entries: Vec<Entry, ENTRIES>,
}

impl Append {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let history = History(reader.some()?);
        let term = Term(reader.some()?);
        let round = Round(reader.u64()?);
        let commit = Index(reader.u64()?);
        let previous = read_place(reader)?;
        let granted = reader.flag()?;
        let (stamp, joined) = (Stamp(reader.u64()?), Epoch(reader.u64()?));
        if granted == 0 && (stamp.0, joined.0) != (0, 0) {
            return Err(Malformed::Field);
        }
        let count = reader.u8()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let entry = entry::read_entry(reader)?;
            entries.push(entry).map_err(|_| Malformed::Field)?;
        }
        Ok(Self {
            history,
            term,
            round,
            commit,
            previous,
            grant: (granted == 1).then_some(Grant { stamp, joined }),
            entries,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u64(self.history.0);
        writer.u64(self.term.0);
        writer.u64(self.round.0);
        writer.u64(self.commit.0);
        write_place(writer, self.previous);
        writer.u8(u8::from(self.grant.is_some()));
        writer.u64(self.grant.map_or(0, |grant| grant.stamp.0));
        writer.u64(self.grant.map_or(0, |grant| grant.joined.0));
        writer.u8(self.entries.len() as u8);
        for entry in &self.entries {
            entry::write_entry(writer, entry);
        }
    }
}

/// What a chunk holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // there is no heap to put the homes on
pub enum Contents {
    /// Chunk 0: everything but the homes.
    Core {
        /// The table's epoch.
        epoch: Epoch,
        /// Who has each seat.
        seats: Seats,
        /// The members, by their rows.
        members: [Option<Member>; NODES],
    },
    /// The homes from here on, [`CHUNK_HOMES`] of them or the last ones.
    Homes {
        /// Which chunk, from 1.
        number: u8,
        /// The homes.
        homes: Vec<Home, CHUNK_HOMES>,
    },
}

/// The sender leads; this is a part of its table, with everything up to a place of the log in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The leader's history.
    pub history: History,
    /// The leader's term.
    pub term: Term,
    /// What was applied last.
    pub place: Place,
    /// Homes of the whole table.
    pub homes: u16,
    /// The part.
    pub contents: Contents,
}

/// Chunks of a table with so many homes.
pub(crate) const fn chunks(homes: usize) -> usize {
    1 + homes.div_ceil(CHUNK_HOMES)
}

impl Chunk {
    /// Which chunk it is: 0 is the core.
    #[must_use]
    pub const fn number(&self) -> usize {
        match self.contents {
            Contents::Core { .. } => 0,
            Contents::Homes { number, .. } => number as usize,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let history = History(reader.some()?);
        let term = Term(reader.some()?);
        let place = read_place(reader)?;
        let (homes, number) = (reader.u16()?, reader.u8()?);
        if usize::from(homes) > HOMES || usize::from(number) >= chunks(usize::from(homes)) {
            return Err(Malformed::Field);
        }
        let contents = if number == 0 {
            Contents::Core {
                epoch: Epoch(reader.u64()?),
                seats: entry::read_seats(reader)?,
                members: read_members(reader)?,
            }
        } else {
            let before = (usize::from(number) - 1) * CHUNK_HOMES;
            let here = (usize::from(homes) - before).min(CHUNK_HOMES);
            let mut homes = Vec::new();
            for _ in 0..here {
                let home = entry::read_home(reader)?;
                homes.push(home).map_err(|_| Malformed::Field)?;
            }
            Contents::Homes { number, homes }
        };
        Ok(Self {
            history,
            term,
            place,
            homes,
            contents,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u64(self.history.0);
        writer.u64(self.term.0);
        write_place(writer, self.place);
        writer.u16(self.homes);
        writer.u8(self.number() as u8);
        match &self.contents {
            Contents::Core {
                epoch,
                seats,
                members,
            } => {
                writer.u64(epoch.0);
                entry::write_seats(writer, seats);
                for member in members {
                    entry::write_member(writer, member.as_ref());
                }
            }
            Contents::Homes { homes, .. } => {
                for home in homes {
                    entry::write_home(writer, home);
                }
            }
        }
    }
}

/// How far a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched {
    /// Up to here it has what the leader of the term has.
    To(Index),
    /// It has not what the entries come after; up to here it has what is agreed.
    Behind(Index),
    /// It needs the table; of the one at this place of the log it has these chunks, one bit each.
    Needs(Index, u32),
}

/// To the leader: what the sender has, and that it is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The leader's history.
    pub history: History,
    /// The sender's term, or, if it is empty, the leader's.
    pub term: Term,
    /// Of the sender.
    pub incarnation: Incarnation,
    /// Of the sender.
    pub boot: BootId,
    /// Of the sender.
    pub part: Part,
    /// The latest round that it has heard of.
    pub round: Round,
    /// When the sender sent it, by its clock.
    pub stamp: Stamp,
    /// What it has.
    pub matched: Matched,
    /// The highest epoch that the sender has ever known.
    pub floor: Epoch,
    /// A request of this membership.
    pub request: Option<(Epoch, Sequence, Action)>,
}

impl Ack {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let history = History(reader.some()?);
        let term = Term(reader.some()?);
        let incarnation = Incarnation(reader.some()?);
        let boot = BootId(reader.u64()?);
        let part = match reader.flag()? {
            0 => Part::Holder,
            _ => Part::Witness,
        };
        let round = Round(reader.u64()?);
        let stamp = Stamp(reader.u64()?);
        let (kind, index, have) = (reader.u8()?, Index(reader.u64()?), reader.u32()?);
        let matched = match (kind, have) {
            (0, 0) => Matched::To(index),
            (1, 0) => Matched::Behind(index),
            (2, have) => Matched::Needs(index, have),
            _ => return Err(Malformed::Field),
        };
        let floor = Epoch(reader.u64()?);
        let (joined, sequence) = (Epoch(reader.u64()?), Sequence(reader.u64()?));
        let request = match (entry::read_action(reader)?, sequence.0) {
            (None, 0) if joined == Epoch(0) => None,
            (Some(action), 1..) => Some((joined, sequence, action)),
            _ => return Err(Malformed::Field),
        };
        Ok(Self {
            history,
            term,
            incarnation,
            boot,
            part,
            round,
            stamp,
            matched,
            floor,
            request,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u64(self.history.0);
        writer.u64(self.term.0);
        writer.u64(self.incarnation.0);
        writer.u64(self.boot.0);
        writer.u8(u8::from(self.part == Part::Witness));
        writer.u64(self.round.0);
        writer.u64(self.stamp.0);
        let (kind, index, have) = match self.matched {
            Matched::To(index) => (0, index, 0),
            Matched::Behind(index) => (1, index, 0),
            Matched::Needs(index, have) => (2, index, have),
        };
        writer.u8(kind);
        writer.u64(index.0);
        writer.u32(have);
        writer.u64(self.floor.0);
        let (joined, sequence) = self.request.map_or((0, 0), |(j, s, _)| (j.0, s.0));
        writer.u64(joined);
        writer.u64(sequence);
        entry::write_action(writer, self.request.as_ref().map(|(.., action)| action));
    }
}

pub(super) fn read_place(reader: &mut Reader<'_>) -> Result<Place, Malformed> {
    Ok(Place {
        index: Index(reader.u64()?),
        term: Term(reader.u64()?),
    })
}

pub(super) fn write_place(writer: &mut Writer<'_>, place: Place) {
    writer.u64(place.index.0);
    writer.u64(place.term.0);
}

fn read_members(reader: &mut Reader<'_>) -> Result<[Option<Member>; NODES], Malformed> {
    let mut members = [None; NODES];
    for member in &mut members {
        *member = entry::read_member(reader)?;
    }
    Ok(members)
}

const FIXED: usize = 2 + 6 * 8 + 1 + 2 * 8 + 1;
const _: () = assert!(FIXED + ENTRIES * entry::ENTRY_LENGTH <= super::MESSAGE_LENGTH_MAX);
const CHUNK_FIXED: usize = 2 + 4 * 8 + 3;
const _: () = assert!(CHUNK_FIXED + CHUNK_HOMES * entry::HOME_LENGTH <= super::MESSAGE_LENGTH_MAX);
const _: () =
    assert!(CHUNK_FIXED + 8 + NODES * (8 + entry::MEMBER_LENGTH) <= super::MESSAGE_LENGTH_MAX);
const _: () = assert!(HOMES <= u16::MAX as usize && chunks(HOMES) <= 32);
