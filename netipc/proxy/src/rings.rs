//! Calls that come through rings: from the submission to the completion. The states are in `docs/async.md`; what is remembered of a call is
//! `netipc_proxy_logic::desk`'s.

extern crate alloc;

use alloc::vec::Vec;

use heapless::Vec as Few;
use isthmus_abi::label::{Kind, Way as LabelWay};
use isthmus_abi::limits::MESSAGE_WORDS;
use isthmus_abi::runs;
use isthmus_abi::startup::{Missing, RegionKind};
use isthmus_abi::{ComponentId, EventBit, Label, NotExecuted, Outcome, Slot, Startup, Unknown};
use isthmus_runtime::interface::{Anything, Cap};
use isthmus_runtime::sel4::cap;
use isthmus_runtime::{grants, say, slots};
use netipc_interface::NetipcError;
use netipc_interface::ring::{CALLS, ProxyEnd, Submission, TARGETS, Taken};
use netipc_protocol::{Call, CallId, Instant, NodeId, Object, Reply, Token, Way, limits};
use netipc_proxy_logic::desk::{Desk, Entry};
use netipc_proxy_logic::mailbox::{Head, Job as Errand};
use netipc_proxy_logic::work::Request;
use netipc_proxy_logic::{Caller, Judgement};
use network_interface::channel;
use shared_memory::{Wait, Wake};

use crate::callee::{Job, hand_over};
use crate::link::More;
use crate::proxy::Proxy;

/// Components that may share a ring with the proxy.
pub const RINGS: usize = 4;
/// Submissions of one ring that are taken in one turn.
const SUBMISSIONS: usize = 32;
/// Of the protocol's slots at a machine so many are left to plain callers.
const PLAIN_SLOTS: usize = 8;
/// While there are plain callers of a machine, all rings together have so many calls out there: enough to keep a prompt server busy.
const BESIDE_PLAIN: usize = 3;
/// A plain caller counts for so long after its last call.
const GIVE_WAY: core::time::Duration = core::time::Duration::from_millis(10);
/// Ring calls in the queue of requests belong to no machine.
const NOBODY: NodeId = NodeId(0);

/// Who carries a started call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Protocol(CallId),
    Worker(usize),
}

/// What a client has registered.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// An import, by its badge.
    Import(Caller),
    /// A capability of this machine.
    Local(Slot),
}

/// A ring's call, as the protocol and the workers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingCall {
    ring: u8,
    place: u16,
    /// The machine that is called; nobody for this one.
    node: NodeId,
}

/// A client's ring.
struct Ring {
    component: ComponentId,
    end: ProxyEnd<'static>,
    client: cap::Notification,
    event: EventBit,
    desk: Desk<'static, Carrier>,
    targets: [Option<Target>; TARGETS],
}

/// All of them.
pub struct Rings {
    rings: Few<Ring, RINGS>,
    /// Calls of rings that are open at each machine.
    open: [usize; limits::PEERS + 2],
    /// Until when rings give way to plain callers of each machine.
    give_way: [Instant; limits::PEERS + 2],
    /// Until when a call has to wait that would have had a slot.
    held_back: Option<Instant>,
    /// Whether something may be started that could not be before.
    feed: bool,
}

/// Whether a call could be handed to a carrier.
enum Start {
    Carried(Carrier),
    /// A one-way message: nothing more will be heard of it.
    Sent,
    /// Nobody can carry it for now.
    Blocked,
    Refused(NotExecuted),
}

