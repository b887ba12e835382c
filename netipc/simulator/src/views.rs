//! The machines' views of the cluster, in some of the histories: `netipc-view` itself, whose messages travel between the calls.
//!
//! Every machine is a voter; in some histories the last only votes. Applications want what is free, give it back and hand it over. Beside what
//! befalls every history, machines fall silent for longer than a lease. What is drawn for it has dice of its own, so that the same seed
//! without it is the same history.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;
use netipc_protocol::{BootId, Instant, NodeId, VIEW_LENGTH_MAX};
use netipc_view::limits::{CLOCK_DRIFT_PPM, LEASE};
use netipc_view::{
    Action, Config, Epoch, Event as Said, History, Id, Nodes, Part, Random, Token, View,
};

use crate::agenda::Event;
use crate::faults::Fault;
use crate::hash::Quick;
use crate::machine::{Power, node_id};
use crate::mutants::Mistake;
use crate::network::up_to;
use crate::profile::Profile;
use crate::truth::Checker;
use crate::world::{Step, World};
use crate::{Options, Violation};

/// One history in so many has views, unless all are to have them.
pub(crate) const EVERY: u64 = 50;
/// Such a history is rough for so long: some leases.
const ROUGH_FOR: Duration = Duration::from_secs(4);
/// Things that can be owned.
const THINGS: u8 = 3;
/// What applications begin of their own accord.
const WANTS: u32 = 40;
/// What they begin when they see that something is free, or while all is well.
const GRASPS: u32 = 60;
/// Machines that fall silent for longer than a lease.
const SILENCES: u32 = 5;
/// Frames of a view to one machine at one look, at most: one of each kind, and the chunks of a table.
pub(crate) const FRAMES: usize = 6 + 7;

/// Whether a history has views.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WithViews {
    /// One in fifty: they take more time than everything else.
    #[default]
    Some,
    /// Each.
    All,
}

/// Random words of a machine's view.
struct Dice(Rng);

impl Random for Dice {
    fn word(&mut self) -> u64 {
        self.0.u64(..)
    }
}

/// One machine's.
struct Replica {
    view: Box<View<Dice>>,
    boot: BootId,
    part: Part,
    tokens: u64,
    /// Requests without an answer.
    open: usize,
}

/// All machines', and what is true about them.
pub(crate) struct Views {
    rng: Rng,
    replicas: Vec<Replica>,
    grasps: u32,
    /// Who has owned what in which epoch.
    owners: HashMap<(History, Id, Epoch), (usize, BootId), Quick>,
    /// The last owner of each thing.
    last: HashMap<Id, (usize, BootId), Quick>,
    /// The highest epoch that each start of a machine has known.
    epochs: HashMap<(usize, BootId), Epoch, Quick>,
}

impl Views {
    /// Those of a history, if it has some.
    pub(crate) fn of(seed: u64, options: &Options, nodes: u8) -> Option<Self> {
        let fault = match options.mistake {
            Some(Mistake::View(fault)) => Some(fault),
            _ => None,
        };
        if options.views == WithViews::Some && fault.is_none() && seed % EVERY != EVERY - 1 {
            return None;
        }
        let mut rng = Rng::with_seed(!seed);
        let witness = rng.bool() && nodes > 2;
        let replicas = (1..=nodes).map(|number| {
            let mut view = Box::new(View::new(Dice(rng.fork())));
            if let Some(fault) = fault {
                view.plant(fault);
            }
            Replica {
                view,
                boot: BootId(0),
                part: match witness && number == nodes {
                    true => Part::Witness,
                    false => Part::Holder,
                },
                tokens: 0,
                open: 0,
            }
        });
        Some(Self {
            replicas: replicas.collect(),
            rng,
            grasps: GRASPS,
            owners: HashMap::default(),
            last: HashMap::default(),
            epochs: HashMap::default(),
        })
    }

    /// Such a history is longer, and its clocks are as wrong as they may be.
    pub(crate) fn roughen(profile: &mut Profile) {
        profile.rough_for = profile.rough_for.max(ROUGH_FOR);
        profile.drift = CLOCK_DRIFT_PPM as i64;
    }

