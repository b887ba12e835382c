//! A history: machines, network and time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;
use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_protocol::{FRAME_LENGTH_MAX, Instant, NodeId, PlantedFault, Token};
use netipc_wire::Message;
use netipc_wire::frame::Packet;

use crate::machine::{Held, Machine, Power, index_of, node_id};
use crate::network::{Network, chance, up_to};
use crate::profile::Profile;
use crate::truth::{Checker, LAZINESS, Truth};
use crate::{History, Options, Record, Summary, Violation, milliseconds};

/// More events than this are a machine that never comes to rest.
const EVENTS_MAX: u64 = 1_000_000;

/// Something that happens at a point of virtual time.
#[derive(Debug)]
pub(crate) enum Event {
    /// A frame reaches a machine.
    Arrive {
        from: usize,
        to: usize,
        frame: Vec<u8>,
    },
    /// A machine's timer, or a lazy one's next look.
    Wake { node: usize, incarnation: u32 },
    /// An application makes a call.
    Issue { node: usize },
    /// An application gives a call up.
    Cancel {
        node: usize,
        incarnation: u32,
        id: usize,
    },
    /// A worker is done.
    Done {
        node: usize,
        incarnation: u32,
        id: usize,
    },
    /// An application has no more use for a capability.
    GiveUp {
        node: usize,
        incarnation: u32,
        held: Held,
    },
    /// A machine starts.
    Restart { node: usize },
    /// A direction is cut, for some time.
    Cut {
        from: usize,
        to: usize,
        lasting: Duration,
    },
    /// Both directions are mended.
    Heal { a: usize, b: usize },
}

struct Planned {
    at: Instant,
    number: u64,
    event: Event,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
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
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) profile: Profile,
    pub(crate) now: Instant,
    pub(crate) machines: Vec<Machine>,
    pub(crate) truth: Truth,
    pub(crate) summary: Summary,
    /// The number of the next object that is exported; 0 is the bootstrap export.
    pub(crate) next_object: u64,
    pub(crate) network: Network,
    agenda: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    spare: Vec<Vec<u8>>,
    record: Record,
    lines: Vec<String>,
}

pub(crate) type Step = Result<(), Violation>;

