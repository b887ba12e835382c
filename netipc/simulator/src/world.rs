//! A history: machines, network and time.

use std::time::Duration;

use fastrand::Rng;
use netipc_protocol::limits::{
    BULK_ANSWERS, GRANTS, OFFER_ACKS, OUTCOME_WITHIN, RELEASE_ACKS, REVOKE_ACKS, TRANSFERS,
};
use netipc_protocol::{FRAME_LENGTH_MAX, Instant, NodeId, Transmit, VIEW_LENGTH_MAX};
use netipc_wire::bulk::CHUNKS_SPOKEN_OF;
use netipc_wire::frame::Packet;
use netipc_wire::{Kind, Message};

use crate::agenda::Agenda;
use crate::bulk;
use crate::describe::{call_of, short};
use crate::faults::{Fault, Trouble};
use crate::machine::{Held, Machine, Power, SmallEndpoint, index_of, node_id};
use crate::network::{Network, chance, up_to};
use crate::picture::{Entry, OnTheWay, What};
use crate::profile::Profile;
use crate::truth::{Checker, LAZINESS, Truth};
use crate::views::{self, Views};
use crate::{History, NODES_MAX, Options, ROWS, Record, SLOTS, Summary, Violation};

/// More events than this are a machine that never comes to rest.
const EVENTS_MAX: u64 = 1_000_000;

/// More frames at one look are a machine that does not bound what it says: to each peer a frame for each slot of each side, a
/// RELEASE for each row, its acknowledgements, for each transfer a WANT or what was wanted, one each of the handshake and PING and PONG, and what its view says.
const FRAMES_PER_LOOK: usize = (NODES_MAX as usize - 1)
    * (2 * SLOTS
        + 2 * ROWS
        + RELEASE_ACKS
        + REVOKE_ACKS
        + 3 * GRANTS
        + OFFER_ACKS
        + 2 * BULK_ANSWERS
        + 2 * TRANSFERS * (CHUNKS_SPOKEN_OF as usize + 1)
        + 6
        + views::FRAMES);

/// Something that happens at a point of virtual time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A frame reaches a machine.
    Arrive { from: u8, to: u8, frame: u32 },
    /// A machine's timer.
    Timer { node: usize, incarnation: u32 },
    /// A machine looks, whatever is due.
    Look { node: usize, incarnation: u32 },
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
    /// A trouble begins.
    Trouble(Trouble),
    /// An application wants to own something, or no more.
    Want { node: usize },
    /// A machine is not heard for longer than a lease.
    Silence {
        node: usize,
        lasting: Duration,
        deaf: bool,
    },
    /// A direction is mended.
    Heal { from: usize, to: usize },
    /// A direction is wide again.
    Widen { from: usize, to: usize },
    /// A direction is quick again.
    Quicken { from: usize, to: usize },
}

/// Frames on their way, in buffers that are used again.
#[derive(Default)]
struct Frames {
    buffers: Vec<Vec<u8>>,
    spare: Vec<u32>,
}

impl Frames {
    fn keep(&mut self, bytes: &[u8]) -> u32 {
        let index = self.spare.pop().unwrap_or_else(|| {
            self.buffers.push(Vec::with_capacity(FRAME_LENGTH_MAX));
            self.buffers.len() as u32 - 1
        });
        let buffer = &mut self.buffers[index as usize];
        buffer.clear();
        buffer.extend_from_slice(bytes);
        index
    }

    /// Nothing is on its way.
    fn clear(&mut self) {
        self.spare.clear();
        self.spare.extend((0..self.buffers.len() as u32).rev());
    }
}