impl Rings {
    /// A ring for each channel but the network server's and the scheduler's.
    pub fn open(startup: &'static Startup) -> Result<Self, Missing<'static>> {
        let mut rings = Few::new();
        let channels = startup
            .regions
            .iter()
            .filter(|region| region.kind == RegionKind::Channel)
            .filter(|region| region.name != channel::NAME && region.name != runs::CHANNEL);
        for region in channels {
            let name: &'static str = region.name.as_str();
            let signal = startup.signals.iter().find(|signal| signal.about == name);
            let Some(component) = signal.map(|signal| signal.id) else {
                continue;
            };
            let end = match ProxyEnd::attach(grants::shared_memory(name)?) {
                Ok(end) => end,
                Err(error) => {
                    say!("netipc: `{name}`: {error}");
                    continue;
                }
            };
            let entries: Vec<Entry<Carrier>> = (0..CALLS).map(|_| Entry::new()).collect();
            let pushed = rings.push(Ring {
                component,
                end,
                client: grants::channel_signal(name)?,
                event: startup.channel_event(name)?,
                desk: Desk::new(entries.leak()),
                targets: [None; TARGETS],
            });
            if pushed.is_err() {
                say!("netipc: `{name}`: at most {RINGS} components can have a ring");
            }
        }
        Ok(Self {
            rings,
            open: [0; limits::PEERS + 2],
            give_way: [Instant::from_nanos(0); limits::PEERS + 2],
            held_back: None,
            feed: false,
        })
    }

    /// Whether no call of theirs is open at another machine.
    pub fn call_nobody(&self) -> bool {
        self.open.iter().all(|open| *open == 0)
    }

    /// Whether an event is a ring's.
    pub fn is_event(&self, event: EventBit) -> bool {
        self.rings.iter().any(|ring| ring.event == event)
    }

    /// When to look for calls whose time is over.
    pub fn earliest(&self) -> Option<Instant> {
        let deadlines = self.rings.iter().filter_map(|ring| ring.desk.earliest());
        deadlines.chain(self.held_back).min()
    }

    /// A plain caller has called a machine: for a while rings have few calls out there, behind which the next one would have to queue.
    pub fn give_way(&mut self, node: NodeId, now: Instant) {
        if let Some(until) = self.give_way.get_mut(usize::from(node.0)) {
            *until = now + GIVE_WAY;
        }
    }

    /// Whether all rings together may have one call more out at a machine.
    fn may_call(&mut self, node: NodeId, now: Instant) -> bool {
        let number = usize::from(node.0);
        let Some((open, until)) = self.open.get(number).zip(self.give_way.get(number)) else {
            return false;
        };
        if now < *until && *open >= BESIDE_PLAIN {
            self.held_back = Some(*until);
            return false;
        }
        *open < limits::SLOTS - PLAIN_SLOTS
    }

    fn of(&mut self, component: ComponentId) -> Result<(usize, &mut Ring), NetipcError> {
        let mut rings = self.rings.iter_mut().enumerate();
        rings
            .find(|(_, ring)| ring.component == component)
            .ok_or(NetipcError::NoRing)
    }

    /// What became of a call that the protocol carried. Gives back whether its capability is of no use.
    pub fn complete(&mut self, call: RingCall, result: Result<Reply<'_>, Outcome>) {
        self.feed = true;
        if let Some(open) = self.open.get_mut(usize::from(call.node.0)) {
            *open = open.saturating_sub(1);
        }
        let Some(ring) = self.rings.get_mut(usize::from(call.ring)) else {
            return;
        };
        let place = usize::from(call.place);
        match result {
            // A ring carries none, and methods that give one do not compile.
            Ok(reply) if reply.capability.is_some() => {
                ring.desk.end(place, Unknown::ReplyLost.into());
            }
            Ok(reply) => ring.desk.finish(place, reply.label, reply.words),
            Err(outcome) => ring.desk.end(place, outcome),
        }
    }

    /// What became of a call that a worker made.
    pub fn answered(&mut self, call: RingCall, head: &Head, words: &[u64]) {
        self.feed = true;
        let Some(ring) = self.rings.get_mut(usize::from(call.ring)) else {
            return;
        };
        let place = usize::from(call.place);
        let label = Label::from_bits(head.label);
        match Judgement::of(label, words.first().copied().unwrap_or(0)) {
            Judgement::Reply if head.capability.is_some() => {
                ring.desk.end(place, Unknown::ReplyLost.into());
            }
            Judgement::Reply => ring.desk.finish(place, head.label, words),
            Judgement::NotExecuted(reason) => ring.desk.end(place, reason.into()),
            Judgement::Unknown(reason) => ring.desk.end(place, reason.into()),
        }
    }

    /// A worker has delivered a one-way message.
    pub fn delivered(&mut self, call: RingCall) {
        self.feed = true;
        if let Some(ring) = self.rings.get_mut(usize::from(call.ring)) {
            ring.desk
                .finish(usize::from(call.place), Label::REPLY.bits(), &[]);
        }
    }

    /// The worker of a call was stopped.
    pub fn stopped(&mut self, call: RingCall) {
        self.feed = true;
        if let Some(ring) = self.rings.get_mut(usize::from(call.ring)) {
            ring.desk
                .end(usize::from(call.place), Unknown::Aborted.into());
        }
    }

    /// Puts completions into the rings and wakes who waits for them.
    pub fn flush(&mut self) {
        for ring in &mut self.rings {
            let end = &mut ring.end;
            while ring
                .desk
                .flush(|token, label, words| end.complete(token, label, words))
                .is_err()
            {
                if end.prepare_to_wait_for_room() == Wait::Sleep {
                    break;
                }
            }
            if ring.end.take_wake() == Wake::Needed {
                ring.client.signal();
            }
        }
    }

    /// The second look before sleeping.
    pub fn prepare_to_wait(&mut self) -> Wait {
        for ring in &mut self.rings {
            if ring.end.prepare_to_wait() == Wait::Ready {
                return Wait::Ready;
            }
        }
        Wait::Sleep
    }
}

impl RingCall {
    /// Set in the protocol's token of a ring's call; other tokens are rows of the table of calls.
    const TOKEN: u64 = 1 << 63;
    const NODE_SHIFT: u32 = 32;
    const RING_SHIFT: u32 = 16;

