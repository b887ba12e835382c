//! Machines that call each other under virtual time, and what must hold of each of them whatever comes from the wire.

mod programs;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;
use netipc_protocol::limits::{GRANTS, OFFER_ACKS, RELEASE_ACKS, REVOKE_ACKS};
use netipc_protocol::{
    BootId, CallId, ClusterId, Config, Dropped, Endpoint, Execution, ExportId, FRAME_LENGTH_MAX,
    ImportId, Instant, NodeId, Occupancy, Random,
};
use netipc_wire::Nonce;
use netipc_wire::frame::Packet;

use crate::shield::{Shield, shield};
use crate::{CLUSTER, Failure, Options, Plant, Protection};
use programs::own;

/// Calls open at each peer.
pub(crate) const SLOTS: usize = 4;
/// Exports to each peer, and imports from it.
pub(crate) const ROWS: usize = 5;
/// Peers of a machine, at most.
const PEERS: usize = 2;

/// More at one look are a machine that does not bound what it queues.
const EVENTS_PER_LOOK: usize = PEERS * (3 * SLOTS + 3 * ROWS + RELEASE_ACKS + GRANTS + 4);
/// The same of what it says: the simulator's count.
const FRAMES_PER_LOOK: usize =
    PEERS * (2 * SLOTS + 2 * ROWS + RELEASE_ACKS + REVOKE_ACKS + OFFER_ACKS + 3 * GRANTS + 6);
/// More frames without any passing of time are two machines that make each other speak for ever.
const FRAMES_AT_ONCE: usize = 5_000;
/// Heap that a machine may have: nothing but key exchanges that were begun and keys, for each peer.
pub const HEAP_MAX: i64 = 16 * 1024 * PEERS as i64;

/// Nonces that a seed foresees.
pub(crate) struct Draws(Rng);

impl Random for Draws {
    fn nonce(&mut self) -> Nonce {
        Nonce(self.0.u64(..))
    }
}

pub(crate) type Machine = Endpoint<Shield, Draws, PEERS, SLOTS, ROWS>;

/// What is expected of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hope {
    /// The callee is honest, and there is nothing between: it is answered.
    Answer,
    /// It has an outcome in time.
    Outcome,
}

/// A call that has no outcome.
struct Open {
    id: CallId,
    to: usize,
    hope: Hope,
    ends_by: Instant,
    words: Vec<u64>,
}

/// One machine, and the proxy and the programs on it.
pub(crate) struct Node {
    pub(crate) endpoint: Box<Machine>,
    pub(crate) on: bool,
    open: BTreeMap<u64, Open>,
    held: Vec<ImportId>,
    /// Exports that were not given back, by object.
    lent: BTreeMap<u64, ExportId>,
    /// Requests that a worker has and does not finish yet.
    running: Vec<Execution>,
    heap: i64,
    /// Calls that were answered as they should.
    pub(crate) answered: u64,
    pub(crate) downs: u64,
}

/// A frame that a machine has sent.
#[derive(Clone, Debug)]
pub(crate) struct Taped {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// As it was before it was sealed.
    pub(crate) plain: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
}

/// Machines and what is between them.
pub(crate) struct Cluster<'o> {
    options: &'o Options,
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<Node>,
    /// Frames on their way.
    pub(crate) wire: VecDeque<Taped>,
    tokens: u64,
    /// Who may be answered late, or with a capability: calls of the others are hoped to be answered.
    pub(crate) odd: Option<usize>,
}

pub(crate) fn node_id(index: usize) -> NodeId {
    NodeId(index as u8 + 1)
}

pub(crate) fn index_of(node: NodeId) -> usize {
    usize::from(node.0).saturating_sub(1)
}

