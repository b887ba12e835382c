//! Hand-off between three machines, and revocation of what was handed on: the table of `docs/netipc.md`, step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use netipc_protocol::{
    Answer, Asked, BootId, Call, ClusterId, Config, Endpoint, Event, Execution, ExportId,
    FRAME_LENGTH_MAX, Given, ImportId, Instant, NodeId, NotExecuted, Object, Outcome, Random,
    Received, Target, Token, Transparent, Unknown, Way, limits,
};
use netipc_wire::frame::Packet;
use netipc_wire::{Kind, Nonce};

/// The exporter, the introducer, the receiver.
const X: usize = 0;
const I: usize = 1;
const R: usize = 2;

/// What is asked of a machine's server: to export something, to take what comes, to show what it took, to run.
const EXPORT: u64 = 1;
const TAKE: u64 = 2;
const SHOW: u64 = 3;
const RUN: u64 = 4;

const LATENCY: Duration = Duration::from_micros(250);
const SOON: Duration = Duration::from_millis(20);

struct Counter(u64);

impl Random for Counter {
    fn nonce(&mut self) -> Nonce {
        self.0 += 1;
        Nonce(self.0)
    }
}

/// What a call has come to, and when.
type Ended = (Instant, Result<Option<Received>, Outcome>);

struct Machine {
    endpoint: Box<Endpoint<Transparent, Counter, 2, 8, 8>>,
    on: bool,
    /// It looks at no event for now.
    late: bool,
    /// What it says to who wants to hand on.
    policy: Result<(), NotExecuted>,
    exports: BTreeMap<Object, ExportId>,
    held: Option<ImportId>,
    ran: Vec<Object>,
    ended: BTreeMap<u64, Ended>,
    completed: Vec<Object>,
}

/// An event that owns what it says.
enum Said {
    Complete(u64, Result<Option<Received>, Outcome>),
    Deliver(Execution, Option<Object>),
    Asked(Asked),
    Revoked(ImportId),
    RevocationComplete(Object),
    Other,
}

struct Trio {
    now: Instant,
    machines: Vec<Machine>,
    wire: Vec<(Instant, usize, usize, Vec<u8>)>,
    sent: Vec<(usize, usize, Kind)>,
    lose: Option<Kind>,
    token: u64,
}

fn node(machine: usize) -> NodeId {
    NodeId(machine as u8 + 1)
}

fn machine_of(node: NodeId) -> usize {
    usize::from(node.0) - 1
}

impl Machine {
    fn hear(&mut self, now: Instant) {
        while let Some(said) = self.next() {
            match said {
                Said::Complete(token, result) => {
                    self.ended.insert(token, (now, result));
                }
                Said::Deliver(execution, object) => self.serve(now, execution, object),
                Said::Asked(asked) => {
                    let object = Object(100 + self.exports.len() as u64);
                    let decision = self.policy.map(|()| object);
                    if let Ok(export) = self.endpoint.grant(now, asked, decision) {
                        self.exports.insert(object, export);
                    }
                }
                Said::Revoked(import) => self.endpoint.release(now, import),
                Said::RevocationComplete(object) => self.completed.push(object),
                Said::Other => {}
            }
        }
    }

    fn next(&mut self) -> Option<Said> {
        Some(match self.endpoint.poll_event()? {
            Event::Complete { token, result } => {
                Said::Complete(token.0, result.map(|reply| reply.capability))
            }
            Event::Deliver {
                execution, object, ..
            } => Said::Deliver(execution, object),
            Event::Asked { asked, .. } => Said::Asked(asked),
            Event::Revoked { import } => Said::Revoked(import),
            Event::RevocationComplete { object } => Said::RevocationComplete(object),
            _ => Said::Other,
        })
    }

    fn serve(&mut self, now: Instant, execution: Execution, object: Option<Object>) {
        let Ok(request) = self.endpoint.start(now, execution) else {
            return;
        };
        let (label, came) = (request.label, request.capability);
        let capability = match label {
            EXPORT => {
                let object = Object(100 + self.exports.len() as u64);
                let export = self.endpoint.export(execution.node(), object).unwrap();
                self.exports.insert(object, export);
                Some(Given::Export(export))
            }
            TAKE => {
                self.held = Some(import(came));
                None
            }
            SHOW => self.held.map(Given::Import),
            _ => {
                self.ran.extend(object);
                None
            }
        };
        let answer = Answer::Reply {
            label,
            words: &[],
            capability,
        };
        self.endpoint.finish(now, execution, &answer).unwrap();
    }
}

