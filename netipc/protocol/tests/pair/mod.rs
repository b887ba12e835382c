//! Two machines, a link between them, and a clock that the test moves (after quinn's `Pair`).
#![allow(dead_code)] // Each scenario file uses its part of it.

use std::collections::VecDeque;
use std::time::Duration;

use netipc_protocol::bulk::{Chunk, TransferEnd};
use netipc_protocol::{
    Answer, BootId, Call, CallId, ClusterId, Config, DownReason, Dropped, Endpoint, Event,
    Execution, FRAME_LENGTH_MAX, Given, ImportId, Instant, NodeId, NotExecuted, Object, Outcome,
    Random, Received, SessionId, Target, Token, Transparent, Way,
};
use netipc_wire::frame::Packet;
use netipc_wire::{Kind, Message, Nonce};

/// Slots in each direction.
pub const SLOTS: usize = 8;
/// Exports and imports.
pub const ROWS: usize = 3;
/// One way over the link.
pub const LATENCY: Duration = Duration::from_micros(250);

/// The first machine.
pub const A: usize = 0;
/// The second.
pub const B: usize = 1;

/// Nonces that a test can foresee.
pub struct Counter(pub u64);

impl Random for Counter {
    fn nonce(&mut self) -> Nonce {
        self.0 += 1;
        Nonce(self.0)
    }
}

/// A reply that owns its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub label: u64,
    pub words: Vec<u64>,
    pub capability: Option<ImportId>,
    pub home: Option<Object>,
}

/// The import that came.
pub fn import_of(came: Option<Received>) -> ImportId {
    match came {
        Some(Received::Import(import)) => import,
        other => panic!("{other:?}"),
    }
}

/// An event that owns what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Complete(u64, Result<Reply, Outcome>),
    Deliver(Execution, Option<Object>, Way),
    Abandoned(Execution),
    Released(Object),
    Revoked(ImportId),
    Revocation(Object),
    Up(SessionId),
    Down(SessionId, DownReason),
    Transferred(u64, Result<(), TransferEnd>),
    Twin(BootId),
}

/// What the link does to frames of the next kind.
pub type Filter = Box<dyn FnMut(usize, Kind) -> Fate>;

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    Lose,
    /// It arrives so much later.
    Delay(Duration),
}

pub struct Machine {
    pub endpoint: Box<Endpoint<Transparent, Counter, 1, SLOTS, ROWS>>,
    /// What was said and not yet looked at.
    pub said: VecDeque<Said>,
    pub on: bool,
    /// Memory that is lent, or that transfers go from and to: by place.
    pub memory: Vec<Vec<u8>>,
}

pub struct Pair {
    pub now: Instant,
    pub machines: [Machine; 2],
    /// Frames on their way: arrival, receiver, bytes.
    pub wire: Vec<(Instant, usize, Vec<u8>)>,
    /// Every frame that was sent: by whom, kind, bytes.
    pub sent: Vec<(usize, Kind, Vec<u8>)>,
    pub dropped: Vec<(usize, Dropped)>,
    /// What was said to views: to whose, and what.
    pub viewed: Vec<(usize, Vec<u8>)>,
    pub filter: Filter,
    boots: u64,
}

pub fn node(machine: usize) -> NodeId {
    NodeId(machine as u8 + 1)
}

impl Pair {
    pub fn new() -> Self {
        let machine = |seed| Machine {
            endpoint: Box::new(Endpoint::new(Transparent, Counter(seed))),
            said: VecDeque::new(),
            on: false,
            memory: Vec::new(),
        };
        let mut pair = Self {
            now: Instant::from_nanos(1_000_000),
            machines: [machine(1_000), machine(2_000)],
            wire: Vec::new(),
            sent: Vec::new(),
            dropped: Vec::new(),
            viewed: Vec::new(),
            filter: Box::new(|_, _| Fate::Pass),
            boots: 0,
        };
        pair.boot(A);
        pair.boot(B);
        pair
    }

    /// Two machines that have a session.
    pub fn connected() -> Self {
        let mut pair = Self::new();
        pair.call(A, 0, &[]);
        pair.run(Duration::from_millis(2));
        let execution = pair.delivered(B);
        pair.serve(B, execution, &[]);
        pair.run(Duration::from_millis(2));
        assert!(matches!(pair.outcome(A), (0, Ok(_))));
        pair.forget();
        pair
    }

    /// Starts a machine, or starts it again.
    pub fn boot(&mut self, machine: usize) {
        self.boots += 1;
        let config = Config {
            node: node(machine),
            boot: BootId(self.boots),
            cluster: ClusterId(7),
        };
        self.machines[machine]
            .endpoint
            .begin(config, [node(A), node(B)])
            .unwrap();
        self.machines[machine].said.clear();
        self.machines[machine].on = true;
    }

    /// Switches a machine off.
    pub fn kill(&mut self, machine: usize) {
        self.machines[machine].on = false;
    }