impl World {
    pub(crate) fn new(seed: u64, options: &Options) -> Self {
        let mut rng = Rng::with_seed(seed);
        let profile = Profile::draw(&mut rng, options.nodes);
        let fault: Option<PlantedFault> = options.fault;
        let machines = (0..profile.nodes)
            .map(|_| Machine::new(&mut rng, fault))
            .collect();
        Self {
            rng,
            profile,
            now: Instant::from_nanos(0),
            machines,
            truth: Truth::default(),
            summary: Summary {
                histories: 1,
                ..Summary::default()
            },
            next_object: 1,
            network: Network::default(),
            agenda: BinaryHeap::new(),
            planned: 0,
            spare: Vec::new(),
            record: options.record,
            lines: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) -> History {
        let violation = self.phases().err();
        if let Some(violation) = &violation {
            let line = format!("BROKEN {violation}");
            self.note(|| line);
        }
        History {
            summary: self.summary,
            violation,
            lines: self.lines,
        }
    }

    pub(crate) fn run_for(&mut self, span: Duration) -> Step {
        let end = self.now + span;
        while let Some(Reverse(planned)) = self.agenda.peek() {
            if planned.at > end {
                break;
            }
            let Some(Reverse(planned)) = self.agenda.pop() else {
                break;
            };
            self.now = planned.at;
            self.summary.events += 1;
            if self.summary.events > EVENTS_MAX {
                return Err(Violation {
                    checker: Checker::Progress,
                    at: self.now,
                    what: "it never comes to rest".into(),
                });
            }
            self.happen(planned.event)?;
        }
        self.now = end;
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Step {
        match event {
            Event::Arrive { from, to, frame } => self.arrive(from, to, frame),
            Event::Wake { node, incarnation } if self.lives(node, incarnation) => {
                self.machines[node].lazy = false;
                self.machines[node].wake_at = None;
                self.look(node)
            }
            Event::Issue { node } if self.machines[node].power == Power::On => {
                self.issue(node)?;
                self.visit(node)
            }
            Event::Cancel {
                node,
                incarnation,
                id,
            } if self.lives(node, incarnation) => {
                self.cancel(node, id);
                self.visit(node)
            }
            Event::Done {
                node,
                incarnation,
                id,
            } if self.lives(node, incarnation) => {
                self.done(node, id);
                self.visit(node)
            }
            Event::GiveUp {
                node,
                incarnation,
                held,
            } if self.lives(node, incarnation) => {
                self.give_up(node, held)?;
                self.visit(node)
            }
            Event::Restart { node } if self.machines[node].power == Power::Off => {
                self.power_on(node);
                Ok(())
            }
            Event::Cut { from, to, lasting } => {
                self.note(|| format!("cut {from} -> {to} for {lasting:?}"));
                self.network.cut(from, to);
                self.summary.faults += 1;
                self.plan(lasting, Event::Heal { a: from, b: to });
                Ok(())
            }
            Event::Heal { a, b } => {
                self.network.heal(a, b);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn lives(&self, node: usize, incarnation: u32) -> bool {
        self.machines[node].power == Power::On && self.machines[node].incarnation == incarnation
    }

    fn arrive(&mut self, from: usize, to: usize, mut frame: Vec<u8>) -> Step {
        let now = self.now;
        if self.machines[to].power == Power::On {
            let result = self.machines[to]
                .endpoint
                .handle_frame(now, node_id(from), &mut frame);
            if let Err(reason) = result {
                self.note(|| format!("    {to} drops a frame of {from}: {reason}"));
            }
            self.machines[to].heard[from] = now;
            self.spare.push(frame);
            return self.visit(to);
        }
        self.spare.push(frame);
        Ok(())
    }

    /// A machine has something to do: it does it now, or later if it is lazy, or crashes.
    fn visit(&mut self, node: usize) -> Step {
        if self.profile.crashes > 0 && chance(&mut self.rng, self.profile.crash) {
            self.profile.crashes -= 1;
            self.crash(node);
            return Ok(());
        }
        if self.machines[node].lazy {
            return Ok(());
        }
        if chance(&mut self.rng, self.profile.lazy) {
            let later = up_to(&mut self.rng, LAZINESS);
            self.machines[node].lazy = true;
            let incarnation = self.machines[node].incarnation;
            self.plan(later, Event::Wake { node, incarnation });
            return Ok(());
        }
        self.look(node)
    }

    /// A machine does everything that is due.
    fn look(&mut self, node: usize) -> Step {
        let now = self.now;
        if self.machines[node]
            .endpoint
            .poll_timeout()
            .is_some_and(|at| at <= now)
        {
            self.machines[node].endpoint.handle_timeout(now);
        }
        self.attend(node)?;
        self.transmit(node)?;
        let Some(at) = self.machines[node].endpoint.poll_timeout() else {
            return Ok(());
        };
        let at = at.max(now);
        if self.machines[node]
            .wake_at
            .is_none_or(|planned| at < planned)
        {
            self.machines[node].wake_at = Some(at);
            let incarnation = self.machines[node].incarnation;
            self.plan(now.until(at), Event::Wake { node, incarnation });
        }
        Ok(())
    }

    /// A machine will look at once.
    pub(crate) fn touch(&mut self, node: usize) {
        let incarnation = self.machines[node].incarnation;
        self.plan(Duration::ZERO, Event::Wake { node, incarnation });
    }

    pub(crate) fn transmit(&mut self, node: usize) -> Step {
        let now = self.now;
        loop {
            let mut frame = self.spare.pop().unwrap_or_default();
            frame.resize(FRAME_LENGTH_MAX, 0);
            let Some(transmit) = self.machines[node].endpoint.poll_transmit(now, &mut frame) else {
                self.spare.push(frame);
                return Ok(());
            };
            frame.truncate(transmit.length);
            self.summary.frames += 1;
            self.tap(node, transmit.to, &frame)?;
            self.send(node, index_of(transmit.to), frame);
        }
    }

    /// The cipher is transparent: the checkers read along.
    fn tap(&mut self, from: usize, to: NodeId, frame: &[u8]) -> Step {
        let malformed = |reason: netipc_wire::Malformed| Violation {
            checker: Checker::Wiretap,
            at: self.now,
            what: format!("{from} sends what is no frame: {reason}"),
        };
        let packet = Packet::new_checked(frame).map_err(malformed)?;
        let header = packet.header();
        let message = Message::parse(header.kind, packet.body()).map_err(malformed)?;
        let to = index_of(to);
        if self.record == Record::Everything {
            let line = crate::describe::frame(from, to, &header, &message, &self.truth);
            self.note(|| line);
        }
        self.truth
            .tap(self.now, (from, to), header.session, &message)
    }

    fn send(&mut self, from: usize, to: usize, frame: Vec<u8>) {
        let bits = frame.len() * 8;
        let fate = self
            .network
            .fate(&mut self.rng, &self.profile, self.now, (from, to), bits);
        self.summary.faults += fate.faults;
        let [first, second] = fate.arrivals;
        if let Some(at) = second {
            let frame = frame.clone();
            self.plan(self.now.until(at), Event::Arrive { from, to, frame });
        }
        let Some(at) = first else {
            self.note(|| "      lost".into());
            self.spare.push(frame);
            return;
        };
        let mut frame = frame;
        if let Some(bit) = fate.damage {
            frame[bit / 8] ^= 1 << (bit % 8);
        }
        self.plan(self.now.until(at), Event::Arrive { from, to, frame });
    }

    pub(crate) fn power_on(&mut self, node: usize) {
        self.note(|| format!("{node} starts"));
        let nodes = self.machines.len();
        self.machines[node].start(node, nodes, &mut self.rng);
        self.machines[node].heard.fill(self.now);
    }

    fn crash(&mut self, node: usize) {
        self.note(|| format!("{node} crashes"));
        self.summary.faults += 1;
        self.summary.crashes += 1;
        self.machines[node].crash();
        self.truth.crashed(node);
        let later = up_to(&mut self.rng, OUTCOME_WITHIN * 2);
        self.plan(later, Event::Restart { node });
    }

    pub(crate) fn plan(&mut self, later: Duration, event: Event) {
        self.planned += 1;
        self.agenda.push(Reverse(Planned {
            at: self.now + later,
            number: self.planned,
            event,
        }));
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if self.record == Record::Everything {
            self.lines
                .push(format!("{}  {}", milliseconds(self.now), line()));
        }
    }
}

/// A call's number is its token.
pub(crate) fn token_of(id: usize) -> Token {
    Token(id as u64)
}