    pub(crate) fn start(&mut self, node: usize, now: Instant, boot: BootId) {
        let all: Nodes = (0..self.replicas.len()).map(node_id).collect();
        let replica = &mut self.replicas[node];
        replica.boot = boot;
        replica.open = 0;
        let config = Config {
            node: node_id(node),
            boot,
            part: replica.part,
            nodes: all,
            voters: all,
        };
        let begun = replica.view.begin(now, config);
        debug_assert!(begun.is_ok(), "every machine may vote");
    }

    /// A VIEW has reached a machine. What has no effect is harmless, as from any voter.
    pub(crate) fn hear(&mut self, node: usize, now: Instant, from: NodeId, said: &[u8]) {
        let _ = self.replicas[node].view.handle_message(now, from, said);
    }

    /// What a machine's view says next.
    pub(crate) fn say(
        &mut self,
        node: usize,
        now: Instant,
        buffer: &mut [u8; VIEW_LENGTH_MAX],
    ) -> Option<netipc_view::Transmit> {
        self.replicas[node].view.poll_transmit(now, buffer)
    }

    pub(crate) fn timeout(&self, node: usize) -> Option<Instant> {
        self.replicas[node].view.poll_timeout()
    }

    pub(crate) fn pass_time(&mut self, node: usize, now: Instant) {
        let view = &mut self.replicas[node].view;
        if view.poll_timeout().is_some_and(|at| at <= now) {
            view.handle_timeout(now);
        }
    }

    /// What an application wants next.
    fn wish(&mut self, node: usize, now: Instant) -> Action {
        let id = Id(self.rng.u8(..THINGS).into());
        let heir = node_id(self.rng.usize(..self.replicas.len()));
        match (self.replicas[node].view.owns(now, id), self.rng.u8(..3)) {
            (Some(epoch), 0) => Action::Release(id, epoch),
            (Some(epoch), 1) => Action::HandOver(id, epoch, heir),
            _ => Action::Claim(id),
        }
    }

    /// Something that nobody owns, as far as a machine knows.
    fn free(&self, node: usize) -> Option<Id> {
        let table = self.replicas[node].view.table()?;
        let mut ids = (0..THINGS).map(|thing| Id(thing.into()));
        ids.find(|id| table.home(*id).is_none())
    }

    fn ask(&mut self, node: usize, now: Instant, action: Action) {
        let replica = &mut self.replicas[node];
        let token = Token(replica.tokens);
        replica.tokens += 1;
        let may = replica.part == Part::Holder;
        if may && replica.view.handle_local(now, token, action).is_ok() {
            replica.open += 1;
        }
    }

    /// Whether a machine's epoch goes back, and whether another owns what it owns: how often a thing has another owner than before.
    fn look(&mut self, node: usize, clocks: &[Option<Instant>]) -> Result<u64, String> {
        let owns = |views: &Self, node: usize, id| {
            clocks[node].and_then(|now| views.replicas[node].view.owns(now, id))
        };
        let (replica, mut moves) = (&self.replicas[node], 0);
        let me = (node, replica.boot);
        let (Some(table), Some(history)) = (replica.view.table(), replica.view.history()) else {
            return Ok(moves);
        };
        let known = self.epochs.entry(me).or_default();
        if table.epoch() < *known {
            return Err(format!(
                "{node} goes back from epoch {known} to {}",
                table.epoch()
            ));
        }
        *known = table.epoch();
        for id in (0..THINGS).map(|thing| Id(thing.into())) {
            let Some(epoch) = owns(self, node, id) else {
                continue;
            };
            let first = *self.owners.entry((history, id, epoch)).or_insert(me);
            if first != me {
                return Err(format!(
                    "{id} is {node}'s and {}'s in epoch {epoch}",
                    first.0
                ));
            }
            let others = (0..self.replicas.len()).filter(|other| *other != node);
            if let Some(other) = others
                .clone()
                .find(|other| owns(self, *other, id).is_some())
            {
                return Err(format!("{id} is {node}'s and {other}'s at one time"));
            }
            if self.last.insert(id, me).is_some_and(|last| last != me) {
                moves += 1;
            }
        }
        Ok(moves)
    }