    /// Forgets what was sent, dropped and said.
    pub fn forget(&mut self) {
        self.sent.clear();
        self.dropped.clear();
        self.viewed.clear();
        for machine in &mut self.machines {
            machine.said.clear();
        }
    }

    /// Calls the other's bootstrap export.
    pub fn call(&mut self, from: usize, token: u64, words: &[u64]) -> CallId {
        self.try_call(
            from,
            token,
            Target::Bootstrap(node(1 - from)),
            Way::Call,
            None,
            words,
        )
        .unwrap()
    }

    pub fn try_call(
        &mut self,
        from: usize,
        token: u64,
        target: Target,
        way: Way,
        budget: Option<Duration>,
        words: &[u64],
    ) -> Result<CallId, NotExecuted> {
        let call = Call {
            token: Token(token),
            target,
            way,
            budget,
            label: token,
            words,
            capability: None,
        };
        self.machines[from].endpoint.call(self.now, &call)
    }

    /// A calls B's bootstrap export, and gives something along.
    pub fn give(&mut self, token: u64, way: Way, capability: Given) -> Result<CallId, NotExecuted> {
        let call = Call {
            token: Token(token),
            target: Target::Bootstrap(node(B)),
            way,
            budget: None,
            label: token,
            words: &[],
            capability: Some(capability),
        };
        self.machines[A].endpoint.call(self.now, &call)
    }

    pub fn cancel(&mut self, machine: usize, call: CallId) {
        self.machines[machine].endpoint.cancel(self.now, call);
    }

    /// Takes a request: its label and words.
    pub fn start(&mut self, machine: usize, execution: Execution) -> Option<(u64, Vec<u64>)> {
        let request = self.machines[machine]
            .endpoint
            .start(self.now, execution)
            .ok()?;
        Some((request.label, request.words.to_vec()))
    }

    /// Takes a request and answers it.
    pub fn serve(&mut self, machine: usize, execution: Execution, words: &[u64]) {
        let (label, _) = self.start(machine, execution).unwrap();
        self.finish(machine, execution, label, words);
    }

    pub fn finish(&mut self, machine: usize, execution: Execution, label: u64, words: &[u64]) {
        let answer = Answer::Reply {
            label,
            words,
            capability: None,
        };
        self.machines[machine]
            .endpoint
            .finish(self.now, execution, &answer)
            .unwrap();
    }

