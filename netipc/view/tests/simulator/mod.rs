//! Runs clusters of the view from a seed, under virtual time, and checks every promise of `docs/view.md`.
//!
//! The code that runs is `netipc-view` itself; the checkers (`truth`) know what no machine can see. A seed replays exactly.

mod machine;
mod profile;
mod truth;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;
use netipc_view::message::{MESSAGE_LENGTH_MAX, Message};
use netipc_view::{Action, Answer, Epoch, Event, Id, PlantedFault, Token};

use machine::{Machine, node_id};
use profile::{Profile, chance, up_to};
use truth::{Check, Truth, broken};
pub use truth::{Checker, Violation};

/// A machine that never comes to rest has more events than this.
const EVENTS_MAX: u64 = 500_000;
/// After the last fault, so long until all must be well: a founding (and a second, if two were tried at once), former memberships' ends, seats.
const SETTLES_WITHIN: Duration = Duration::from_secs(8);

/// What happened in one or more histories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub histories: u64,
    pub events: u64,
    pub messages: u64,
    pub faults: u64,
    pub crashes: u64,
    pub answers: u64,
    pub takeovers: u64,
    pub disasters: u64,
    pub tables: u64,
    pub writes: u64,
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.histories += other.histories;
        self.events += other.events;
        self.messages += other.messages;
        self.faults += other.faults;
        self.crashes += other.crashes;
        self.answers += other.answers;
        self.takeovers += other.takeovers;
        self.disasters += other.disasters;
        self.tables += other.tables;
        self.writes += other.writes;
    }
}

/// A history that has ended.
pub struct Ended {
    pub summary: Summary,
    pub violation: Option<Violation>,
    pub lines: Vec<String>,
}

#[derive(Debug)]
enum Happening {
    Arrive {
        from: usize,
        to: usize,
        bytes: Vec<u8>,
    },
    Wake {
        node: usize,
        starts: u32,
    },
    Ask {
        node: usize,
    },
    Write {
        id: Id,
        epoch: Epoch,
        disasters: u32,
    },
    Restart {
        node: usize,
    },
    Cut {
        from: usize,
        to: usize,
        lasting: Duration,
    },
    Part {
        side: u32,
        lasting: Duration,
    },
    Heal {
        from: usize,
        to: usize,
    },
    Disaster,
}

struct Planned(u64, u64, Happening);

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

struct World {
    rng: Rng,
    profile: Profile,
    now: u64,
    machines: Vec<Machine>,
    truth: Truth,
    summary: Summary,
    cut: [[bool; 8]; 8],
    agenda: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    /// Requests that applications may still make: they answer each other's.
    budget: u32,
    record: bool,
    lines: Vec<String>,
}

/// Runs the history of a seed.
pub fn run(seed: u64, fault: Option<PlantedFault>, record: bool) -> Ended {
    let mut rng = Rng::with_seed(seed);
    let profile = Profile::draw(&mut rng);
    let machines = (0..profile.nodes)
        .map(|_| Machine::new(&mut rng, fault))
        .collect();
    let mut world = World {
        rng,
        budget: profile.requests * 3,
        truth: Truth::new(&profile, fault),
        profile,
        now: 0,
        machines,
        summary: Summary {
            histories: 1,
            ..Summary::default()
        },
        cut: [[false; 8]; 8],
        agenda: BinaryHeap::new(),
        planned: 0,
        record,
        lines: Vec::new(),
    };
    let violation = world.phases().err();
    if let Some(violation) = &violation {
        let line = format!("BROKEN {violation:?}");
        world.note(|| line);
    }
    world.summary.takeovers = world.truth.takeovers;
    world.summary.disasters = world.truth.disasters.into();
    world.summary.tables = world.truth.tables;
    Ended {
        summary: world.summary,
        violation,
        lines: world.lines,
    }
}

impl World {
    fn phases(&mut self) -> Check {
        let text = format!("{:?}", self.profile);
        self.note(|| text);
        for node in 0..self.machines.len() {
            self.plan(Duration::ZERO, Happening::Restart { node });
        }
        self.plan_trouble();
        self.run_for(self.profile.rough_for)?;
        self.calm();
        // What was held up arrives now, too.
        self.run_for(self.profile.held_up + SETTLES_WITHIN)?;
        self.truth
            .settled(self.now, &self.machines, &self.profile)?;
        self.budget = 20;
        for node in 0..self.machines.len() {
            self.plan(Duration::ZERO, Happening::Ask { node });
        }
        self.run_for(Duration::from_millis(300))?;
        self.truth.settled(self.now, &self.machines, &self.profile)
    }

