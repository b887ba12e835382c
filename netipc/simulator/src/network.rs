//! The network between the machines.

use std::time::Duration;

use fastrand::Rng;
use netipc_protocol::Instant;

use crate::NODES_MAX;
use crate::profile::Profile;

const NODES: usize = NODES_MAX as usize;

/// Which directions are cut, and when something last came through.
#[derive(Debug, Default)]
pub(crate) struct Network {
    cut: [[bool; NODES]; NODES],
}

/// A frame's fate.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    /// When it arrives, once, twice, or never.
    pub(crate) arrivals: [Option<Instant>; 2],
    /// Which bit is flipped on the way of the first.
    pub(crate) damage: Option<usize>,
    /// What went wrong with it.
    pub(crate) faults: u64,
}

impl Network {
    /// Decides what becomes of a frame.
    pub(crate) fn fate(
        &self,
        rng: &mut Rng,
        profile: &Profile,
        now: Instant,
        (from, to): (usize, usize),
        bits: usize,
    ) -> Fate {
        let mut fate = Fate::default();
        if self.cut[from][to] || chance(rng, profile.loss) {
            fate.faults = 1;
            return fate;
        }
        fate.arrivals[0] = Some(arrival(rng, profile, now, &mut fate.faults));
        if chance(rng, profile.duplication) {
            fate.arrivals[1] = Some(arrival(rng, profile, now, &mut fate.faults));
            fate.faults += 1;
        }
        if chance(rng, profile.corruption) {
            fate.damage = Some(rng.usize(..bits));
            fate.faults += 1;
        }
        fate
    }

    /// Cuts one direction.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.cut[from][to] = true;
    }

    /// Mends both directions.
    pub(crate) fn heal(&mut self, a: usize, b: usize) {
        self.cut[a][b] = false;
        self.cut[b][a] = false;
    }

    /// Mends everything.
    pub(crate) fn heal_all(&mut self) {
        *self = Self::default();
    }
}

fn arrival(rng: &mut Rng, profile: &Profile, now: Instant, faults: &mut u64) -> Instant {
    let mut delay = profile.delay + up_to(rng, profile.jitter);
    if chance(rng, profile.straggling) {
        delay += up_to(rng, profile.held_up);
        *faults += 1;
    }
    now + delay
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
