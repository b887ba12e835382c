//! The checkers. They see all machines and the true time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use netipc_view::{
    BootId, Epoch, Fence, History, Id, Incarnation, Index, PlantedFault, Seats, Table,
};

use super::machine::{Machine, node_id};
use super::profile::Profile;

/// A checker, by the names of `docs/view.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checker {
    Owners,
    Tables,
    Commits,
    Epochs,
    Progress,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub checker: Checker,
    pub at: u64,
    pub what: String,
}

pub type Check = Result<(), Violation>;

/// What is known of a history.
#[derive(Default)]
struct Known {
    /// The most that is agreed, and the seats there.
    agreed: Index,
    seats: Seats,
    /// A majority of the seats had failed at once.
    excused: bool,
    digests: HashMap<Index, u64>,
    /// How much of the log each node has had.
    had: BTreeMap<usize, Index>,
    /// Which start of which machine the incarnations were that were ever bound to it.
    lives: HashMap<Incarnation, (usize, BootId)>,
}

pub struct Truth {
    quorum: usize,
    voters: usize,
    histories: HashMap<History, Known>,
    owners: HashMap<(History, Id, Epoch), (usize, BootId)>,
    epochs: HashMap<(usize, BootId), Epoch>,
    fences: HashMap<Id, (Fence, Epoch)>,
    fault: Option<PlantedFault>,
    /// Counts the times that a majority of voters had failed at once.
    pub disasters: u32,
    pub takeovers: u64,
    pub tables: u64,
    last_owner: HashMap<Id, (usize, BootId)>,
    last_look: BTreeMap<usize, (History, Index)>,
}

impl Truth {
    pub fn new(profile: &Profile, fault: Option<PlantedFault>) -> Self {
        Self {
            quorum: profile.voters / 2 + 1,
            voters: profile.voters,
            histories: HashMap::new(),
            owners: HashMap::new(),
            epochs: HashMap::new(),
            fences: HashMap::new(),
            fault,
            disasters: 0,
            takeovers: 0,
            tables: 0,
            last_owner: HashMap::new(),
            last_look: BTreeMap::new(),
        }
    }

    /// Something happened at a machine.
    pub fn look(&mut self, now: u64, node: usize, machines: &[Machine], things: u8) -> Check {
        let machine = &machines[node];
        if machine.on {
            self.log(now, node, machine)?;
            self.epoch(now, node, machine)?;
            self.owner(now, node, machines, things)?;
        }
        self.failures(machines);
        Ok(())
    }

    /// The log and the table of a machine.
    fn log(&mut self, now: u64, node: usize, machine: &Machine) -> Check {
        let Some(history) = machine.view.history() else {
            return Ok(());
        };
        let (agreed, last) = machine.view.progress();
        let new = self
            .histories
            .get(&history)
            .map_or(Index(0), |known| known.agreed);
        if agreed > Index(1) && new <= Index(1) {
            let lost = self
                .histories
                .iter()
                .find(|(of, known)| **of != history && known.agreed > Index(1) && !known.excused);
            if let Some((lost, _)) = lost {
                let what = format!("history {history} takes the place of {lost}, which lives");
                return broken(Checker::Commits, now, what);
            }
        }
        let known = self.histories.entry(history).or_default();
        let life = (node, machine.boot);
        known.lives.insert(machine.view.incarnation(), life);
        let had = known.had.entry(node).or_default();
        *had = (*had).max(last);
        let Some(table) = machine.view.table() else {
            return Ok(());
        };
        // A table changes only where its index does.
        if self.last_look.insert(node, (history, agreed)) == Some((history, agreed)) {
            return Ok(());
        }
        let digest = digest(table);
        self.tables += 1;
        if *known.digests.entry(agreed).or_insert(digest) != digest {
            let what = format!("machine {node} has another table at {agreed} of history {history}");
            return broken(Checker::Tables, now, what);
        }
        if agreed > known.agreed {
            known.agreed = agreed;
            known.seats = *table.seats();
            // The seat of one of them may be further back in the same log.
            let have = known
                .had
                .iter()
                .filter(|(node, had)| **had >= agreed && **node < self.voters);
            let have = have.count();
            if agreed > Index(1) && have < self.quorum {
                let what = format!("{agreed} is agreed, and {have} voters have it");
                return broken(Checker::Commits, now, what);
            }
        }
        Ok(())
    }

    fn epoch(&mut self, now: u64, node: usize, machine: &Machine) -> Check {
        let Some(table) = machine.view.table() else {
            return Ok(());
        };
        let seen = self.epochs.entry((node, machine.boot)).or_default();
        if table.epoch() < *seen {
            let what = format!("machine {node} goes back from {seen} to {}", table.epoch());
            return broken(Checker::Epochs, now, what);
        }
        *seen = table.epoch();
        Ok(())
    }

