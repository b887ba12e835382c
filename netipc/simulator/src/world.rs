//! A history: machines, network and time.

use std::time::Duration;

use fastrand::Rng;
use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_protocol::{FRAME_LENGTH_MAX, Instant, VIEW_LENGTH_MAX};

use crate::agenda::{Agenda, Event};
use crate::faults::Fault;
use crate::machine::{Machine, Power};
use crate::network::{Network, chance, up_to};
use crate::picture::{Entry, What};
use crate::profile::Profile;
use crate::truth::{LAZINESS, Truth};
use crate::views::Views;
use crate::workshop::{Frames, Workshop};
use crate::{History, Options, Record, Summary, Violation};

/// More events than this are a machine that never comes to rest.
const EVENTS_MAX: u64 = 1_000_000;

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) profile: Profile,
    pub(crate) now: Instant,
    pub(crate) machines: Vec<Machine>,
    pub(crate) truth: Truth,
    pub(crate) summary: Summary,
    pub(crate) network: Network,
    /// The machines' views, in a history that has some.
    pub(crate) views: Option<Box<Views>>,
    agenda: Agenda,
    /// Those on their way.
    pub(crate) frames: Frames,
    /// The frame that is being sent.
    pub(crate) scratch: [u8; FRAME_LENGTH_MAX],
    /// What a view has to say, before it is in a frame.
    pub(crate) said: [u8; VIEW_LENGTH_MAX],
    pub(crate) record: Record,
    entries: Vec<Entry>,
}

pub(crate) type Step = Result<(), Violation>;

