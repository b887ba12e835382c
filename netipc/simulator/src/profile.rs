//! What a seed draws: how rough its history is.
//!
//! Each history is rough in its own way (swarm testing: Groce et al. 2012): where everything goes wrong all the time, most
//! things never get far enough to go wrong in an interesting way.

use std::time::Duration;

use fastrand::Rng;

use crate::NODES_MAX;

/// How long anything that a seed draws may take: frames that are held up, budgets of calls.
pub(crate) const LONGEST: Duration = Duration::from_millis(1500);

/// A history's roughness.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) nodes: u8,
    /// The time in which calls are made and faults happen.
    pub(crate) rough_for: Duration,
    pub(crate) calls: u32,
    pub(crate) loss: f64,
    pub(crate) duplication: f64,
    pub(crate) corruption: f64,
    /// A frame is held up for up to `held_up`.
    pub(crate) straggling: f64,
    pub(crate) held_up: Duration,
    /// Every frame takes `delay` and up to `jitter` more.
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    /// At each event, a machine that takes part in it crashes.
    pub(crate) crash: f64,
    pub(crate) crashes: u32,
    pub(crate) cuts: u32,
    pub(crate) slow_handler: f64,
    pub(crate) stuck_handler: f64,
    pub(crate) aborted: f64,
    pub(crate) capability: f64,
    pub(crate) cancel: f64,
    pub(crate) one_way: f64,
    /// A machine looks at its events and links only some time later.
    pub(crate) lazy: f64,
    pub(crate) workers: usize,
    pub(crate) budget: Duration,
}

impl Profile {
    pub(crate) fn draw(rng: &mut Rng, nodes: Option<u8>) -> Self {
        let some = |rng: &mut Rng, choices: &[f64]| choices[rng.usize(..choices.len())];
        let millis = |rng: &mut Rng, choices: &[u64]| {
            Duration::from_millis(choices[rng.usize(..choices.len())])
        };
        Self {
            nodes: nodes.unwrap_or_else(|| rng.u8(2..=NODES_MAX)),
            rough_for: millis(rng, &[50, 200, 600, 1200]),
            calls: rng.u32(20..80),
            loss: some(rng, &[0.0, 0.02, 0.1, 0.3]),
            duplication: some(rng, &[0.0, 0.05, 0.3]),
            corruption: some(rng, &[0.0, 0.0, 0.05]),
            straggling: some(rng, &[0.0, 0.02, 0.1]),
            held_up: millis(rng, &[3, 30, 300, 1500]),
            delay: Duration::from_micros(rng.u64(20..400)),
            jitter: Duration::from_micros(rng.u64(1..2000)),
            crash: some(rng, &[0.0, 0.002, 0.01]),
            crashes: rng.u32(1..4),
            cuts: some(rng, &[0.0, 0.0, 1.0, 3.0]) as u32,
            slow_handler: some(rng, &[0.0, 0.1, 0.4]),
            stuck_handler: some(rng, &[0.0, 0.0, 0.05]),
            aborted: 0.03,
            capability: some(rng, &[0.0, 0.2, 0.5]),
            cancel: some(rng, &[0.0, 0.1, 0.4]),
            one_way: some(rng, &[0.0, 0.1, 0.3]),
            lazy: some(rng, &[0.0, 0.0, 0.1]),
            workers: rng.usize(1..6),
            budget: millis(rng, &[8, 100, 500, 1500]),
        }
    }

    /// When all is well: the network is fast and whole, handlers are quick.
    pub(crate) fn calm(&mut self) {
        self.loss = 0.0;
        self.duplication = 0.0;
        self.corruption = 0.0;
        self.straggling = 0.0;
        self.crash = 0.0;
        self.slow_handler = 0.0;
        self.stuck_handler = 0.0;
        self.aborted = 0.0;
        self.capability = 0.0;
        self.cancel = 0.0;
        self.one_way = 0.0;
        self.lazy = 0.0;
        self.jitter = Duration::from_micros(1);
        self.workers = usize::MAX;
    }
}
