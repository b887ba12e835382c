//! The main thread: one receive, and what is done in each turn.

use core::time::Duration;

use isthmus_abi::limits::COMPONENTS;
use isthmus_abi::memory;
use isthmus_abi::runs::Run;
use isthmus_abi::{ComponentId, EventBit, Events, Slot, startup};
use isthmus_runtime::calls::Kernel;
use isthmus_runtime::linger::Linger;
use isthmus_runtime::{Arrival, Incoming, Service, Startup, Thread, heap, say, thread, time};
use netipc_crypto::{Heard, Protection, Refused, is_about_keys};
use netipc_interface::Statistics;
use netipc_protocol::bulk::carries_chunk;
use netipc_protocol::{
    Cipher, Config, Dropped, Endpoint, Event, ImportId, Instant, NodeId, limits,
};
use netipc_proxy_logic::imports::Owner;
use netipc_proxy_logic::limits::{BACKLOG, SLICE_CHUNKS};
use netipc_proxy_logic::{
    Alarm, Backlog, Caller, Clock, Exports, Imports, Nonces, Patience, Policy, Revocations, Share,
    Table, Work,
};
use shared_memory::Wait;
use static_cell::ConstStaticCell;
use timer_interface::TimerClient;

use crate::Unfit;
use crate::bulk::Bulk;
use crate::callee::Job;
use crate::caller::{Open, import_of};
use crate::capability::{self, Capabilities};
use crate::homes::Viewed;
use crate::identity::{self, Identity};
use crate::link::{Link, More, Voices};
use crate::rings::{RingCall, Rings};
use crate::runs::Runs;
use crate::worker::{self, WORKERS};

/// The interface behind the bootstrap export.
const NAMING: &str = "naming";
/// Calls that may be open: at every peer as many as there are slots.
const CALLS: usize = limits::PEERS * limits::SLOTS;
/// Bootstrap imports: one for each component, of each peer.
const BOOTSTRAPS: usize = limits::PEERS * COMPONENTS;
/// Frames that are taken in one turn: clients' messages wait no longer than these take.
const FRAMES: usize = 32;
/// Between two looks for clients that have died.
const SWEEP: Duration = Duration::from_millis(500);

/// The protocol, as this proxy runs it.
pub type Protocol = Endpoint<Protection, Nonces>;

/// What the proxy remembers beside the protocol.
pub struct Tables {
    /// Local callers that wait.
    pub calls: Table<Open, CALLS>,
    /// Capabilities of peers.
    pub imports: Imports<ImportId, Capabilities>,
    /// Capabilities that peers have.
    pub exports: Exports<Slot>,
    /// Of these, those that were revoked and may still be somewhere.
    pub revocations: Revocations,
    /// Requests of peers, and the workers.
    pub work: Work<Job, WORKERS>,
    /// The bootstrap imports, for each peer and each component that has asked for one.
    pub bootstraps: heapless::Vec<(NodeId, ComponentId, Capabilities), BOOTSTRAPS>,
}

// Too large for the stack, and nothing may come from the heap.
static PROTOCOL: ConstStaticCell<Protocol> =
    ConstStaticCell::new(Endpoint::new(Protection::Silent, Nonces::new()));
static TABLES: ConstStaticCell<Tables> = ConstStaticCell::new(Tables {
    calls: Table::new(),
    imports: Imports::new(),
    exports: Exports::new(),
    revocations: Revocations::new(),
    work: Work::new(),
    bootstraps: heapless::Vec::new(),
});

static CHUNKS: ConstStaticCell<Backlog<BACKLOG>> = ConstStaticCell::new(Backlog::new());

/// The proxy.
pub struct Proxy {
    pub(crate) protocol: &'static mut Protocol,
    pub(crate) tables: &'static mut Tables,
    pub(crate) link: Link,
    /// Clients that have many calls out at once.
    pub(crate) rings: Rings,
    /// Memory that is lent, and what is moved from it and into it.
    pub(crate) bulk: Bulk,
    /// Chunks that have come.
    pub(crate) backlog: &'static mut Backlog<BACKLOG>,
    /// When there is time for both.
    pub(crate) share: Share,
    pub(crate) service: Service,
    pub(crate) workers: heapless::Vec<Thread, WORKERS>,
    /// The other machines.
    pub(crate) peers: heapless::Vec<NodeId, { limits::PEERS }>,
    /// What peers call when they call the bootstrap export.
    pub(crate) naming: Option<startup::Endpoint>,
    /// Where the scheduler tells who has ended.
    pub(crate) runs: Option<Runs>,
    /// What may go to which of them.
    pub(crate) policy: Policy,
    pub(crate) statistics: Statistics,
    /// The view of the cluster; `None`: nobody votes.
    pub(crate) viewed: Option<Viewed>,
    pub(crate) clock: Clock,
    alarm: Alarm,
    patience: Patience,
    /// Keeps the processor awake; `None`: the description gives no thread for it.
    pub(crate) linger: Option<Linger>,
    timer: Slot,
    timer_event: EventBit,
    /// When to look for clients that have died; `None`: no call is open.
    sweep_at: Option<Instant>,
}