    /// Lets time pass: frames travel, timers fire, events are heard.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.pump();
            let arrival = self.wire.iter().map(|(at, ..)| *at).min();
            let timers = self.machines.iter_mut().filter(|machine| machine.on);
            let timer = timers
                .filter_map(|machine| machine.endpoint.poll_timeout())
                .min();
            let Some(next) = arrival
                .into_iter()
                .chain(timer)
                .min()
                .filter(|at| *at <= end)
            else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.step();
        }
    }

    /// Everything that is due at this moment, but nothing is heard and sent.
    pub fn step(&mut self) {
        while let Some(index) = self.wire.iter().position(|(at, ..)| *at <= self.now) {
            let (_, to, mut frame) = self.wire.remove(index);
            if self.machines[to].on {
                self.inject(to, &mut frame);
            }
        }
        for machine in self.machines.iter_mut().filter(|machine| machine.on) {
            machine.endpoint.handle_timeout(self.now);
        }
    }

    /// A frame reaches a machine, by the link's word from the other.
    pub fn inject(&mut self, to: usize, frame: &mut [u8]) {
        let result = self.machines[to]
            .endpoint
            .take_frame(self.now, node(1 - to), frame);
        match result {
            Ok(said) => self.viewed.extend(said.map(|said| (to, said.to_vec()))),
            Err(reason) => self.dropped.push((to, reason)),
        }
        let machine = &mut self.machines[to];
        if let Some(arrived) = machine.endpoint.arrived(self.now) {
            let bytes = &frame[arrived.in_frame];
            let start = arrived.offset as usize;
            let memory = &mut machine.memory[arrived.place.0 as usize];
            memory[start..start + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// Events are heard, frames are sent.
    pub fn pump(&mut self) {
        for machine in self.machines.iter_mut().filter(|machine| machine.on) {
            while let Some(event) = machine.endpoint.poll_event() {
                machine.said.push_back(own(event));
            }
        }
        self.transmit();
    }

    /// Frames are sent; nothing is heard.
    pub fn transmit(&mut self) {
        for index in [A, B] {
            if !self.machines[index].on {
                continue;
            }
            let mut buffer = [0; FRAME_LENGTH_MAX];
            while let Some(transmit) = self.machines[index]
                .endpoint
                .poll_transmit(self.now, &mut buffer)
            {
                let frame = buffer[..transmit.length].to_vec();
                self.put(index, frame);
            }
            loop {
                let Machine {
                    endpoint, memory, ..
                } = &mut self.machines[index];
                let fill = |chunk: &Chunk, bytes: &mut [u8]| {
                    let start = chunk.offset as usize;
                    let memory = &memory[chunk.place.0 as usize];
                    bytes.copy_from_slice(&memory[start..start + chunk.length]);
                };
                let Some(transmit) = endpoint.poll_bulk(self.now, &mut buffer, fill) else {
                    break;
                };
                let frame = buffer[..transmit.length].to_vec();
                self.put(index, frame);
            }
        }
    }

    /// A frame leaves.
    fn put(&mut self, from: usize, frame: Vec<u8>) {
        let kind = Packet::new_checked(&frame[..]).unwrap().header().kind;
        self.sent.push((from, kind, frame.clone()));
        let later = match (self.filter)(from, kind) {
            Fate::Pass => LATENCY,
            Fate::Delay(later) => LATENCY + later,
            Fate::Lose => return,
        };
        self.wire.push((self.now + later, 1 - from, frame));
    }

    /// One's view says something to the other's; whether it could be sent.
    pub fn say(&mut self, from: usize, said: &[u8]) -> bool {
        let mut buffer = [0; FRAME_LENGTH_MAX];
        let endpoint = &mut self.machines[from].endpoint;
        let length = endpoint.send_view(self.now, node(1 - from), said, &mut buffer);
        let Some(length) = length else { return false };
        self.put(from, buffer[..length].to_vec());
        true
    }

    /// Loses the next `count` frames of a kind.
    pub fn lose(&mut self, kind: Kind, count: usize) {
        let mut left = count;
        self.filter = Box::new(move |_, sent| {
            if sent == kind && left > 0 {
                left -= 1;
                return Fate::Lose;
            }
            Fate::Pass
        });
    }

    /// Loses everything.
    pub fn cut(&mut self) {
        self.filter = Box::new(|_, _| Fate::Lose);
    }

    pub fn heal(&mut self) {
        self.filter = Box::new(|_, _| Fate::Pass);
    }

    /// The next request that was delivered.
    pub fn delivered(&mut self, machine: usize) -> Execution {
        loop {
            match self.machines[machine]
                .said
                .pop_front()
                .expect("a request is delivered")
            {
                Said::Deliver(execution, ..) => return execution,
                Said::Up(_) => {}
                other => panic!("a request should be delivered, not {other:?}"),
            }
        }
    }

    /// The next outcome.
    pub fn outcome(&mut self, machine: usize) -> (u64, Result<Reply, Outcome>) {
        loop {
            match self.machines[machine]
                .said
                .pop_front()
                .expect("a call has ended")
            {
                Said::Complete(token, result) => return (token, result),
                Said::Up(_) | Said::Down(..) => {}
                other => panic!("a call should end, not {other:?}"),
            }
        }
    }

    /// How often a kind was sent by a machine.
    pub fn count(&self, from: usize, kind: Kind) -> usize {
        self.sent
            .iter()
            .filter(|(by, sent, _)| (*by, *sent) == (from, kind))
            .count()
    }

    /// The last frame of a kind.
    pub fn last(&self, kind: Kind) -> Vec<u8> {
        let found = self.sent.iter().rev().find(|(_, sent, _)| *sent == kind);
        found.expect("such a frame was sent").2.clone()
    }

    /// Nothing is open on either side.
    pub fn assert_empty(&self) {
        for machine in [A, B] {
            let occupancy = self.machines[machine]
                .endpoint
                .occupancy(node(1 - machine))
                .unwrap();
            assert_eq!(occupancy, Default::default(), "machine {machine}");
        }
    }
}

fn own(event: Event<'_>) -> Said {
    match event {
        Event::Complete { token, result } => Said::Complete(
            token.0,
            result.map(|reply| Reply {
                label: reply.label,
                words: reply.words.to_vec(),
                capability: match reply.capability {
                    Some(Received::Import(import)) => Some(import),
                    _ => None,
                },
                home: match reply.capability {
                    Some(Received::Home(object)) => Some(object),
                    _ => None,
                },
            }),
        ),
        Event::Deliver {
            execution,
            object,
            way,
        } => Said::Deliver(execution, object, way),
        Event::Abandoned { execution } => Said::Abandoned(execution),
        Event::Released { object } => Said::Released(object),
        Event::Revoked { import } => Said::Revoked(import),
        Event::RevocationComplete { object } => Said::Revocation(object),
        Event::Asked { object, .. } => panic!("nobody hands {object:?} on"),
        Event::Up { session, .. } => Said::Up(session),
        Event::Down {
            session, reason, ..
        } => Said::Down(session, reason),
        Event::Twin { boot, .. } => Said::Twin(boot),
        Event::Transferred { token, result } => Said::Transferred(token.0, result),
    }
}

/// What a frame says.
pub fn read(frame: &[u8]) -> Message<'_> {
    let kind = Packet::new_checked(frame).unwrap().header().kind;
    let body = &frame[netipc_wire::HEADER_LENGTH..frame.len() - netipc_wire::TAG_LENGTH];
    Message::parse(kind, body).unwrap()
}