impl<'o> Cluster<'o> {
    pub(crate) fn new(
        rng: &mut Rng,
        count: usize,
        protection: Protection,
        options: &'o Options,
    ) -> Self {
        let nodes = (0..count)
            .map(|index| {
                let shield = shield(protection, (index, count), &options.plant, rng);
                let mut endpoint = Box::new(Endpoint::new(shield, Draws(rng.fork())));
                if let Plant::Protocol(fault) = options.plant {
                    endpoint.plant(fault);
                }
                Node {
                    endpoint,
                    on: false,
                    open: BTreeMap::new(),
                    held: Vec::new(),
                    lent: BTreeMap::new(),
                    running: Vec::new(),
                    heap: 0,
                    answered: 0,
                    downs: 0,
                }
            })
            .collect();
        let mut cluster = Self {
            options,
            now: Instant::from_nanos(1_000_000_000),
            nodes,
            wire: VecDeque::new(),
            tokens: 0,
            odd: None,
        };
        (0..count).for_each(|index| cluster.boot(rng, index));
        cluster
    }

    /// Starts a machine, or starts it again.
    pub(crate) fn boot(&mut self, rng: &mut Rng, index: usize) {
        let config = Config {
            node: node_id(index),
            boot: BootId(rng.u64(1..)),
            cluster: ClusterId(CLUSTER),
        };
        let peers: Vec<NodeId> = (0..self.nodes.len()).map(node_id).collect();
        let node = &mut self.nodes[index];
        let heap = self.options.heap;
        let begun = measured(heap, &mut node.heap, || node.endpoint.begin(config, peers));
        debug_assert!(begun.is_ok(), "there is room for every peer");
        node.on = true;
        node.open.clear();
        node.held.clear();
        node.lent.clear();
        node.running.clear();
        self.wire
            .retain(|frame| frame.to != index && frame.from != index);
    }

    /// What a machine does with its endpoint, whose heap is watched.
    fn on<T>(
        &mut self,
        index: usize,
        what: impl FnOnce(&mut Machine, Instant) -> T,
    ) -> Result<T, Failure> {
        let (now, heap) = (self.now, self.options.heap);
        let Node {
            endpoint,
            heap: held,
            ..
        } = &mut self.nodes[index];
        let result = measured(heap, held, || what(endpoint, now));
        match self.nodes[index].heap {
            held if held > HEAP_MAX => Err(Failure::new(format!(
                "machine {index} holds {held} bytes of heap"
            ))),
            _ => Ok(result),
        }
    }

    /// A machine looks at its events and says what it has to say.
    pub(crate) fn look(&mut self, rng: &mut Rng, index: usize) -> Result<(), Failure> {
        if !self.nodes[index].on {
            return Ok(());
        }
        let mut events = 0;
        while let Some(said) = self.on(index, |endpoint, _| endpoint.poll_event().map(own))? {
            events += 1;
            if events > EVENTS_PER_LOOK {
                return Err(Failure::new(format!(
                    "machine {index} has more than {EVENTS_PER_LOOK} events at once"
                )));
            }
            self.hear(rng, index, said)?;
        }
        let mut buffer = [0; FRAME_LENGTH_MAX];
        let mut frames = 0;
        while let Some(transmit) = self.on(index, |endpoint, now| {
            endpoint.poll_transmit(now, &mut buffer)
        })? {
            frames += 1;
            if frames > FRAMES_PER_LOOK {
                return Err(Failure::new(format!(
                    "machine {index} has more than {FRAMES_PER_LOOK} frames to send at once"
                )));
            }
            let sealed = buffer[..transmit.length].to_vec();
            let plain = self.nodes[index].endpoint.cipher().plain(&sealed).to_vec();
            if Packet::new_checked(&plain[..]).is_err() {
                return Err(Failure::new(format!(
                    "machine {index} sends what is no frame"
                )));
            }
            self.wire.push_back(Taped {
                from: index,
                to: index_of(transmit.to),
                plain,
                sealed,
            });
        }
        for peer in (0..self.nodes.len()).filter(|peer| *peer != index) {
            self.bounded(index, peer)?;
        }
        Ok(())
    }

    fn bounded(&mut self, index: usize, peer: usize) -> Result<(), Failure> {
        let full = self.occupancy(index, peer);
        let fits = full.calls <= SLOTS
            && full.one_ways <= SLOTS
            && full.requests <= SLOTS
            && full.exports <= ROWS
            && full.imports <= ROWS;
        match fits {
            true => Ok(()),
            false => Err(Failure::new(format!(
                "machine {index} has more than its tables hold: {full:?}"
            ))),
        }
    }