/// Why a turn is taken: what it has to look at. Whatever is not looked at now either wakes the main thread by itself, or is seen
/// by the second look before sleeping. Code that is not run costs nothing after a change of address space.
#[derive(Clone, Copy)]
struct Cause {
    frames: Look,
    answers: Look,
    rings: Look,
    time: Look,
}

/// Whether to look at something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Yes.
    Now,
    /// There is nothing, or it comes by itself.
    No,
}

impl Cause {
    /// A message that was handled already.
    const NOTHING: Self = Self {
        frames: Look::No,
        answers: Look::No,
        rings: Look::No,
        time: Look::No,
    };
    /// Submissions in a client's ring.
    const RINGS: Self = Self {
        rings: Look::Now,
        ..Self::NOTHING
    };
    /// Frames in the ring.
    const FRAMES: Self = Self {
        frames: Look::Now,
        ..Self::NOTHING
    };
    /// A deadline that has passed.
    const TIME: Self = Self {
        time: Look::Now,
        ..Self::NOTHING
    };
}

/// How the next turn begins.
#[derive(Clone, Copy)]
enum Next {
    /// With what comes.
    Wait,
    /// At once, for there is more to do.
    Go(Cause),
}

impl Proxy {
    /// Takes what the description grants, and becomes this machine.
    pub fn new(startup: &'static Startup) -> Result<Self, Unfit> {
        let protocol = PROTOCOL.take();
        let tables = TABLES.take();
        let service = Service::get().ok_or(Unfit::NoService)?;
        let here = NodeId(startup.machine.node);
        let identity = Identity::of(startup);
        let nodes = (1..=identity.nodes)
            .map(NodeId)
            .filter(|node| *node != here);
        let random = protocol.random_mut();
        random.seed(startup.machine.seed.0);
        let config = Config {
            node: here,
            boot: random.boot_id(),
            cluster: identity.cluster,
        };
        let clock = Clock::new(startup.machine.counter_hz);
        let now = clock.instant(time::now().ticks());
        let viewed = Viewed::open(startup, identity.voters, &config, random, now);
        *protocol.cipher_mut() = identity.protection;
        if protocol.begin(config, nodes.clone()).is_err() {
            say!(
                "netipc: of {} other machines only the first {} can be reached",
                startup.machine.nodes - 1,
                limits::PEERS
            );
        }
        tables.imports.begin(nodes.clone());
        let mut proxy = Self {
            protocol,
            tables,
            link: Link::open(startup)?,
            rings: Rings::open(startup)?,
            bulk: Bulk::NEW,
            backlog: CHUNKS.take(),
            share: Share::new(),
            service,
            workers: heapless::Vec::new(),
            peers: nodes.take(limits::PEERS).collect(),
            naming: startup
                .endpoints
                .iter()
                .find(|e| e.interface == NAMING)
                .cloned(),
            runs: Runs::open(startup),
            policy: Policy::new(startup.policy.as_deref()),
            statistics: Statistics::default(),
            viewed,
            clock,
            alarm: Alarm::new(),
            patience: Patience::new(),
            linger: None,
            timer: startup.endpoint(TimerClient::<Kernel>::INTERFACE)?,
            timer_event: startup.event("timer")?,
            sweep_at: None,
        };
        proxy.start_workers(startup)?;
        if let Some(port) = proxy.link.port() {
            port.started();
        }
        defmt::info!(
            "netipc: node {=u8} is ready, boot {=u64:016x}, {=usize} workers",
            here.0,
            config.boot.0,
            proxy.workers.len()
        );
        Ok(proxy)
    }