    fn token(self) -> Token {
        Token(
            Self::TOKEN
                | u64::from(self.node.0) << Self::NODE_SHIFT
                | u64::from(self.ring) << Self::RING_SHIFT
                | u64::from(self.place),
        )
    }

    /// The ring's call with this token, if it is one's.
    pub const fn of(token: Token) -> Option<Self> {
        if token.0 & Self::TOKEN == 0 {
            return None;
        }
        Some(Self {
            ring: (token.0 >> Self::RING_SHIFT) as u8,
            place: token.0 as u16,
            node: NodeId((token.0 >> Self::NODE_SHIFT) as u8),
        })
    }
}

impl Proxy {
    /// A client has started.
    pub(crate) fn open_ring(&mut self, client: ComponentId) -> Result<(), NetipcError> {
        let (_, ring) = self.rings.of(client)?;
        ring.end.discard();
        let mut started = Few::<Carrier, CALLS>::new();
        ring.desk.forget(|carrier| {
            // There is one for each place at most.
            let _ = started.push(carrier);
        });
        for target in core::mem::take(&mut ring.targets).into_iter().flatten() {
            // A worker that is at it is stopped below, before anything else can be in the slot.
            if let Target::Local(slot) = target {
                slots::free(slot);
            }
        }
        let now = self.now();
        for carrier in started {
            match carrier {
                Carrier::Protocol(call) => self.protocol.cancel(now, call),
                Carrier::Worker(number) => self.abort(number),
            }
        }
        Ok(())
    }

    /// A client wants to submit calls through a capability, which is still where it has arrived.
    pub(crate) fn register_target(
        &mut self,
        client: ComponentId,
        capability: &Cap<Anything>,
    ) -> Result<u16, NetipcError> {
        let (_, ring) = self.rings.of(client)?;
        let free = ring.targets.iter().position(Option::is_none);
        let number = free.ok_or(NetipcError::TooMany)?;
        let target = match capability.own_badge().map(Caller::from_badge) {
            Some(Caller::Local(_)) => return Err(NetipcError::NotCallable),
            Some(import) => Target::Import(import),
            None => Target::Local(slots::take_received().map_err(|_| NetipcError::TooMany)?),
        };
        ring.targets[number] = Some(target);
        Ok(number as u16)
    }

