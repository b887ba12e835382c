//! What a seed draws: how rough its history is (swarm testing: each in its own way).

use std::time::Duration;

use fastrand::Rng;
use netipc_view::limits::CLOCK_DRIFT_PPM;

/// A history's roughness.
#[derive(Clone, Debug)]
pub struct Profile {
    pub nodes: usize,
    pub voters: usize,
    /// So many of the voters own nothing, from the last.
    pub witnesses: usize,
    pub rough_for: Duration,
    pub loss: f64,
    pub duplication: f64,
    pub straggling: f64,
    pub held_up: Duration,
    pub delay: Duration,
    pub jitter: Duration,
    /// At each event, a machine that takes part in it crashes.
    pub crash: f64,
    pub crashes: u32,
    pub down_for: Duration,
    pub cuts: u32,
    pub partitions: u32,
    pub cut_at_least: Duration,
    pub cut_for: Duration,
    /// So often all voters crash.
    pub disasters: u32,
    /// Who sees something free wants it so often.
    pub greed: f64,
    /// Requests of all applications together.
    pub requests: u32,
    /// How many things there are to own.
    pub things: u8,
    /// Clocks are as wrong as they may be, and not somewhere in between.
    pub extreme_clocks: f64,
}

impl Profile {
    /// Half of the histories are rough in any way, the others in a way that some promise is sensitive to.
    pub fn draw(rng: &mut Rng) -> Self {
        let profile = Self::any(rng);
        match rng.u8(..6) {
            0 => profile.leases(rng),
            1 => profile.elections(rng),
            2 => profile.disasters(rng),
            _ => profile,
        }
    }

    /// Clocks are as wrong as can be, owners are cut off for longer than a lease, and somebody waits for what they own.
    fn leases(self, rng: &mut Rng) -> Self {
        let nodes = rng.usize(3..=5);
        Self {
            nodes,
            voters: 3,
            witnesses: 0,
            rough_for: Duration::from_millis(8_000),
            loss: 0.0,
            duplication: 0.0,
            straggling: 0.0,
            jitter: Duration::from_micros(rng.u64(1..200)),
            crash: 0.0,
            cuts: 4,
            partitions: rng.u32(0..4),
            cut_at_least: Duration::from_millis(1_100),
            cut_for: Duration::from_millis(400),
            requests: 60,
            things: 3,
            extreme_clocks: 1.0,
            greed: 1.0,
            ..self
        }
    }

    /// Nobody leads for long, messages take as long as candidates wait, and there is much to agree on.
    fn elections(self, rng: &mut Rng) -> Self {
        let nodes = [3, 3, 4, 5][rng.usize(..4)];
        Self {
            nodes,
            voters: nodes,
            witnesses: 0,
            loss: some(rng, &[0.0, 0.1, 0.3]),
            straggling: some(rng, &[0.02, 0.1, 0.3]),
            held_up: millis(rng, &[100, 300, 1_000]),
            jitter: millis(rng, &[2, 10, 40]),
            partitions: rng.u32(2..8),
            cuts: rng.u32(0..6),
            cut_at_least: Duration::from_millis(200),
            cut_for: millis(rng, &[200, 600, 1_500]),
            requests: 150,
            greed: 1.0,
            ..self
        }
    }

    /// All voters fail at about the same time.
    fn disasters(self, rng: &mut Rng) -> Self {
        let nodes = rng.usize(2..=5);
        Self {
            nodes,
            voters: [1, 3.min(nodes), nodes][rng.usize(..3)],
            witnesses: 0,
            disasters: rng.u32(1..4),
            rough_for: Duration::from_millis(8_000),
            down_for: millis(rng, &[1, 1, 100, 3_000]),
            greed: 1.0,
            things: 3,
            ..self
        }
    }

    fn any(rng: &mut Rng) -> Self {
        let nodes = rng.usize(2..=7);
        let odd = [1, 3, 3, 5, 7, 2, nodes];
        let voters = odd[rng.usize(..odd.len())].min(nodes);
        let witnesses = if voters > 1 && nodes > 2 {
            rng.usize(..2)
        } else {
            0
        };
        Self {
            nodes,
            voters,
            witnesses,
            rough_for: millis(rng, &[2_000, 4_000, 8_000]),
            loss: some(rng, &[0.0, 0.01, 0.1, 0.3]),
            duplication: some(rng, &[0.0, 0.05, 0.4]),
            straggling: some(rng, &[0.0, 0.02, 0.1]),
            held_up: millis(rng, &[3, 30, 300, 2500]),
            delay: Duration::from_micros(rng.u64(20..400)),
            jitter: Duration::from_micros(rng.u64(1..2000)),
            crash: some(rng, &[0.0, 0.0005, 0.003]),
            crashes: rng.u32(1..6),
            down_for: millis(rng, &[1, 100, 3_000]),
            cuts: rng.u32(0..5),
            partitions: rng.u32(0..4),
            cut_at_least: Duration::ZERO,
            cut_for: millis(rng, &[200, 1_000, 3_000]),
            disasters: 0,
            greed: 0.3,
            requests: rng.u32(20..100),
            things: [2, 6, 6, 120][rng.usize(..4)],
            extreme_clocks: some(rng, &[0.0, 1.0]),
        }
    }

    /// When all is well.
    pub fn calm(&mut self) {
        self.loss = 0.0;
        self.duplication = 0.0;
        self.straggling = 0.0;
        self.crash = 0.0;
        self.jitter = Duration::from_micros(1);
    }

    /// How fast a machine's clock is, in parts per million more than true time.
    pub fn clock(&self, rng: &mut Rng) -> i64 {
        let most = CLOCK_DRIFT_PPM as i64;
        if chance(rng, self.extreme_clocks) {
            if rng.bool() { most } else { -most }
        } else {
            rng.i64(-most..=most)
        }
    }
}

fn some(rng: &mut Rng, choices: &[f64]) -> f64 {
    choices[rng.usize(..choices.len())]
}

fn millis(rng: &mut Rng, choices: &[u64]) -> Duration {
    Duration::from_millis(choices[rng.usize(..choices.len())])
}

/// True so often.
pub fn chance(rng: &mut Rng, probability: f64) -> bool {
    probability > 0.0 && rng.f64() < probability
}

/// Any time up to this one.
pub fn up_to(rng: &mut Rng, longest: Duration) -> Duration {
    Duration::from_nanos(rng.u64(..=longest.as_nanos() as u64))
}