    fn start_workers(&mut self, startup: &'static Startup) -> Result<(), Unfit> {
        let ingress = capability::ingress(Caller::Worker.badge()).map_err(|_| Unfit::NoSlots)?;
        worker::open(ingress);
        // The last thread lingers, if a worker is left beside it.
        let workers = match thread::count() {
            0 | 1 => thread::count(),
            last => {
                let thread = Thread::get(last).map_err(|_| Unfit::NoWorker)?;
                self.linger = Some(Linger::start(thread).map_err(|_| Unfit::NoWorker)?);
                last - 1
            }
        };
        // Before it one maps, where there is a memory server to do it.
        let workers = match startup.endpoint(memory::INTERFACE) {
            Ok(_) if workers >= 2 => {
                let thread = Thread::get(workers).map_err(|_| Unfit::NoWorker)?;
                self.bulk.open(thread).map_err(|_| Unfit::NoWorker)?;
                workers - 1
            }
            _ => workers,
        };
        for number in 0..workers.min(WORKERS) {
            // Thread 0 is this one.
            let thread = Thread::get(number + 1).map_err(|_| Unfit::NoWorker)?;
            self.workers.push(thread).map_err(|_| Unfit::NoWorker)?;
            self.start_worker(number).map_err(|_| Unfit::NoWorker)?;
        }
        self.tables.work.begin(self.workers.len());
        Ok(())
    }

    /// For ever.
    pub fn run(&mut self) -> ! {
        let mut next = Next::Go(Cause::FRAMES);
        loop {
            let (arrival, cause) = match next {
                Next::Wait => (Some(self.service.receive()), Cause::NOTHING),
                Next::Go(cause) => (self.service.poll(), cause),
            };
            let cause = match arrival {
                Some(Arrival::Message(message)) => {
                    self.message(&message);
                    cause
                }
                Some(Arrival::Events(events)) => self.cause_of(events, cause),
                None => cause,
            };
            next = self.turn(cause);
        }
    }

    /// The component as it runs now.
    pub(crate) fn owner(&self, component: ComponentId) -> Owner {
        let runs = self.runs.as_ref();
        Owner {
            component,
            run: runs.map_or(Run::UNTOLD, |runs| runs.of(component)),
        }
    }

    /// Components have ended: what was imported for them is given up, and every copy of it with it.
    fn release_orphans(&mut self) {
        let now = self.now();
        let Some(runs) = &self.runs else { return };
        let (protocol, statistics) = (&mut self.protocol, &mut self.statistics);
        self.tables.imports.release_orphans(
            |component| runs.of(component),
            |import, capabilities| {
                if let Some(capabilities) = capabilities {
                    capabilities.revoke();
                }
                protocol.release(now, import);
                statistics.orphaned += 1;
            },
        );
        self.end_orphaned_loans(now);
    }

    /// What events ask to be looked at, beside what is looked at in any case.
    fn cause_of(&mut self, events: Events, mut cause: Cause) -> Cause {
        self.link.acknowledge(events);
        for event in events.iter() {
            if event == self.timer_event {
                self.alarm.fired();
                cause.time = Look::Now;
            } else if event == self.link.event() {
                cause.frames = Look::Now;
            } else if self.rings.is_event(event) {
                cause.rings = Look::Now;
            } else if self.linger.is_some_and(|linger| linger.event() == event) {
                self.share.idle();
            } else if self.runs.as_ref().is_some_and(|runs| runs.event == event) {
                self.release_orphans();
            } else {
                // Every other is a worker's.
                cause.answers = Look::Now;
            }
        }
        cause
    }

    /// The time.
    pub(crate) fn now(&self) -> Instant {
        self.clock.instant(time::now().ticks())
    }

    fn message(&mut self, message: &Incoming) {
        match Caller::from_badge(message.badge_bits) {
            Caller::Local(_) => self.answer_own(message),
            Caller::Worker => self.shown(message),
            Caller::Loan(_) | Caller::Borrowed(_) => {
                self.answer_loan(Caller::from_badge(message.badge_bits), message);
            }
            caller => self.carry(caller, message),
        }
    }

