//! What is replicated: seats, members, homes, the epoch; and the commands that change it, which every replica applies alike.

use heapless::Vec;
use netipc_wire::{BootId, NodeId};

use crate::fault::{Faults, PlantedFault};
use crate::ids::{Epoch, Id, Incarnation, Sequence, node, row};
use crate::limits::{HOMES, NODES};

/// Who has each seat: by the voter's row.
pub type Seats = [Option<Incarnation>; NODES];

/// A machine that is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// Its start.
    pub boot: BootId,
    /// The epoch in which it became a member: its membership's name.
    pub joined: Epoch,
    /// Its last request that was carried out.
    pub last: Sequence,
    /// What came of it.
    pub answer: Answer,
}

/// A name or object, and its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Home {
    /// Which.
    pub id: Id,
    /// The member that owns it.
    pub owner: NodeId,
    /// Since when: what fences earlier owners.
    pub epoch: Epoch,
}

/// What a member asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// To own what nobody owns.
    Claim(Id),
    /// To own it no more.
    Release(Id, Epoch),
    /// That another member owns it.
    HandOver(Id, Epoch, NodeId),
}

impl Action {
    /// What it is about.
    #[must_use]
    pub const fn id(&self) -> Id {
        match self {
            Self::Claim(id) | Self::Release(id, _) | Self::HandOver(id, ..) => *id,
        }
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Nothing was asked yet.
    #[default]
    None,
    /// The member owns it, since this epoch.
    Owned(Epoch),
    /// It is another member's, since this epoch.
    Held(NodeId, Epoch),
    /// The member owns it no more.
    Gone,
    /// The member did not own it in that epoch.
    NotOwner,
    /// The heir is no member.
    NoMember,
    /// There are [`HOMES`] homes.
    Full,
}

/// A change of the table: an entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// A leader's first entry.
    Begin,
    /// The seat's incarnation has ended.
    Vacate(NodeId),
    /// The empty seat is this incarnation's.
    Fill(NodeId, Incarnation),
    /// A machine is up.
    Join(NodeId, BootId),
    /// The membership of that epoch is over.
    Remove(NodeId, Epoch),
    /// Somebody remembers this epoch, of an earlier history.
    Raise(Epoch),
    /// A member's request.
    Do {
        /// Whose.
        node: NodeId,
        /// Of which membership.
        joined: Epoch,
        /// Which.
        sequence: Sequence,
        /// What.
        action: Action,
    },
}

/// What all have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub(crate) epoch: Epoch,
    pub(crate) seats: Seats,
    pub(crate) members: [Option<Member>; NODES],
    pub(crate) homes: Vec<Home, HOMES>,
}

impl Table {
    pub(crate) const EMPTY: Self = Self {
        epoch: Epoch(0),
        seats: [None; NODES],
        members: [None; NODES],
        homes: Vec::new(),
    };

    /// Forgets everything. In place: it is large.
    pub(crate) fn clear(&mut self) {
        self.epoch = Epoch(0);
        self.seats = [None; NODES];
        self.members = [None; NODES];
        self.homes.clear();
    }

    /// Grows with every change of members and homes.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Who has each seat.
    #[must_use]
    pub const fn seats(&self) -> &Seats {
        &self.seats
    }

    /// The members, by their nodes.
    pub fn members(&self) -> impl Iterator<Item = (NodeId, &Member)> {
        let rows = self.members.iter().enumerate();
        rows.filter_map(|(row, member)| Some((node(row), member.as_ref()?)))
    }

    /// A node's membership.
    #[must_use]
    pub fn member(&self, node: NodeId) -> Option<&Member> {
        self.members.get(row(node)?)?.as_ref()
    }

    /// Everything that has an owner.
    #[must_use]
    pub fn homes(&self) -> &[Home] {
        &self.homes
    }

    /// Who owns this.
    #[must_use]
    pub fn home(&self, id: Id) -> Option<&Home> {
        self.homes.iter().find(|home| home.id == id)
    }