    fn plan_trouble(&mut self) {
        let nodes = self.machines.len();
        let rough = self.profile.rough_for;
        for _ in 0..self.profile.requests {
            let at = up_to(&mut self.rng, rough);
            let node = self.rng.usize(..nodes);
            self.plan(at, Happening::Ask { node });
        }
        for _ in 0..self.profile.cuts {
            let (at, lasting) = (up_to(&mut self.rng, rough), self.lasting());
            let from = self.rng.usize(..nodes);
            let to = (from + self.rng.usize(1..nodes)) % nodes;
            self.plan(at, Happening::Cut { from, to, lasting });
            if self.rng.bool() {
                self.plan(
                    at,
                    Happening::Cut {
                        from: to,
                        to: from,
                        lasting,
                    },
                );
            }
        }
        for _ in 0..self.profile.disasters {
            let at = up_to(&mut self.rng, rough);
            self.plan(at, Happening::Disaster);
        }
        for _ in 0..self.profile.partitions {
            let (at, lasting) = (up_to(&mut self.rng, rough), self.lasting());
            let side = self.rng.u32(..1 << nodes);
            self.plan(at, Happening::Part { side, lasting });
        }
    }

    fn lasting(&mut self) -> Duration {
        self.profile.cut_at_least + up_to(&mut self.rng, self.profile.cut_for)
    }

    fn calm(&mut self) {
        self.note(|| "-- from here on all is well --".into());
        self.profile.calm();
        self.cut = [[false; 8]; 8];
        for node in 0..self.machines.len() {
            self.plan(Duration::ZERO, Happening::Restart { node });
        }
    }