    /// Does what there is to do, without waiting for anything.
    fn turn(&mut self, cause: Cause) -> Next {
        self.statistics.turns += 1;
        let now = self.now();
        let more = match cause.frames {
            Look::Now => self.take_frames(now),
            Look::No => More::No,
        };
        if cause.answers == Look::Now {
            self.take_answers();
            self.take_mapped();
        }
        if cause.time == Look::Now {
            self.pass_time(now);
        }
        let submissions = match cause.rings {
            Look::Now => self.take_submissions(now),
            Look::No => More::No,
        };
        let chunks = match self.share.take(now) {
            true => {
                self.take_slice(now);
                SLICE_CHUNKS
            }
            false => 0,
        };
        self.handle_events(now);
        if let Some(viewed) = &mut self.viewed {
            viewed.attend(now);
        }
        identity::tell(self.protocol.cipher_mut());
        self.start_work(now);
        self.feed_rings(now);
        self.rings.flush();
        let sent = self.spoken();
        let voices = Voices {
            protocol: self.protocol,
            viewed: self.viewed.as_mut(),
            bulk: &self.bulk,
            chunks,
        };
        let bulk = self.link.transmit(voices, now, &mut self.statistics);
        self.link.flush();
        self.leave_slice(now, bulk);
        self.stay_awake(now, sent);
        if self.set_alarm(now) == Look::Now {
            return Next::Go(Cause::TIME);
        }
        if submissions == More::Perhaps || self.rings.prepare_to_wait() == Wait::Ready {
            let frames = match more {
                More::Perhaps => Look::Now,
                More::No => Look::No,
            };
            return Next::Go(Cause {
                frames,
                ..Cause::RINGS
            });
        }
        if more == More::No && self.link.prepare_to_wait() == Wait::Sleep {
            if self.spoken() != sent {
                // Whoever waits for this thread's processor waits for the network.
                self.protocol.cipher_mut().prepare();
            }
            Next::Wait
        } else {
            Next::Go(Cause::FRAMES)
        }
    }

    /// Frames that have left, but for chunks: nobody waits for a processor that sends those.
    const fn spoken(&self) -> u64 {
        self.statistics.frames_out - self.statistics.chunks_out
    }

    /// Keeps the processor awake if an answer is about to come to the frames that have left since `sent`.
    fn stay_awake(&mut self, now: Instant, sent: u64) {
        let Some(linger) = self.linger else { return };
        if self.tables.calls.is_empty() && self.rings.call_nobody() {
            self.patience.over();
            linger.no_longer();
        } else if self.spoken() != sent
            && let Some(until) = self.patience.sent(now)
        {
            linger.until(self.clock.ticks(until));
            self.statistics.lingered += 1;
        }
    }

    fn take_frames(&mut self, now: Instant) -> More {
        for _ in 0..FRAMES {
            let Some((from, frame)) = self.link.receive() else {
                return More::No;
            };
            if is_about_keys(frame) {
                let heard = self.protocol.cipher_mut().hear(now, from, frame);
                self.heard_of_keys(now, heard);
                continue;
            }
            if carries_chunk(frame) {
                // Opening it takes longer than anything else here, and nobody waits for it as for a call.
                if self.backlog.keep(from, frame).is_err() {
                    self.statistics.frames_dropped += 1;
                }
                continue;
            }
            match self.protocol.take_frame(now, from, frame) {
                Ok(None) => {
                    self.statistics.frames_in += 1;
                    self.patience.heard(now);
                }
                Ok(Some(said)) => {
                    self.statistics.frames_in += 1;
                    self.statistics.views_in += 1;
                    if let Some(viewed) = &mut self.viewed {
                        viewed.hear(now, from, said);
                    }
                }
                Err(dropped) => self.count_dropped(dropped),
            }
        }
        More::Perhaps
    }

    pub(crate) const fn count_dropped(&mut self, dropped: Dropped) {
        match dropped {
            Dropped::Corrupt => self.statistics.frames_corrupt += 1,
            _ => self.statistics.frames_dropped += 1,
        }
    }

    /// Somebody has said something about keys: the administrator, a peer that passes on what is his, or somebody whom it does not befit.
    fn heard_of_keys(&mut self, now: Instant, heard: Result<Heard, Refused>) {
        let change = match heard {
            Ok(Heard::Changed(change)) => change,
            // It is passed on with what else is sent.
            Ok(Heard::Kept(_) | Heard::Told(_)) => return,
            Err(why) => {
                self.statistics.keys_refused += 1;
                defmt::debug!("netipc: an update of keys is not taken ({=u8})", why as u8);
                return;
            }
        };
        say!(
            "netipc: keys of generation {} are in force",
            change.generation
        );
        for node in &change.gone {
            say!("netipc: node {} belongs to the cluster no more", node.0);
            self.protocol.expel(now, *node);
        }
    }