impl World {
    pub(crate) fn new(seed: u64, options: &Options, mut workshop: Workshop) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut profile = Profile::draw(&mut rng, options.nodes);
        let views = Views::of(seed, options, profile.nodes).map(Box::new);
        if views.is_some() {
            Views::roughen(&mut profile);
        }
        let machines = (0..profile.nodes)
            .map(|index| Machine::new(index.into(), &mut rng, options, workshop.endpoints.pop()))
            .collect();
        Self {
            rng,
            profile,
            now: Instant::from_nanos(0),
            machines,
            truth: Truth::new(options.protection),
            summary: Summary {
                histories: 1,
                with_views: views.is_some().into(),
                ..Summary::default()
            },
            network: Network::default(),
            views,
            agenda: workshop.agenda,
            frames: workshop.frames,
            scratch: [0; FRAME_LENGTH_MAX],
            said: [0; VIEW_LENGTH_MAX],
            record: options.record,
            entries: Vec::new(),
        }
    }

    /// What happened, and what can be used again.
    pub(crate) fn run(mut self) -> (History, Workshop) {
        let violation = self.phases().err();
        if let Some(violation) = &violation {
            let line = format!("BROKEN {violation}");
            self.note(|| line);
        }
        self.summary.least = crate::Least {
            nodes: self.machines.len() as u64,
            calls: self.summary.calls,
            capabilities: self.summary.capabilities,
            faults: self.summary.faults,
        };
        let history = History {
            summary: self.summary,
            violation,
            nodes: self.machines.len(),
            entries: self.entries,
        };
        self.agenda.clear();
        self.frames.clear();
        let machines = self.machines.into_iter();
        let workshop = Workshop {
            endpoints: machines.map(|machine| machine.endpoint).collect(),
            frames: self.frames,
            agenda: self.agenda,
        };
        (history, workshop)
    }

    pub(crate) fn run_for(&mut self, span: Duration) -> Step {
        let end = self.now + span;
        while let Some((at, event)) = self.agenda.next(end) {
            self.now = at;
            self.summary.events += 1;
            if self.summary.events > EVENTS_MAX {
                return Err(self.unfair("it never comes to rest".into()));
            }
            self.happen(event)?;
        }
        self.now = end;
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Step {
        match event {
            Event::Arrive { from, to, frame } => self.arrive(from.into(), to.into(), frame),
            Event::Timer { node, incarnation } if self.lives(node, incarnation) => {
                let machine = &mut self.machines[node];
                // One that was planned, and then an earlier one.
                if machine.wake_at != Some(self.now) {
                    return Ok(());
                }
                machine.wake_at = None;
                if machine.lazy {
                    return Ok(());
                }
                self.look(node)
            }
            Event::Look { node, incarnation } if self.lives(node, incarnation) => {
                self.machines[node].lazy = false;
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
            Event::Trouble(trouble) => self.trouble(trouble),
            Event::Want { node } if self.machines[node].power == Power::On => {
                self.want(node);
                self.visit(node)
            }
            Event::Silence {
                node,
                lasting,
                deaf,
            } => {
                self.fall_silent(node, lasting, deaf);
                Ok(())
            }
            Event::Heal { from, to } => {
                self.network.heal(from, to);
                Ok(())
            }
            Event::Widen { from, to } => {
                self.network.narrow(from, to, 0);
                Ok(())
            }
            Event::Quicken { from, to } => {
                self.network.stall(from, to, Duration::ZERO);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn lives(&self, node: usize, incarnation: u32) -> bool {
        self.machines[node].power == Power::On && self.machines[node].incarnation == incarnation
    }

    /// What a machine's clock shows.
    pub(crate) fn local(&self, node: usize) -> Instant {
        self.machines[node].clock.read(self.now)
    }

    /// A machine has something to do: it does it now, or later if it is lazy, or crashes.
    pub(crate) fn visit(&mut self, node: usize) -> Step {
        if self.profile.crashes > 0 && chance(&mut self.rng, self.profile.crash) {
            self.profile.crashes -= 1;
            self.crash(node);
            return Ok(());
        }
        if self.machines[node].lazy {
            return Ok(());
        }
        if chance(&mut self.rng, self.profile.lazy) {
            self.fault(Fault::Lateness);
            let later = up_to(&mut self.rng, LAZINESS);
            self.machines[node].lazy = true;
            let incarnation = self.machines[node].incarnation;
            self.plan(later, Event::Look { node, incarnation });
            return Ok(());
        }
        self.respond(node)
    }

    /// A machine does everything that is due.
    fn look(&mut self, node: usize) -> Step {
        let local = self.local(node);
        let endpoint = &mut self.machines[node].endpoint;
        if endpoint.poll_timeout().is_some_and(|at| at <= local) {
            endpoint.handle_timeout(local);
        }
        if let Some(views) = &mut self.views {
            views.pass_time(node, local);
        }
        self.respond(node)
    }

    /// A machine does what something asks for that has happened to it. Its timers have events of their own.
    fn respond(&mut self, node: usize) -> Step {
        self.attend(node)?;
        self.attend_view(node)?;
        self.transmit(node)?;
        let views = self.views.as_ref();
        let of_view = views.and_then(|views| views.timeout(node));
        let machine = &mut self.machines[node];
        let of_endpoint = machine.endpoint.poll_timeout();
        let Some(at) = of_endpoint.into_iter().chain(of_view).min() else {
            return Ok(());
        };
        let at = machine.clock.when(at).max(self.now);
        if machine.wake_at.is_none_or(|planned| at < planned) {
            machine.wake_at = Some(at);
            let incarnation = machine.incarnation;
            self.plan(self.now.until(at), Event::Timer { node, incarnation });
        }
        Ok(())
    }

    /// A machine will look at once.
    pub(crate) fn touch(&mut self, node: usize) {
        let incarnation = self.machines[node].incarnation;
        self.plan(Duration::ZERO, Event::Look { node, incarnation });
    }

    pub(crate) fn power_on(&mut self, node: usize) {
        self.entry(None, || What::On {
            node,
            text: "starts".into(),
        });
        let nodes = self.machines.len();
        let drift = self.profile.drift;
        self.machines[node].start(node, nodes, self.now, drift, &mut self.rng);
        let (now, boot) = (self.local(node), self.machines[node].endpoint.config().boot);
        if let Some(views) = &mut self.views {
            views.start(node, now, boot);
        }
    }

    pub(crate) fn crash(&mut self, node: usize) {
        self.entry(None, || What::On {
            node,
            text: "crashes".into(),
        });
        self.fault(Fault::Crash);
        self.machines[node].crash();
        self.truth.crashed(node);
        let later = up_to(&mut self.rng, OUTCOME_WITHIN * 2);
        self.plan(later, Event::Restart { node });
    }

    pub(crate) fn plan(&mut self, later: Duration, event: Event) {
        self.agenda.plan(self.now + later, event);
    }

    /// Writes down what happened to the whole world.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        self.entry(None, || What::Note(line()));
    }

    /// Writes down what happened on a machine.
    pub(crate) fn on(&mut self, node: usize, call: Option<usize>, text: impl FnOnce() -> String) {
        self.entry(call, || What::On { node, text: text() });
    }

    pub(crate) fn entry(&mut self, call: Option<usize>, what: impl FnOnce() -> What) {
        if self.record == Record::Everything {
            self.entries.push(Entry {
                at: self.now,
                call,
                what: what(),
            });
        }
    }
}
