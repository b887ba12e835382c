//! The network between the machines.

use std::time::Duration;

use fastrand::Rng;
use netipc_protocol::Instant;

use crate::NODES_MAX;
use crate::faults::Fault;
use crate::profile::Profile;

const NODES: usize = NODES_MAX as usize;

/// A frame that would wait longer than this for its turn is dropped: the switch's queue is full.
const QUEUE: Duration = Duration::from_millis(10);

/// One direction between two machines.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    /// How many cuts lie on it.
    cuts: u32,
    /// Nanoseconds that a byte takes, on top of the delay; 0: none.
    byte: u64,
    /// How much longer each frame takes at present.
    stalled: Duration,
    /// Until when it carries earlier frames.
    busy: Option<Instant>,
}

/// Every direction.
#[derive(Debug, Default)]
pub(crate) struct Network {
    links: [[Link; NODES]; NODES],
}

/// A frame's fate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fate {
    /// When it arrives, once, twice, or never.
    pub(crate) arrivals: [Option<Instant>; 2],
    /// Which bit is flipped on the way of the first.
    pub(crate) damage: Option<usize>,
    /// What went wrong with it.
    pub(crate) faults: [Option<Fault>; 3],
}

impl Network {
    /// Decides what becomes of a frame.
    pub(crate) fn fate(
        &mut self,
        rng: &mut Rng,
        profile: &Profile,
        now: Instant,
        (from, to): (usize, usize),
        bytes: usize,
    ) -> Fate {
        let mut fate = Fate::default();
        let link = &mut self.links[from][to];
        if link.cuts > 0 {
            fate.faults[0] = Some(Fault::CutOff);
            return fate;
        }
        if chance(rng, profile.loss) {
            fate.faults[0] = Some(Fault::Loss);
            return fate;
        }
        let mut leaves = now + link.stalled;
        if link.byte > 0 {
            let free = link.busy.map_or(now, |busy| busy.max(now));
            if now.until(free) > QUEUE {
                fate.faults[0] = Some(Fault::QueueFull);
                return fate;
            }
            let done = free + Duration::from_nanos(link.byte * bytes as u64);
            link.busy = Some(done);
            leaves = done + link.stalled;
        }
        let (at, held_up) = arrival(rng, profile, leaves);
        fate.arrivals[0] = Some(at);
        fate.faults[0] = held_up;
        if chance(rng, profile.duplication) {
            let (at, _) = arrival(rng, profile, leaves);
            fate.arrivals[1] = Some(at);
            fate.faults[1] = Some(Fault::Duplication);
        }
        if chance(rng, profile.corruption) {
            fate.damage = Some(rng.usize(..bytes * 8));
            fate.faults[2] = Some(Fault::Damage);
        }
        fate
    }

    /// Cuts one direction; each cut is mended on its own.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.links[from][to].cuts += 1;
    }

    /// Mends one cut.
    pub(crate) fn heal(&mut self, from: usize, to: usize) {
        let link = &mut self.links[from][to];
        link.cuts = link.cuts.saturating_sub(1);
    }

    /// Makes one direction narrow: nanoseconds that each byte takes; 0 makes it wide again.
    pub(crate) fn narrow(&mut self, from: usize, to: usize, byte: u64) {
        self.links[from][to].byte = byte;
    }

    /// Makes one direction slow by so much.
    pub(crate) fn stall(&mut self, from: usize, to: usize, by: Duration) {
        self.links[from][to].stalled = by;
    }

    /// Mends everything.
    pub(crate) fn heal_all(&mut self) {
        *self = Self::default();
    }
}

fn arrival(rng: &mut Rng, profile: &Profile, leaves: Instant) -> (Instant, Option<Fault>) {
    let delay = profile.delay + up_to(rng, profile.jitter);
    if chance(rng, profile.straggling) {
        let late = up_to(rng, profile.held_up);
        return (leaves + delay + late, Some(Fault::HeldUp));
    }
    (leaves + delay, None)
}

/// True so often.
pub(crate) fn chance(rng: &mut Rng, probability: f64) -> bool {
    probability > 0.0 && rng.f64() < probability
}

/// Any time up to this one.
pub(crate) fn up_to(rng: &mut Rng, longest: Duration) -> Duration {
    let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(rng.u64(..=nanos))
}