/// What one history leaves to the next, so that it need not be made anew: machines begin as after a start, and what is planned or on its way
/// is forgotten.
#[derive(Default)]
pub(crate) struct Workshop {
    endpoints: Vec<Box<SmallEndpoint>>,
    frames: Frames,
    agenda: Agenda,
}

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
    frames: Frames,
    scratch: [u8; FRAME_LENGTH_MAX],
    record: Record,
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

    fn arrive(&mut self, from: usize, to: usize, index: u32) -> Step {
        let mut frame = std::mem::take(&mut self.frames.buffers[index as usize]);
        let result = if self.machines[to].power == Power::On {
            self.hand_over(from, to, &mut frame)
                .and_then(|()| self.visit(to))
        } else {
            Ok(())
        };
        self.frames.buffers[index as usize] = frame;
        self.frames.spare.push(index);
        result
    }

    /// A machine that is on takes a frame from the wire.
    fn hand_over(&mut self, from: usize, to: usize, frame: &mut [u8]) -> Step {
        let local = self.local(to);
        let endpoint = &mut self.machines[to].endpoint;
        let taken = endpoint.take_frame(local, node_id(from), frame);
        let result = taken.map(|said| {
            if let (Some(said), Some(views)) = (said, &mut self.views) {
                views.hear(to, local, node_id(from), said);
            }
        });
        self.machines[to].heard[from] = local;
        let Ok(packet) = Packet::new_checked(&*frame) else {
            return Ok(());
        };
        let header = packet.header();
        self.summary.handled(header.kind, &result);
        if self.record == Record::Everything {
            let call = Message::parse(header.kind, packet.body())
                .ok()
                .and_then(|message| call_of((from, to), &header, &message, &self.truth));
            let about = call.map_or(String::new(), |id| format!(" about call {id}"));
            let fate = match &result {
                Ok(()) => "accepted".to_string(),
                Err(reason) => format!("dropped: {reason}"),
            };
            self.entry(call, || What::Heard {
                node: to,
                text: format!("{}{about} of {from}: {fate}", short(header.kind)),
            });
        }
        if result.is_err() {
            return Ok(());
        }
        if !header.kind.is_handshake() && self.machines[to].ended.contains(&header.session) {
            return Err(Violation {
                checker: Checker::Sessions,
                at: self.now,
                call: None,
                what: format!(
                    "{to} accepts a frame of session {}, which had ended there",
                    header.session
                ),
            });
        }
        self.truth.accepted(self.now, (from, to), &header)?;
        if header.kind == Kind::Want
            && let Ok(Message::Want(want)) = Message::parse(header.kind, packet.body())
        {
            self.truth.want_arrived((from, to), header.session, &want);
        }
        if header.kind == Kind::Data {
            self.write(to, frame)?;
        }
        if header.kind == Kind::Reply
            && let Ok(Message::Reply(repr)) = Message::parse(header.kind, packet.body())
        {
            self.truth
                .reply_arrived(to, from, header.session, repr.slot, repr.sequence);
        }
        Ok(())
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

    pub(crate) fn transmit(&mut self, node: usize) -> Step {
        let local = self.local(node);
        for _ in 0..=FRAMES_PER_LOOK {
            let Some(transmit) = self.next_frame(node, local) else {
                return Ok(());
            };
            self.summary.frames += 1;
            self.send(node, transmit.to, transmit.length)?;
        }
        Err(Violation {
            checker: Checker::Memory,
            at: self.now,
            call: None,
            what: format!("{node} has more than {FRAMES_PER_LOOK} frames to send at once"),
        })
    }

    /// Writes a machine's next frame to `scratch`: what its endpoint has to say, or its view.
    fn next_frame(&mut self, node: usize, local: Instant) -> Option<Transmit> {
        loop {
            let endpoint = &mut self.machines[node].endpoint;
            if let Some(transmit) = endpoint.poll_transmit(local, &mut self.scratch) {
                return Some(transmit);
            }
            if let Some(transmit) = endpoint.poll_bulk(local, &mut self.scratch, bulk::fill) {
                return Some(transmit);
            }
            let mut said = [0; VIEW_LENGTH_MAX];
            let next = self.views.as_mut()?.say(node, local, &mut said)?;
            let said = &said[..next.length];
            // What cannot be sent is lost, and the endpoint may have a HELLO instead.
            if let Some(length) = endpoint.send_view(local, next.to, said, &mut self.scratch) {
                return Some(Transmit {
                    to: next.to,
                    length,
                });
            }
        }
    }

    /// The frame in `scratch` goes on the wire. The checkers read along, whatever the cipher.
    fn send(&mut self, from: usize, to: NodeId, length: usize) -> Step {
        let to = index_of(to);
        let frame = &self.scratch[..length];
        let malformed = |reason: netipc_wire::Malformed| Violation {
            checker: Checker::Wiretap,
            at: self.now,
            call: None,
            what: format!("{from} sends what is no frame: {reason}"),
        };
        let guard = self.machines[from].endpoint.cipher_mut();
        let packet = Packet::new_checked(guard.plain(frame)).map_err(malformed)?;
        let header = packet.header();
        let message = Message::parse(header.kind, packet.body()).map_err(malformed)?;
        let tapped = self
            .truth
            .numbered(self.now, (from, to), &header)
            .and(
                self.truth
                    .tap(self.now, (from, to), header.session, &message),
            );
        let fate = self.network.fate(
            &mut self.rng,
            &self.profile,
            self.now,
            (from, to),
            frame.len(),
        );
        if self.record == Record::Everything {
            let call = call_of((from, to), &header, &message, &self.truth);
            let text = crate::describe::frame(&header, &message, call);
            let way = match fate.arrivals[0] {
                Some(_) => OnTheWay::Arrives,
                None => OnTheWay::Lost,
            };
            let wrong: Vec<_> = fate.faults.iter().flatten().map(|f| f.text()).collect();
            let text = match wrong.is_empty() {
                true => text,
                false => format!("{text} ({})", wrong.join(", ")),
            };
            self.entry(call, || What::Sent {
                from,
                to,
                kind: short(header.kind),
                text,
                way,
            });
        }
        for fault in fate.faults.into_iter().flatten() {
            self.fault(fault);
        }
        for (nth, at) in fate.arrivals.into_iter().flatten().enumerate() {
            let frame = self.frames.keep(&self.scratch[..length]);
            if let (0, Some(bit)) = (nth, fate.damage) {
                self.frames.buffers[frame as usize][bit / 8] ^= 1 << (bit % 8);
            }
            let (from, to) = (from as u8, to as u8);
            self.plan(self.now.until(at), Event::Arrive { from, to, frame });
        }
        tapped
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

    fn entry(&mut self, call: Option<usize>, what: impl FnOnce() -> What) {
        if self.record == Record::Everything {
            self.entries.push(Entry {
                at: self.now,
                call,
                what: what(),
            });
        }
    }
}