fn import(came: Option<Received>) -> ImportId {
    match came {
        Some(Received::Import(import)) => import,
        other => panic!("{other:?}"),
    }
}

impl Trio {
    /// Three machines; the introducer has an import of the exporter, and sessions with both others.
    fn new() -> (Self, ImportId) {
        let machines = (0..3).map(|machine| {
            let random = Counter(1000 * (machine as u64 + 1));
            let mut endpoint = Box::new(Endpoint::new(Transparent, random));
            let config = Config {
                node: node(machine),
                boot: BootId(machine as u64 + 1),
                cluster: ClusterId(7),
            };
            endpoint.begin(config, (0..3).map(node)).unwrap();
            Machine {
                endpoint,
                on: true,
                late: false,
                policy: Ok(()),
                exports: BTreeMap::new(),
                held: None,
                ran: Vec::new(),
                ended: BTreeMap::new(),
                completed: Vec::new(),
            }
        });
        let mut trio = Self {
            now: Instant::from_nanos(1_000_000),
            machines: machines.collect(),
            wire: Vec::new(),
            sent: Vec::new(),
            lose: None,
            token: 0,
        };
        trio.ask(I, Target::Bootstrap(node(R)), RUN, None).unwrap();
        let came = trio.ask(I, Target::Bootstrap(node(X)), EXPORT, None);
        trio.sent.clear();
        (trio, import(came.unwrap()))
    }

    fn call(&mut self, from: usize, target: Target, label: u64, capability: Option<Given>) -> u64 {
        self.token += 1;
        let call = Call {
            token: Token(self.token),
            target,
            way: Way::Call,
            budget: None,
            label,
            words: &[],
            capability,
        };
        let machine = &mut self.machines[from];
        if let Err(reason) = machine.endpoint.call(self.now, &call) {
            let ended = (self.now, Err(reason.into()));
            machine.ended.insert(self.token, ended);
        }
        self.token
    }

    /// What a call comes to that is answered soon.
    fn ask(
        &mut self,
        from: usize,
        target: Target,
        label: u64,
        capability: Option<Given>,
    ) -> Result<Option<Received>, Outcome> {
        let token = self.call(from, target, label, capability);
        self.run(SOON);
        self.machines[from].ended[&token].1
    }

    /// The introducer gives the receiver what it has, in a call.
    fn give(&mut self, import: ImportId) -> u64 {
        let target = Target::Bootstrap(node(R));
        self.call(I, target, TAKE, Some(Given::Import(import)))
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.pump();
            let arrivals = self.wire.iter().map(|(at, ..)| *at);
            let next = arrivals.min().into_iter();
            let timers = self.machines.iter_mut().filter(|machine| machine.on);
            let timers = timers.filter_map(|machine| machine.endpoint.poll_timeout());
            let Some(next) = next.chain(timers).min().filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while let Some(index) = self.wire.iter().position(|(at, ..)| *at <= self.now) {
                let (_, from, to, mut frame) = self.wire.remove(index);
                let machine = &mut self.machines[to];
                if machine.on {
                    let _ = machine
                        .endpoint
                        .handle_frame(self.now, node(from), &mut frame);
                }
            }
            for machine in self.machines.iter_mut().filter(|machine| machine.on) {
                machine.endpoint.handle_timeout(self.now);
            }
        }
    }

    fn pump(&mut self) {
        for (index, machine) in self.machines.iter_mut().enumerate() {
            if !machine.on {
                continue;
            }
            if !machine.late {
                machine.hear(self.now);
            }
            let mut buffer = [0; FRAME_LENGTH_MAX];
            while let Some(transmit) = machine.endpoint.poll_transmit(self.now, &mut buffer) {
                let frame = buffer[..transmit.length].to_vec();
                let kind = Packet::new_checked(&frame[..]).unwrap().header().kind;
                let to = machine_of(transmit.to);
                self.sent.push((index, to, kind));
                if self.lose != Some(kind) {
                    self.wire.push((self.now + LATENCY, index, to, frame));
                }
            }
        }
    }

    fn sent(&self, from: usize, to: usize, kind: Kind) -> usize {
        let of = |sent: &&(usize, usize, Kind)| **sent == (from, to, kind);
        self.sent.iter().filter(of).count()
    }

    fn ended(&self, machine: usize, token: u64) -> Ended {
        self.machines[machine].ended[&token]
    }

    /// Exports of the exporter to the receiver, and the receiver's imports.
    fn shared(&self) -> (usize, usize) {
        let of = |machine: usize, other| {
            let endpoint = &self.machines[machine].endpoint;
            endpoint.occupancy(node(other)).unwrap()
        };
        (of(X, R).exports, of(R, X).imports)
    }

    /// The receiver can use what it holds, and it is what was given.
    fn works(&mut self) {
        let held = self.machines[R].held.unwrap();
        assert_eq!(held.node(), node(X));
        let ran = self.machines[X].ran.len();
        let answer = self.ask(R, Target::Import(held), RUN, None);
        assert_eq!((answer, self.machines[X].ran.len()), (Ok(None), ran + 1));
    }
}