    /// Carries a committed command out.
    pub(crate) fn apply(&mut self, command: &Command, faults: Faults) {
        match *command {
            Command::Begin => {}
            Command::Vacate(_) | Command::Fill(..) => reseat(&mut self.seats, command),
            Command::Join(node, boot) => self.join(node, boot),
            Command::Remove(node, joined) => self.remove(node, joined),
            Command::Raise(epoch) => self.epoch = self.epoch.max(epoch).next(),
            Command::Do {
                node,
                joined,
                sequence,
                action,
            } => self.carry_out(node, joined, sequence, action, faults),
        }
    }

    fn join(&mut self, node: NodeId, boot: BootId) {
        let Some(place) = row(node).and_then(|row| self.members.get_mut(row)) else {
            return;
        };
        if place.is_none() {
            self.epoch = self.epoch.next();
            *place = Some(Member {
                boot,
                joined: self.epoch,
                last: Sequence(0),
                answer: Answer::None,
            });
        }
    }

    fn remove(&mut self, node: NodeId, joined: Epoch) {
        let Some(place) = row(node).and_then(|row| self.members.get_mut(row)) else {
            return;
        };
        if place.is_some_and(|member| member.joined == joined) {
            *place = None;
            self.epoch = self.epoch.next();
            self.homes.retain(|home| home.owner != node);
        }
    }

    fn carry_out(
        &mut self,
        node: NodeId,
        joined: Epoch,
        sequence: Sequence,
        action: Action,
        faults: Faults,
    ) {
        let Some(member) = self.member(node) else {
            return;
        };
        if member.joined != joined || member.last.next() != sequence {
            return;
        }
        let answer = match action {
            Action::Claim(id) => self.claim(node, id, faults),
            Action::Release(id, epoch) => match self.owned(node, id, epoch) {
                Some(place) => {
                    self.homes.swap_remove(place);
                    self.epoch = self.epoch.next();
                    Answer::Gone
                }
                None => Answer::NotOwner,
            },
            Action::HandOver(id, epoch, heir) => self.hand_over(node, id, epoch, heir),
        };
        if let Some(member) = row(node).and_then(|row| self.members[row].as_mut()) {
            member.last = sequence;
            member.answer = answer;
        }
    }

    fn claim(&mut self, node: NodeId, id: Id, faults: Faults) -> Answer {
        let careless = faults.has(PlantedFault::TwoHomesInOneEpoch);
        if let Some(home) = self.homes.iter_mut().find(|home| home.id == id) {
            if home.owner == node {
                return Answer::Owned(home.epoch);
            }
            if careless {
                home.owner = node;
                return Answer::Owned(home.epoch);
            }
            return Answer::Held(home.owner, home.epoch);
        }
        let epoch = self.epoch.next();
        let home = Home {
            id,
            owner: node,
            epoch,
        };
        if self.homes.push(home).is_err() {
            return Answer::Full;
        }
        self.epoch = epoch;
        Answer::Owned(epoch)
    }

    fn hand_over(&mut self, node: NodeId, id: Id, epoch: Epoch, heir: NodeId) -> Answer {
        let Some(place) = self.owned(node, id, epoch) else {
            return Answer::NotOwner;
        };
        if self.member(heir).is_none() {
            return Answer::NoMember;
        }
        self.epoch = self.epoch.next();
        self.homes[place].owner = heir;
        self.homes[place].epoch = self.epoch;
        Answer::Gone
    }

    /// Where the home is, if it is this member's since this epoch.
    fn owned(&self, node: NodeId, id: Id, epoch: Epoch) -> Option<usize> {
        let it = |home: &Home| home.id == id && home.owner == node && home.epoch == epoch;
        self.homes.iter().position(it)
    }
}

/// What a command makes of the seats.
pub(crate) fn reseat(seats: &mut Seats, command: &Command) {
    let (node, incarnation) = match *command {
        Command::Vacate(node) => (node, None),
        Command::Fill(node, incarnation) => (node, Some(incarnation)),
        _ => return,
    };
    if let Some(seat) = row(node).and_then(|row| seats.get_mut(row)) {
        *seat = incarnation;
    }
}