    /// What is not as it should be long after the last fault.
    fn unsettled(&self, clocks: &[Option<Instant>]) -> Option<String> {
        let history = self.replicas[0].view.history();
        let mut replicas = self.replicas.iter().zip(clocks).enumerate();
        replicas.find_map(|(node, (replica, now))| {
            let now = (*now)?;
            let view = &replica.view;
            let holder = replica.part == Part::Holder;
            if view.history().is_none() || view.history() != history {
                Some(format!(
                    "{node} is in history {:?}, 0 in {history:?}",
                    view.history()
                ))
            } else if replica.open > 0 {
                Some(format!(
                    "{} requests of {node} are not answered",
                    replica.open
                ))
            } else if view.leased(now) != holder {
                Some(format!("{node}: does it hold a lease? {}", !holder))
            } else {
                None
            }
        })
    }
}

impl World {
    /// What befalls a history with views, beside everything else.
    pub(crate) fn plan_views(&mut self) {
        let span = self.profile.rough_for;
        let nodes = self.machines.len();
        let Some(views) = &mut self.views else { return };
        let mut planned = Vec::new();
        for _ in 0..WANTS {
            let node = views.rng.usize(..nodes);
            planned.push((up_to(&mut views.rng, span), Event::Want { node }));
        }
        for _ in 0..SILENCES {
            let node = views.rng.usize(..nodes);
            let lasting = LEASE + up_to(&mut views.rng, LEASE / 2);
            let deaf = views.rng.bool();
            planned.push((
                up_to(&mut views.rng, span),
                Event::Silence {
                    node,
                    lasting,
                    deaf,
                },
            ));
        }
        for (later, event) in planned {
            self.plan(later, event);
        }
    }

    /// All is well, and applications still want things.
    pub(crate) fn plan_calm_wants(&mut self) {
        if self.views.is_some() {
            for node in 0..self.machines.len() {
                self.plan(LEASE * 4, Event::Want { node });
            }
        }
    }

    /// Nobody hears a machine; and perhaps it hears nobody.
    pub(crate) fn fall_silent(&mut self, node: usize, lasting: Duration, deaf: bool) {
        self.fault(Fault::Isolation);
        for other in (0..self.machines.len()).filter(|other| *other != node) {
            self.cut(node, other, lasting);
            if deaf {
                self.cut(other, node, lasting);
            }
        }
    }

    /// An application of a machine wants something.
    pub(crate) fn want(&mut self, node: usize) {
        let now = self.local(node);
        if let Some(views) = &mut self.views {
            let action = views.wish(node, now);
            views.ask(node, now, action);
        }
    }

    /// A machine hears what its view has to say to it, and the checkers look.
    pub(crate) fn attend_view(&mut self, node: usize) -> Step {
        if self.views.is_none() {
            return Ok(());
        }
        let now = self.local(node);
        let clocks = self.clocks();
        let Some(views) = &mut self.views else {
            return Ok(());
        };
        while let Some(said) = views.replicas[node].view.poll_event() {
            match said {
                Said::Answered { .. } => views.replicas[node].open -= 1,
                Said::Changed => {
                    if let Some(id) = views.free(node)
                        && views.grasps > 0
                    {
                        views.grasps -= 1;
                        views.ask(node, now, Action::Claim(id));
                    }
                }
            }
        }
        match views.look(node, &clocks) {
            Ok(moves) => {
                self.summary.moves += moves;
                Ok(())
            }
            Err(what) => Err(self.wrong_owner(what)),
        }
    }

    /// What each machine that runs shows as the time.
    fn clocks(&self) -> Vec<Option<Instant>> {
        let machines = self.machines.iter();
        let runs = machines.map(|machine| machine.power == Power::On);
        let clocks = runs.enumerate();
        clocks
            .map(|(node, runs)| runs.then(|| self.local(node)))
            .collect()
    }

    /// Long after the last fault.
    pub(crate) fn check_views(&self) -> Step {
        let unsettled = self.views.as_ref();
        match unsettled.and_then(|views| views.unsettled(&self.clocks())) {
            Some(what) => Err(self.unfair(format!("all is well, and {what}"))),
            None => Ok(()),
        }
    }

    fn wrong_owner(&self, what: String) -> Violation {
        Violation {
            checker: Checker::Owners,
            at: self.now,
            call: None,
            what,
        }
    }
}
