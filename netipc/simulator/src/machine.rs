//! One simulated machine: the endpoint, and what the proxy, the servers and the applications would be.

use std::collections::{BTreeMap, HashSet, VecDeque};

use fastrand::Rng;
use netipc_protocol::bulk::Loan;
use netipc_protocol::{
    BootId, CallId, ClusterId, Config, Endpoint, Execution, ExportId, ImportId, Instant, NodeId,
    Random, SessionId,
};
use netipc_wire::Nonce;

use crate::cipher::{Guard, guard};
use crate::clock::Clock;
use crate::hash::Quick;
use crate::mutants::Mistake;
use crate::{NODES_MAX, Options, ROWS, SLOTS};

/// The endpoint that is simulated: small tables, so that they are full now and then.
pub(crate) type SmallEndpoint = Endpoint<Guard, Dice, { NODES_MAX as usize - 1 }, SLOTS, ROWS>;

/// The cluster's id.
const CLUSTER: ClusterId = ClusterId(0x1517);

/// Components on each machine that may die. Naming, behind the bootstrap export, is none of them.
pub(crate) const COMPONENTS: u8 = 3;

/// Nonces from the history's seed.
pub(crate) struct Dice(Rng);

impl Random for Dice {
    fn nonce(&mut self) -> Nonce {
        Nonce(self.0.u64(..))
    }
}

/// A capability of a peer that a component of this machine holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) import: ImportId,
    pub(crate) object: u64,
    pub(crate) component: u8,
}

/// What a worker does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) execution: Execution,
    pub(crate) object: u64,
    /// What came with the request.
    pub(crate) came: Option<ImportId>,
    /// Memory that is lent with it.
    pub(crate) loan: Option<Loan>,
}

/// A machine.
pub(crate) struct Machine {
    pub(crate) endpoint: Box<SmallEndpoint>,
    pub(crate) clock: Clock,
    /// Whether it runs.
    pub(crate) power: Power,
    /// Counts its starts, so that what was planned before a crash does not happen after it.
    pub(crate) incarnation: u32,
    /// When it will be woken, as far as is planned.
    pub(crate) wake_at: Option<Instant>,
    /// Whether it will look at its endpoint only later.
    pub(crate) lazy: bool,
    /// When a frame of each machine last reached this one, by its own clock.
    pub(crate) heard: [Instant; NODES_MAX as usize],
    /// Calls without an outcome.
    pub(crate) open: BTreeMap<usize, CallId>,
    /// Requests that wait for a worker.
    pub(crate) waiting: VecDeque<(Execution, u64)>,
    /// What the workers do.
    pub(crate) working: BTreeMap<usize, Work>,
    /// Capabilities that it holds.
    pub(crate) held: Vec<Held>,
    /// Objects that peers may use, each with its server's component.
    pub(crate) exported: Vec<(u64, ExportId)>,
    /// Sessions that it has seen end, in this life or an earlier one.
    pub(crate) ended: HashSet<SessionId, Quick>,
    /// Sessions that are open by its word.
    pub(crate) open_sessions: Vec<SessionId>,
}

/// Whether a machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    On,
    Off,
}

impl Machine {
    pub(crate) fn new(
        index: usize,
        rng: &mut Rng,
        options: &Options,
        used: Option<Box<SmallEndpoint>>,
    ) -> Self {
        let guard = guard(options.protection, index, rng, options.mistake);
        let dice = Dice(rng.fork());
        let mut endpoint = match used {
            Some(mut endpoint) => {
                *endpoint.cipher_mut() = guard;
                *endpoint.random_mut() = dice;
                endpoint
            }
            None => Box::new(SmallEndpoint::new(guard, dice)),
        };
        if let Some(Mistake::Protocol(fault)) = options.mistake {
            endpoint.plant(fault);
        }
        let zero = Instant::from_nanos(0);
        Self {
            endpoint,
            clock: Clock::new(zero, zero, 0),
            power: Power::Off,
            incarnation: 0,
            wake_at: None,
            lazy: false,
            heard: [zero; NODES_MAX as usize],
            open: BTreeMap::new(),
            waiting: VecDeque::new(),
            working: BTreeMap::new(),
            held: Vec::new(),
            exported: Vec::new(),
            ended: HashSet::default(),
            open_sessions: Vec::new(),
        }
    }

    /// Starts it, with a new boot id and a clock that shows anything.
    pub(crate) fn start(
        &mut self,
        index: usize,
        nodes: usize,
        now: Instant,
        drift: i64,
        rng: &mut Rng,
    ) {
        let config = Config {
            node: node_id(index),
            boot: BootId(rng.u64(..)),
            cluster: CLUSTER,
        };
        let begun = self.endpoint.begin(config, (0..nodes).map(node_id));
        debug_assert!(begun.is_ok(), "there is room for every peer");
        let shows = Instant::from_nanos(rng.u64(..1 << 40));
        self.clock = Clock::new(now, shows, rng.i64(-drift..=drift));
        self.heard.fill(shows);
        self.power = Power::On;
        self.incarnation += 1;
    }

    /// Everything in it is lost.
    pub(crate) fn crash(&mut self) {
        self.power = Power::Off;
        self.incarnation += 1;
        self.wake_at = None;
        self.lazy = false;
        self.open.clear();
        self.waiting.clear();
        self.working.clear();
        self.held.clear();
        self.exported.clear();
        self.ended.extend(self.open_sessions.drain(..));
    }
}

/// Machine 0 is node 1.
pub(crate) fn node_id(index: usize) -> NodeId {
    NodeId(index as u8 + 1)
}

/// Node 1 is machine 0.
pub(crate) fn index_of(node: NodeId) -> usize {
    usize::from(node.0) - 1
}