    fn pass_time(&mut self, now: Instant) {
        self.protocol.handle_timeout(now);
        if let Some(viewed) = &mut self.viewed {
            viewed.pass_time(now);
        }
        self.expire_rings(now);
        if self.sweep_at.is_some_and(|due| due <= now) {
            self.sweep_at = None;
            self.sweep(now);
            self.sweep_loans(now);
        }
    }

    fn handle_events(&mut self, now: Instant) {
        while let Some(event) = self.protocol.poll_event() {
            match event {
                Event::Complete { token, result } if RingCall::of(token).is_some() => {
                    let unwanted = result
                        .as_ref()
                        .ok()
                        .and_then(|reply| import_of(reply.capability));
                    if let Some(call) = RingCall::of(token) {
                        self.rings.complete(call, result);
                    }
                    if let Some(unwanted) = unwanted {
                        self.protocol.release(now, unwanted);
                    }
                }
                Event::Complete { token, result } => {
                    let open = self.tables.calls.remove(token.0 as usize);
                    let lent = open.as_ref().and_then(Open::loan);
                    let (statistics, runs) = (&mut self.statistics, self.runs.as_ref());
                    if let Some(unwanted) = open.and_then(|open| {
                        open.complete(result, self.service, self.tables, runs, statistics)
                    }) {
                        self.protocol.release(now, unwanted);
                    }
                    if let Some(lent) = lent {
                        self.leave_loan(lent);
                    }
                }
                Event::Deliver {
                    execution,
                    object,
                    way,
                } => self.deliver(execution, object, way),
                Event::Abandoned { execution } => self.abandon(execution),
                Event::Released { object } => self.forget_export(object),
                Event::Revoked { import } => self.import_revoked(now, import),
                Event::Asked { asked, object, to } => self.consider(now, asked, object, to),
                Event::Transferred { token, result } => self.transferred(token, result),
                // The capability was given back when it was revoked.
                Event::RevocationComplete { object } => self.tables.revocations.complete(object),
                Event::Up { node, session } => {
                    self.statistics.sessions_up += 1;
                    self.protocol.cipher_mut().met(now, node);
                    defmt::info!(
                        "netipc: session with node {=u8} is up ({=u64:016x})",
                        node.0,
                        session.0
                    );
                }
                Event::Down { node, reason, .. } => {
                    self.statistics.sessions_down += 1;
                    defmt::info!(
                        "netipc: session with node {=u8} is down: {=str}",
                        node.0,
                        text(reason)
                    );
                    self.end_session(node);
                }
                Event::Twin { node, boot } => {
                    self.statistics.twins += 1;
                    say!(
                        "netipc: two machines have the identity of node {}: the one with boot {boot} was replaced, and is not believed",
                        node.0
                    );
                }
            }
        }
    }

    /// Asks the timer for the next deadline, unless that has passed already.
    fn set_alarm(&mut self, now: Instant) -> Look {
        let sweeps = !self.tables.calls.is_empty() || self.bulk.lends();
        if self.sweep_at.is_none() && sweeps {
            self.sweep_at = Some(now + SWEEP);
        }
        let deadlines = [
            self.protocol.poll_timeout(),
            self.sweep_at,
            self.rings.earliest(),
            self.tables.work.next_at(),
            self.link.deadline(&self.clock),
            self.share.deadline(),
            self.viewed.as_ref().and_then(Viewed::deadline),
            self.protocol.cipher().said_at(now),
        ];
        let next = deadlines.into_iter().flatten().min();
        if next.is_some_and(|deadline| deadline <= now) {
            return Look::Now;
        }
        if let Some(deadline) = self.alarm.need(next) {
            self.statistics.arms += 1;
            let timer = TimerClient::new(Kernel, self.timer);
            // A word always fits a message.
            let _ = timer.arm(self.clock.ticks(deadline));
        }
        Look::No
    }

    /// The figures, as they are now.
    pub(crate) fn figures(&self) -> Statistics {
        Statistics {
            allocations: heap::allocations(),
            exports: self.tables.exports.len() as u64,
            imports: self.tables.imports.len() as u64,
            keys: self.protocol.cipher().generation(),
            lending: self.bulk.rows() as u64,
            ..self.statistics
        }
    }
}

const fn text(reason: netipc_protocol::DownReason) -> &'static str {
    match reason {
        netipc_protocol::DownReason::PeerLost => "nothing was heard of it",
        netipc_protocol::DownReason::PeerRestarted => "it has restarted",
        netipc_protocol::DownReason::Expelled => "it belongs to the cluster no more",
        netipc_protocol::DownReason::Replaced => "it had given this machine up",
    }
}