#[test]
fn handed_on_in_a_call_it_lives_on_without_the_introducer() {
    let (mut trio, import) = Trio::new();
    let token = trio.give(import);
    // The introducer needs its import no more than until the grant.
    let now = trio.now;
    trio.machines[I].endpoint.release(now, import);
    trio.run(SOON);
    assert_eq!(trio.ended(I, token).1, Ok(None));
    for (from, to, kind) in [
        (X, R, Kind::Offer),
        (R, X, Kind::OfferAck),
        (X, I, Kind::Grant),
        (I, R, Kind::Request),
        (I, X, Kind::Release),
    ] {
        assert_eq!(trio.sent(from, to, kind), 1, "{kind:?}");
    }
    // The exporter had no session with the receiver, so it was asked until there was one.
    assert!((1..=3).contains(&trio.sent(I, X, Kind::GrantAsk)));
    trio.machines[I].on = false;
    trio.run(Duration::from_secs(1));
    trio.works();
}

#[test]
fn handed_on_in_a_reply() {
    let (mut trio, import) = Trio::new();
    trio.machines[I].held = Some(import);
    let came = trio.ask(R, Target::Bootstrap(node(I)), SHOW, None);
    trio.machines[R].held = Some(self::import(came.unwrap()));
    trio.machines[I].on = false;
    trio.works();
}

#[test]
fn who_looks_late_hears_of_an_import_before_it_hears_that_it_is_revoked() {
    // Whichever machine's turn it is to be asked for events: the one after whose were the last.
    for last in [X, I] {
        let (mut trio, import) = Trio::new();
        for machine in [X, I, last] {
            let target = Target::Bootstrap(node(machine));
            trio.ask(R, target, RUN, None).unwrap();
        }
        trio.machines[I].held = Some(import);
        let token = trio.call(R, Target::Bootstrap(node(I)), SHOW, None);
        trio.pump();
        trio.machines[R].late = true;
        trio.run(SOON);
        let parent = trio.machines[X].exports[&Object(100)];
        trio.machines[X].endpoint.revoke(parent);
        trio.run(SOON);
        assert!(trio.sent(X, R, Kind::Revoke) > 0);
        let mut came = None;
        while let Some(said) = trio.machines[R].next() {
            match said {
                Said::Complete(of, result) if of == token => {
                    came = Some(self::import(result.unwrap()))
                }
                Said::Revoked(import) => assert_eq!(came, Some(import), "after machine {last}"),
                _ => {}
            }
        }
        assert!(came.is_some());
    }
}

#[test]
fn each_frame_of_a_hand_off_may_be_lost() {
    for kind in [Kind::GrantAsk, Kind::Offer, Kind::OfferAck, Kind::Grant] {
        let (mut trio, import) = Trio::new();
        trio.lose = Some(kind);
        let token = trio.give(import);
        trio.run(Duration::from_millis(30));
        assert!(!trio.machines[I].ended.contains_key(&token), "{kind:?}");
        trio.lose = None;
        trio.run(Duration::from_millis(100));
        assert_eq!(trio.ended(I, token).1, Ok(None), "{kind:?}");
        assert_eq!(
            trio.shared(),
            (1, 1),
            "{kind:?}: one export, however often it was asked"
        );
        trio.works();
    }
}