    /// A client needs a capability no more.
    pub(crate) fn forget_target(
        &mut self,
        client: ComponentId,
        number: u16,
    ) -> Result<(), NetipcError> {
        let (_, ring) = self.rings.of(client)?;
        let place = ring.targets.get_mut(usize::from(number));
        let place = place.ok_or(NetipcError::NotRegistered)?;
        if ring.desk.is_used(number) {
            return Err(NetipcError::Busy);
        }
        match place.take().ok_or(NetipcError::NotRegistered)? {
            Target::Local(slot) => slots::free(slot),
            Target::Import(_) => {}
        }
        Ok(())
    }

    /// Takes what clients have submitted.
    pub(crate) fn take_submissions(&mut self, now: Instant) -> More {
        let mut more = More::No;
        for ring in &mut self.rings.rings {
            for count in 0..=SUBMISSIONS {
                if count == SUBMISSIONS {
                    more = More::Perhaps;
                    break;
                }
                let Some(taken) = ring.end.receive() else {
                    break;
                };
                self.rings.feed = true;
                self.statistics.submissions += 1;
                match taken {
                    Taken::Record(submission) => {
                        let deadline = match submission.deadline {
                            0 => now + limits::BUDGET_DEFAULT,
                            ticks => self.clock.instant(ticks),
                        };
                        take(ring, &submission, deadline);
                    }
                    Taken::Malformed(token) => refuse(ring, token, NotExecuted::BadArguments),
                    Taken::Rubbish => self.statistics.rubbish += 1,
                }
            }
        }
        more
    }

    /// Starts what can be started.
    pub(crate) fn feed_rings(&mut self, now: Instant) {
        if !core::mem::take(&mut self.rings.feed) {
            return;
        }
        for number in 0..self.rings.rings.len() {
            let mut blocked = 0;
            let mut buffer = [0; MESSAGE_WORDS];
            while let Some(waiting) = self.rings.rings[number].desk.next(blocked) {
                let length = waiting.words.len();
                buffer[..length].copy_from_slice(waiting.words);
                let (place, target) = (waiting.place, waiting.target);
                let (label, deadline) = (Label::from_bits(waiting.label), waiting.deadline);
                let call = RingCall {
                    ring: number as u8,
                    place: place as u16,
                    node: NOBODY,
                };
                let known = usize::from(target);
                let known = self.rings.rings[number].targets.get(known).copied();
                let start = match known.flatten() {
                    _ if label.kind() != Kind::Method => Start::Refused(NotExecuted::UnknownMethod),
                    None => Start::Refused(NotExecuted::NoSuchObject),
                    Some(Target::Import(import)) => {
                        let budget = deadline.map(|deadline| now.until(deadline));
                        self.start_remote(now, call, import, label, &buffer[..length], budget)
                    }
                    Some(Target::Local(slot)) => {
                        self.start_local(now, call, target, slot, label, &buffer[..length])
                    }
                };
                let desk = &mut self.rings.rings[number].desk;
                match start {
                    Start::Carried(carrier @ Carrier::Worker(_)) => {
                        desk.start(place, carrier, deadline);
                    }
                    // The protocol looks at the clock itself.
                    Start::Carried(carrier) => desk.start(place, carrier, None),
                    Start::Sent => desk.finish(place, Label::REPLY.bits(), &[]),
                    Start::Blocked => blocked |= 1 << target,
                    Start::Refused(reason) => desk.end(place, reason.into()),
                }
            }
        }
    }

