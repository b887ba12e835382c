//! Entries, homes, members and seats, as they lie in messages. Each kind has one length.

use netipc_wire::{BootId, Malformed, NodeId};

use super::bytes::{Reader, Writer};
use crate::ids::{Epoch, Id, Incarnation, Sequence, Term};
use crate::log::Entry;
use crate::table::{Action, Answer, Command, Home, Member, Seats};

/// An action: kind, heir, id, epoch.
pub(crate) const ACTION_LENGTH: usize = 1 + 1 + 16 + 8;
/// An entry: term, kind, node, two numbers, an action or zeroes.
pub(crate) const ENTRY_LENGTH: usize = 8 + 1 + 1 + 8 + 8 + ACTION_LENGTH;
/// A home: id, owner, epoch.
pub(crate) const HOME_LENGTH: usize = 16 + 1 + 8;
/// A member: boot, joined, last request, its answer.
pub(crate) const MEMBER_LENGTH: usize = 8 + 8 + 8 + ANSWER_LENGTH;
const ANSWER_LENGTH: usize = 1 + 1 + 8;

pub(crate) fn read_action(reader: &mut Reader<'_>) -> Result<Option<Action>, Malformed> {
    let (kind, heir) = (reader.u8()?, reader.u8()?);
    let (id, epoch) = (Id(reader.u128()?), Epoch(reader.u64()?));
    let action = match (kind, heir, epoch) {
        (0, 0, Epoch(0)) if id == Id(0) => return Ok(None),
        (1, 0, Epoch(0)) => Action::Claim(id),
        (2, 0, _) => Action::Release(id, epoch),
        (3, heir, _) => {
            let heir = Reader(&[heir]).node()?;
            Action::HandOver(id, epoch, heir)
        }
        _ => return Err(Malformed::Field),
    };
    Ok(Some(action))
}

pub(crate) fn write_action(writer: &mut Writer<'_>, action: Option<&Action>) {
    let (kind, heir, id, epoch) = match action {
        None => (0, 0, Id(0), Epoch(0)),
        Some(Action::Claim(id)) => (1, 0, *id, Epoch(0)),
        Some(Action::Release(id, epoch)) => (2, 0, *id, *epoch),
        Some(Action::HandOver(id, epoch, heir)) => (3, heir.0, *id, *epoch),
    };
    writer.u8(kind);
    writer.u8(heir);
    writer.u128(id.0);
    writer.u64(epoch.0);
}

pub(crate) fn read_entry(reader: &mut Reader<'_>) -> Result<Entry, Malformed> {
    let term = Term(reader.some()?);
    let kind = reader.u8()?;
    let node = reader.u8()?;
    let (a, b) = (reader.u64()?, reader.u64()?);
    let action = read_action(reader)?;
    let known = || Reader(&[node]).node();
    let command = match (kind, a, b, action) {
        (1, 0, 0, None) if node == 0 => Command::Begin,
        (2, 0, 0, None) => Command::Vacate(known()?),
        (3, 1.., 0, None) => Command::Fill(known()?, Incarnation(a)),
        (4, _, 0, None) => Command::Join(known()?, BootId(a)),
        (5, _, 0, None) => Command::Remove(known()?, Epoch(a)),
        (6, _, 0, None) if node == 0 => Command::Raise(Epoch(a)),
        (7, _, 1.., Some(action)) => Command::Do {
            node: known()?,
            joined: Epoch(a),
            sequence: Sequence(b),
            action,
        },
        _ => return Err(Malformed::Field),
    };
    Ok(Entry { term, command })
}

pub(crate) fn write_entry(writer: &mut Writer<'_>, entry: &Entry) {
    let none = NodeId(0);
    let (kind, node, a, b, action) = match &entry.command {
        Command::Begin => (1, none, 0, 0, None),
        Command::Vacate(node) => (2, *node, 0, 0, None),
        Command::Fill(node, incarnation) => (3, *node, incarnation.0, 0, None),
        Command::Join(node, boot) => (4, *node, boot.0, 0, None),
        Command::Remove(node, joined) => (5, *node, joined.0, 0, None),
        Command::Raise(epoch) => (6, none, epoch.0, 0, None),
        Command::Do {
            node,
            joined,
            sequence,
            action,
        } => (7, *node, joined.0, sequence.0, Some(action)),
    };
    writer.u64(entry.term.0);
    writer.u8(kind);
    writer.u8(node.0);
    writer.u64(a);
    writer.u64(b);
    write_action(writer, action);
}

pub(crate) fn read_home(reader: &mut Reader<'_>) -> Result<Home, Malformed> {
    Ok(Home {
        id: Id(reader.u128()?),
        owner: reader.node()?,
        epoch: Epoch(reader.u64()?),
    })
}

pub(crate) fn write_home(writer: &mut Writer<'_>, home: &Home) {
    writer.u128(home.id.0);
    writer.u8(home.owner.0);
    writer.u64(home.epoch.0);
}

/// Epoch 0 in `joined` stands for no member.
pub(crate) fn read_member(reader: &mut Reader<'_>) -> Result<Option<Member>, Malformed> {
    let (boot, joined) = (BootId(reader.u64()?), Epoch(reader.u64()?));
    let last = Sequence(reader.u64()?);
    let (kind, node, epoch) = (reader.u8()?, reader.u8()?, Epoch(reader.u64()?));
    let answer = match (kind, node, epoch.0) {
        (0, 0, 0) => Answer::None,
        (1, 0, _) => Answer::Owned(epoch),
        (2, node, _) => Answer::Held(Reader(&[node]).node()?, epoch),
        (3, 0, 0) => Answer::Gone,
        (4, 0, 0) => Answer::NotOwner,
        (5, 0, 0) => Answer::NoMember,
        (6, 0, 0) => Answer::Full,
        _ => return Err(Malformed::Field),
    };
    if joined == Epoch(0) {
        let nothing = boot.0 == 0 && last.0 == 0 && answer == Answer::None;
        return if nothing {
            Ok(None)
        } else {
            Err(Malformed::Field)
        };
    }
    Ok(Some(Member {
        boot,
        joined,
        last,
        answer,
    }))
}

pub(crate) fn write_member(writer: &mut Writer<'_>, member: Option<&Member>) {
    let Some(member) = member else {
        writer.zeroes::<MEMBER_LENGTH>();
        return;
    };
    let (kind, node, epoch) = match member.answer {
        Answer::None => (0, 0, Epoch(0)),
        Answer::Owned(epoch) => (1, 0, epoch),
        Answer::Held(node, epoch) => (2, node.0, epoch),
        Answer::Gone => (3, 0, Epoch(0)),
        Answer::NotOwner => (4, 0, Epoch(0)),
        Answer::NoMember => (5, 0, Epoch(0)),
        Answer::Full => (6, 0, Epoch(0)),
    };
    writer.u64(member.boot.0);
    writer.u64(member.joined.0);
    writer.u64(member.last.0);
    writer.u8(kind);
    writer.u8(node);
    writer.u64(epoch.0);
}

/// 0 stands for an empty seat.
pub(crate) fn read_seats(reader: &mut Reader<'_>) -> Result<Seats, Malformed> {
    let mut seats = Seats::default();
    for seat in &mut seats {
        *seat = Some(Incarnation(reader.u64()?)).filter(|incarnation| incarnation.0 != 0);
    }
    Ok(seats)
}

pub(crate) fn write_seats(writer: &mut Writer<'_>, seats: &Seats) {
    for seat in seats {
        writer.u64(seat.map_or(0, |incarnation| incarnation.0));
    }
}