    fn owner(&mut self, now: u64, node: usize, machines: &[Machine], things: u8) -> Check {
        let machine = &machines[node];
        let Some(history) = machine.view.history() else {
            return Ok(());
        };
        for id in (0..things.min(8)).map(|n| Id(n.into())) {
            let Some(epoch) = machine.view.owns(machine.local(now), id) else {
                continue;
            };
            let mine = (node, machine.boot);
            let first = *self.owners.entry((history, id, epoch)).or_insert(mine);
            if first != mine {
                let what = format!("{id} is owned by {node} and by {} in {epoch}", first.0);
                return broken(Checker::Owners, now, what);
            }
            let other = (0..machines.len()).find(|other| {
                let theirs = &machines[*other];
                *other != node && theirs.on && theirs.view.owns(theirs.local(now), id).is_some()
            });
            if let Some(other) = other {
                let what = format!("{id} is owned by {node} and by {other} at once");
                return broken(Checker::Owners, now, what);
            }
            if self
                .last_owner
                .insert(id, mine)
                .is_some_and(|last| last != mine)
            {
                self.takeovers += 1;
            }
        }
        Ok(())
    }

    /// A write reaches the resource.
    pub fn write(&mut self, now: u64, id: Id, epoch: Epoch) -> Check {
        let fault = self.fault;
        let (fence, highest) = self.fences.entry(id).or_insert_with(|| {
            let mut fence = Fence::new();
            if let Some(fault) = fault {
                fence.plant(fault);
            }
            (fence, Epoch(0))
        });
        if fence.admit(epoch).is_err() {
            return Ok(());
        }
        if epoch < *highest {
            let what = format!("{id} is written in {epoch} after {highest}");
            return broken(Checker::Epochs, now, what);
        }
        *highest = epoch;
        Ok(())
    }

    /// Which histories have lost a majority of their seats at once.
    fn failures(&mut self, machines: &[Machine]) {
        for known in self.histories.values_mut() {
            if known.excused || known.agreed <= Index(1) {
                continue;
            }
            let holds = |(node, seat): (usize, &Option<Incarnation>)| {
                let machine = &machines[node];
                // Who gives up what lives breaks the promise, so that is no excuse.
                let life = seat.and_then(|seat| known.lives.get(&seat));
                machine.on && life == Some(&(node, machine.boot))
            };
            let seats = known.seats.iter().take(machines.len());
            let alive = seats.enumerate().filter(|seat| holds(*seat)).count();
            if alive < self.quorum {
                known.excused = true;
                self.disasters += 1;
                self.fences.clear();
            }
        }
    }

    /// After the last fault, and some time.
    pub fn settled(&self, now: u64, machines: &[Machine], profile: &Profile) -> Check {
        let histories: BTreeSet<_> = machines.iter().map(|m| m.view.history()).collect();
        if histories.len() != 1 || histories.contains(&None) {
            let what = format!("the machines are in {histories:?}");
            return broken(Checker::Progress, now, what);
        }
        for (node, machine) in machines.iter().enumerate() {
            let Some(table) = machine.view.table() else {
                return broken(
                    Checker::Progress,
                    now,
                    format!("machine {node} knows nothing"),
                );
            };
            let seat = table.seats()[node];
            if node < profile.voters && seat != Some(machine.view.incarnation()) {
                let what = format!("machine {node} has no seat: {seat:?}");
                return broken(Checker::Progress, now, what);
            }
            let witness = node < profile.voters && node + profile.witnesses >= profile.voters;
            let member = table
                .member(node_id(node))
                .is_some_and(|m| m.boot == machine.boot);
            if member == witness || machine.view.leased(machine.local(now)) == witness {
                let what = format!("machine {node}: witness {witness}, member {member}, no lease?");
                return broken(Checker::Progress, now, what);
            }
            if machine.open > 0 {
                let what = format!("machine {node} has {} open requests", machine.open);
                return broken(Checker::Progress, now, what);
            }
        }
        Ok(())
    }
}

pub fn broken(checker: Checker, at: u64, what: String) -> Check {
    Err(Violation { checker, at, what })
}

fn digest(table: &Table) -> u64 {
    let mut hasher = DefaultHasher::new();
    table.epoch().hash(&mut hasher);
    table.seats().hash(&mut hasher);
    table.homes().hash(&mut hasher);
    for member in table.members() {
        member.hash(&mut hasher);
    }
    hasher.finish()
}