    fn start_remote(
        &mut self,
        now: Instant,
        call: RingCall,
        import: Caller,
        label: Label,
        words: &[u64],
        budget: Option<core::time::Duration>,
    ) -> Start {
        let target = match self.target(import, label) {
            Ok(target) => target,
            Err(reason) => return Start::Refused(reason),
        };
        let node = target.node();
        if !self.rings.may_call(node, now) {
            return Start::Blocked;
        }
        let way = match label.way() {
            LabelWay::Call => Way::Call,
            LabelWay::OneWay => Way::OneWay,
        };
        let call = Call {
            token: RingCall { node, ..call }.token(),
            target,
            way,
            budget,
            label: label.bits(),
            words,
            capability: None,
        };
        match (self.protocol.call(now, &call), way) {
            (Ok(id), Way::Call) => {
                self.statistics.calls += 1;
                self.rings.open[usize::from(node.0)] += 1;
                Start::Carried(Carrier::Protocol(id))
            }
            (Ok(_), Way::OneWay) => {
                self.statistics.messages += 1;
                Start::Sent
            }
            // Its time is not over: a slot will be free before.
            (Err(NotExecuted::Overload), _) => Start::Blocked,
            (Err(reason), _) => Start::Refused(reason),
        }
    }

    fn start_local(
        &mut self,
        now: Instant,
        call: RingCall,
        target: u16,
        slot: Slot,
        label: Label,
        words: &[u64],
    ) -> Start {
        let work = &self.tables.work;
        let ours = (0..work.count()).filter(|&worker| work.is_of(worker, NOBODY));
        let at_it = self.rings.rings[usize::from(call.ring)]
            .desk
            .started_at(target);
        let Some(worker) = work.vacant().filter(|_| ours.count() < work.share()) else {
            return Start::Blocked;
        };
        if at_it >= (work.share() / 2).max(1) {
            return Start::Blocked;
        }
        let way = match label.way() {
            LabelWay::Call => Way::Call,
            LabelWay::OneWay => Way::OneWay,
        };
        let errand = Errand {
            target: slot,
            way,
            head: Head {
                label: label.bits(),
                length: words.len(),
                capability: None,
            },
        };
        // No export has such a number: they are small.
        let object = Object(u64::MAX - (u64::from(call.ring) << 16 | u64::from(target)));
        hand_over(
            &self.tables.work,
            &self.workers,
            worker,
            Some(object),
            &errand,
            words,
        );
        self.tables.work.start(
            worker,
            Request {
                carries: None,
                execution: Job::Ring(call),
                node: NOBODY,
                slot: call.place,
                object: Some(object),
                way,
            },
            now,
        );
        Start::Carried(Carrier::Worker(worker))
    }

    /// Ends the calls whose time is over.
    pub(crate) fn expire_rings(&mut self, now: Instant) {
        if self
            .rings
            .held_back
            .take_if(|until| *until <= now)
            .is_some()
        {
            self.rings.feed = true;
        }
        let mut stopped = Few::<usize, { crate::worker::WORKERS }>::new();
        for ring in &mut self.rings.rings {
            ring.desk.expire(now, |carrier| {
                if let Carrier::Worker(number) = carrier {
                    // Each worker has one call.
                    let _ = stopped.push(number);
                }
                Unknown::DeadlinePassed.into()
            });
        }
        for number in stopped {
            self.abort(number);
        }
    }
}

fn take(ring: &mut Ring, submission: &Submission, deadline: Instant) {
    let taken = u16::try_from(submission.target)
        .ok()
        .filter(|target| usize::from(*target) < TARGETS)
        .ok_or(NotExecuted::NoSuchObject)
        .and_then(|target| {
            ring.desk.submit(
                submission.token,
                target,
                Some(deadline),
                submission.label,
                &submission.words,
            )
        });
    if let Err(reason) = taken {
        refuse(ring, submission.token, reason);
    }
}

/// Tells at once. If the client does not even leave room for that, it has asked for too much to be told so.
fn refuse(ring: &mut Ring, token: u64, reason: NotExecuted) {
    let (label, word) = Outcome::NotExecuted(reason).encode();
    let _ = ring.end.complete(token, label.bits(), &[word]);
}