    fn run_for(&mut self, span: Duration) -> Check {
        let end = self.now + span.as_nanos() as u64;
        while self
            .agenda
            .peek()
            .is_some_and(|Reverse(next)| next.0 <= end)
        {
            let Some(Reverse(Planned(at, _, happening))) = self.agenda.pop() else {
                break;
            };
            self.now = at;
            self.summary.events += 1;
            if self.summary.events > EVENTS_MAX {
                return broken(Checker::Progress, at, "it never comes to rest".into());
            }
            self.happen(happening)?;
        }
        self.now = end;
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Check {
        match happening {
            Happening::Arrive { from, to, bytes } if self.machines[to].on => {
                let local = self.machines[to].local(self.now);
                let machine = &mut self.machines[to];
                let result = machine.view.handle_message(local, node_id(from), &bytes);
                if let Err(reason) = result {
                    self.note(|| format!("    {to} drops a message of {from}: {reason}"));
                }
                self.visit(to)
            }
            Happening::Wake { node, starts } if self.machines[node].starts == starts => {
                self.machines[node].wake_at = None;
                self.visit(node)
            }
            Happening::Ask { node } if self.machines[node].on => {
                self.ask(node);
                self.visit(node)
            }
            Happening::Write {
                id,
                epoch,
                disasters,
            } if disasters == self.truth.disasters => self.truth.write(self.now, id, epoch),
            Happening::Restart { node } if !self.machines[node].on => {
                let machine = &mut self.machines[node];
                machine.start(self.now, node, &self.profile, &mut self.rng);
                self.note(|| format!("{node} starts"));
                self.visit(node)
            }
            Happening::Cut { from, to, lasting } => {
                self.sever(from, to, lasting);
                Ok(())
            }
            Happening::Part { side, lasting } => {
                let sides = |node: usize| side >> node & 1;
                for from in 0..self.machines.len() {
                    for to in 0..self.machines.len() {
                        if sides(from) != sides(to) {
                            self.sever(from, to, lasting);
                        }
                    }
                }
                Ok(())
            }
            Happening::Disaster => (0..self.profile.voters).try_for_each(|node| self.crash(node)),
            Happening::Heal { from, to } => {
                self.cut[from][to] = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn sever(&mut self, from: usize, to: usize, lasting: Duration) {
        self.note(|| format!("cut {from} -> {to} for {lasting:?}"));
        self.cut[from][to] = true;
        self.summary.faults += 1;
        self.plan(lasting, Happening::Heal { from, to });
    }

    /// A machine has something to do: it does it, or crashes.
    fn visit(&mut self, node: usize) -> Check {
        if self.profile.crashes > 0 && chance(&mut self.rng, self.profile.crash) {
            self.profile.crashes -= 1;
            return self.crash(node);
        }
        let local = self.machines[node].local(self.now);
        let view = &mut self.machines[node].view;
        if view.poll_timeout().is_some_and(|at| at <= local) {
            view.handle_timeout(local);
        }
        while let Some(event) = self.machines[node].view.poll_event() {
            self.hear(node, event);
        }
        self.transmit(node);
        self.truth
            .look(self.now, node, &self.machines, self.profile.things)?;
        self.set_alarm(node);
        Ok(())
    }

    /// Everything in a machine is lost; it will start again.
    fn crash(&mut self, node: usize) -> Check {
        if !self.machines[node].on {
            return Ok(());
        }
        self.summary.crashes += 1;
        self.summary.faults += 1;
        self.note(|| format!("{node} crashes"));
        self.machines[node].crash();
        let down = up_to(&mut self.rng, self.profile.down_for);
        self.plan(down, Happening::Restart { node });
        self.truth
            .look(self.now, node, &self.machines, self.profile.things)
    }

    fn set_alarm(&mut self, node: usize) {
        let machine = &mut self.machines[node];
        let Some(local) = machine.view.poll_timeout() else {
            return;
        };
        let at = machine.true_time(local).max(self.now);
        if machine.wake_at.is_none_or(|planned| at < planned) {
            machine.wake_at = Some(at);
            let starts = machine.starts;
            let span = Duration::from_nanos(at - self.now);
            self.plan(span, Happening::Wake { node, starts });
        }
    }

    fn hear(&mut self, node: usize, event: Event) {
        match event {
            Event::Changed => {
                self.note(|| format!("{node} sees a change"));
                self.grasp(node);
            }
            Event::Answered { token, answer } => {
                self.note(|| format!("{node}: request {token} is {answer:?}"));
                self.summary.answers += 1;
                self.machines[node].open -= 1;
                if let Answer::Owned(_) = answer {
                    self.plan(Duration::from_micros(10), Happening::Ask { node });
                }
            }
        }
    }

    /// Whatever is free by now, some machine wants at once.
    fn grasp(&mut self, node: usize) {
        let Some(table) = self.machines[node].view.table() else {
            return;
        };
        let free = (0..self.profile.things.min(4)).map(|n| Id(n.into()));
        let free: Vec<_> = free.filter(|id| table.home(*id).is_none()).collect();
        if !free.is_empty() && chance(&mut self.rng, self.profile.greed) {
            let id = free[self.rng.usize(..free.len())];
            self.request(node, Action::Claim(id));
        }
    }

    /// An application does something.
    fn ask(&mut self, node: usize) {
        let id = Id(self.rng.u8(..self.profile.things).into());
        let machine = &self.machines[node];
        let Some(epoch) = machine.view.owns(machine.local(self.now), id) else {
            let home = machine.view.table().and_then(|table| table.home(id));
            let bad = home.map_or(Epoch(7), |home| home.epoch);
            let action = match self.rng.u8(..10) {
                0 => Action::Release(id, bad),
                _ => Action::Claim(id),
            };
            self.request(node, action);
            return;
        };
        self.summary.writes += 1;
        let span = up_to(&mut self.rng, self.profile.held_up);
        let disasters = self.truth.disasters;
        self.plan(
            span,
            Happening::Write {
                id,
                epoch,
                disasters,
            },
        );
        let heir = node_id(self.rng.usize(..self.machines.len()));
        match self.rng.u8(..6) {
            0 => self.request(node, Action::Release(id, epoch)),
            1 => self.request(node, Action::HandOver(id, epoch, heir)),
            _ => {}
        }
    }

    fn request(&mut self, node: usize, action: Action) {
        let now = self.now;
        let machine = &mut self.machines[node];
        let witness =
            node < self.profile.voters && node + self.profile.witnesses >= self.profile.voters;
        if witness || self.budget == 0 {
            return;
        }
        self.budget -= 1;
        let token = Token(machine.next_token);
        machine.next_token += 1;
        let local = machine.local(now);
        if machine.view.handle_local(local, token, action).is_ok() {
            machine.open += 1;
            self.note(|| format!("{node} asks {token}: {action:?}"));
        }
    }

    fn transmit(&mut self, from: usize) {
        let mut buffer = [0; MESSAGE_LENGTH_MAX];
        let local = self.machines[from].local(self.now);
        while let Some(transmit) = self.machines[from].view.poll_transmit(local, &mut buffer) {
            let bytes = &buffer[..transmit.length];
            let to = usize::from(transmit.to.0) - 1;
            self.summary.messages += 1;
            if self.record {
                let message = Message::parse(bytes).expect("it is a message");
                self.note(|| format!("  {from} -> {to}: {message:?}"));
            }
            if self.cut[from][to] || chance(&mut self.rng, self.profile.loss) {
                self.summary.faults += 1;
                continue;
            }
            self.send(from, to, bytes);
            if chance(&mut self.rng, self.profile.duplication) {
                self.summary.faults += 1;
                self.send(from, to, bytes);
            }
        }
    }

    fn send(&mut self, from: usize, to: usize, bytes: &[u8]) {
        let mut delay = self.profile.delay + up_to(&mut self.rng, self.profile.jitter);
        if chance(&mut self.rng, self.profile.straggling) {
            delay += up_to(&mut self.rng, self.profile.held_up);
            self.summary.faults += 1;
        }
        let bytes = bytes.to_vec();
        self.plan(delay, Happening::Arrive { from, to, bytes });
    }

    fn plan(&mut self, span: Duration, happening: Happening) {
        self.planned += 1;
        let at = self.now + span.as_nanos() as u64;
        self.agenda
            .push(Reverse(Planned(at, self.planned, happening)));
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if self.record {
            let micros = self.now / 1000;
            let (ms, us) = (micros / 1000, micros % 1000);
            self.lines.push(format!("{ms:5}.{us:03} {}", line()));
        }
    }
}