    /// How full a machine's tables for a peer are.
    pub(crate) fn occupancy(&self, index: usize, peer: usize) -> Occupancy {
        let endpoint = &self.nodes[index].endpoint;
        endpoint.occupancy(node_id(peer)).unwrap_or_default()
    }

    /// A frame reaches a machine, by the link's word from another: what it thought of it.
    pub(crate) fn arrive(
        &mut self,
        from: usize,
        to: usize,
        frame: &[u8],
    ) -> Result<Result<(), Dropped>, Failure> {
        let mut frame = frame.to_vec();
        self.on(to, |endpoint, now| {
            endpoint.handle_frame(now, node_id(from), &mut frame)
        })
    }

    /// Everything that is on its way arrives, and what it causes.
    pub(crate) fn deliver(
        &mut self,
        rng: &mut Rng,
        meddler: &mut impl Meddler,
    ) -> Result<(), Failure> {
        for index in 0..self.nodes.len() {
            self.look(rng, index)?;
        }
        for _ in 0..FRAMES_AT_ONCE {
            let Some(frame) = self.wire.pop_front() else {
                return Ok(());
            };
            let passes = meddler.sees(self, rng, &frame)?;
            if passes == Passes::Yes && self.nodes[frame.to].on {
                let _ = self.arrive(frame.from, frame.to, &frame.sealed)?;
            }
            for index in 0..self.nodes.len() {
                self.look(rng, index)?;
            }
        }
        Err(Failure::new(format!(
            "{FRAMES_AT_ONCE} frames at one moment, and no end"
        )))
    }

    /// Time passes, with everything that becomes due in it.
    pub(crate) fn pass(
        &mut self,
        rng: &mut Rng,
        span: Duration,
        meddler: &mut impl Meddler,
    ) -> Result<(), Failure> {
        let end = self.now + span;
        loop {
            self.deliver(rng, meddler)?;
            let nodes = self.nodes.iter_mut().filter(|node| node.on);
            let next = nodes.filter_map(|node| node.endpoint.poll_timeout()).min();
            let Some(next) = next.filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            for index in 0..self.nodes.len() {
                if self.nodes[index].on {
                    self.on(index, |endpoint, now| endpoint.handle_timeout(now))?;
                }
            }
        }
        self.now = end;
        self.in_time()
    }

    /// No call waits longer than it was to.
    fn in_time(&self) -> Result<(), Failure> {
        for (index, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.on) {
            if let Some(open) = node.open.values().find(|open| open.ends_by < self.now) {
                return Err(Failure::new(format!(
                    "a call from {index} to {} has no outcome after its time: {:?}",
                    open.to, open.hope
                )));
            }
        }
        Ok(())
    }

    /// All is released and finished: no table holds anything.
    pub(crate) fn empty(&self) -> Result<(), Failure> {
        for index in 0..self.nodes.len() {
            for peer in (0..self.nodes.len()).filter(|peer| *peer != index) {
                let full = self.occupancy(index, peer);
                if full != Occupancy::default() {
                    return Err(Failure::new(format!(
                        "machine {index} has this left over for {peer}: {full:?}"
                    )));
                }
            }
            if let Some(object) = self.nodes[index].lent.keys().next() {
                return Err(Failure::new(format!(
                    "machine {index} never got object {object} back"
                )));
            }
        }
        Ok(())
    }
}

/// Who sits on the wire.
pub(crate) trait Meddler {
    /// A frame is on its way: what else is done at its sight, and whether it goes on.
    fn sees(
        &mut self,
        cluster: &mut Cluster<'_>,
        rng: &mut Rng,
        frame: &Taped,
    ) -> Result<Passes, Failure>;
}

/// Nobody.
pub(crate) struct Nobody;

impl Meddler for Nobody {
    fn sees(&mut self, _: &mut Cluster<'_>, _: &mut Rng, _: &Taped) -> Result<Passes, Failure> {
        Ok(Passes::Yes)
    }
}

/// Whether a frame goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    Yes,
    No,
}

fn measured<T>(heap: fn() -> usize, held: &mut i64, what: impl FnOnce() -> T) -> T {
    let before = heap() as i64;
    let result = what();
    *held += heap() as i64 - before;
    result
}