#[test]
fn without_the_exporter_nothing_leaves() {
    let (mut trio, import) = Trio::new();
    trio.machines[X].on = false;
    let (start, token) = (trio.now, trio.give(import));
    trio.run(limits::OUTCOME_WITHIN);
    let (at, result) = trio.ended(I, token);
    let unreachable = Outcome::NotExecuted(NotExecuted::PeerUnreachable);
    assert_eq!(result, Err(unreachable));
    assert!(at <= start + limits::GRANT_WITHIN + Duration::from_millis(1));
    assert_eq!(trio.sent(I, R, Kind::Request), 0);
}

#[test]
fn the_exporter_may_refuse() {
    let (mut trio, import) = Trio::new();
    trio.machines[X].policy = Err(NotExecuted::NotPermitted);
    let token = trio.give(import);
    trio.run(SOON);
    let refused = Outcome::NotExecuted(NotExecuted::NotPermitted);
    assert_eq!(trio.ended(I, token).1, Err(refused));
    assert_eq!((trio.sent(X, R, Kind::Offer), trio.shared()), (0, (0, 0)));
    // The import itself is as good as before.
    assert_eq!(trio.ask(I, Target::Import(import), RUN, None), Ok(None));
}

#[test]
fn who_waits_for_a_grant_finds_a_dead_receiver_meanwhile() {
    let (mut trio, import) = Trio::new();
    // The exporter is well and has no word of the receiver, which has died.
    trio.machines[R].on = false;
    let (start, token) = (trio.now, trio.give(import));
    // A call behind it to the same target, which names nothing.
    let behind = trio.call(I, Target::Bootstrap(node(R)), RUN, None);
    trio.run(limits::OUTCOME_WITHIN);
    for token in [token, behind] {
        let (at, result) = trio.ended(I, token);
        assert!(
            matches!(
                result,
                Err(Outcome::NotExecuted(_) | Outcome::Unknown(Unknown::PeerLost))
            ),
            "{result:?}"
        );
        assert!(at <= start + limits::OUTCOME_WITHIN);
    }
}

#[test]
fn what_is_offered_and_never_named_is_given_back() {
    let (mut trio, import) = Trio::new();
    trio.lose = Some(Kind::Request);
    let token = trio.give(import);
    trio.run(SOON);
    assert_eq!(trio.shared(), (1, 1));
    trio.machines[I].on = false;
    trio.lose = None;
    trio.run(limits::OFFER_LIFE + Duration::from_secs(1));
    assert_eq!(trio.shared(), (0, 0));
    assert!(!trio.machines[I].ended.contains_key(&token));
}

#[test]
fn a_subtree_goes_with_what_it_was_handed_on_from() {
    let (mut trio, import) = Trio::new();
    let token = trio.give(import);
    trio.run(SOON);
    assert_eq!(trio.ended(I, token).1, Ok(None));
    trio.works();
    let parent = trio.machines[X].exports[&Object(100)];
    trio.machines[X].endpoint.revoke(parent);
    let held = trio.machines[R].held.unwrap();
    let ran = trio.machines[X].ran.len();
    let revoked = Err(Outcome::NotExecuted(NotExecuted::Revoked));
    // At once, before anybody has been told; and afterwards.
    assert_eq!(trio.ask(R, Target::Import(held), RUN, None), revoked);
    for (machine, import) in [(I, import), (R, held)] {
        let result = trio.ask(machine, Target::Import(import), RUN, None);
        assert!(matches!(result, Err(Outcome::NotExecuted(_))), "{result:?}");
    }
    assert_eq!(trio.machines[X].ran.len(), ran);
    trio.machines[X].completed.sort();
    assert_eq!(trio.machines[X].completed, [Object(100), Object(101)]);
    assert_eq!(trio.shared(), (0, 0));
}

#[test]
fn a_child_outlives_its_parents_release_and_is_still_reached_from_above() {
    let (mut trio, import) = Trio::new();
    trio.give(import);
    trio.run(SOON);
    let now = trio.now;
    trio.machines[I].endpoint.release(now, import);
    trio.run(SOON);
    trio.works();
    // Of the first export nothing is left, so its revocation changes nothing.
    let parent = trio.machines[X].exports[&Object(100)];
    trio.machines[X].endpoint.revoke(parent);
    trio.works();
    let child = trio.machines[X].exports[&Object(101)];
    trio.machines[X].endpoint.revoke(child);
    let held = trio.machines[R].held.unwrap();
    let revoked = Err(Outcome::NotExecuted(NotExecuted::Revoked));
    assert_eq!(trio.ask(R, Target::Import(held), RUN, None), revoked);
}
