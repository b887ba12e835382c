//! What a seed draws: how rough its history is.
//!
//! Each history is rough in its own way (swarm testing: Groce et al. 2012): where everything goes wrong all the time, most
//! things never get far enough to go wrong in an interesting way.

use std::time::Duration;

use fastrand::Rng;

use crate::faults::Trouble;
use crate::{NODES_LEAST, NODES_MAX};

/// How long anything that a seed draws may take: frames that are held up, budgets of calls.
pub(crate) const LONGEST: Duration = Duration::from_millis(1500);

/// Calls that are tried at first; more follow until as many were accepted as a history must have
/// ([`CALLS_LEAST`](crate::CALLS_LEAST)), less those that are made when all is well.
const CALLS: std::ops::Range<u32> = 105..125;

/// A call lends memory, when all is well.
const LEND_IN_CALM: f64 = 0.05;

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
    /// So many troubles are planned, of these kinds.
    pub(crate) troubles: u32,
    pub(crate) kinds: Vec<Trouble>,
    /// How wrong each clock runs at the start, at most, in millionths.
    pub(crate) drift: i64,
    pub(crate) slow_handler: f64,
    pub(crate) stuck_handler: f64,
    pub(crate) aborted: f64,
    pub(crate) capability: f64,
    /// A call lends memory.
    pub(crate) lend: f64,
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
        let kinds = Trouble::ALL
            .into_iter()
            .filter(|_| rng.bool())
            .collect::<Vec<_>>();
        Self {
            nodes: nodes.unwrap_or_else(|| match rng.u8(..4) {
                0 => rng.u8(NODES_LEAST..=NODES_MAX),
                _ => NODES_LEAST,
            }),
            rough_for: millis(rng, &[50, 200, 600, 1200]),
            calls: rng.u32(CALLS),
            loss: some(rng, &[0.0, 0.02, 0.1, 0.3]),
            duplication: some(rng, &[0.0, 0.05, 0.3]),
            corruption: some(rng, &[0.0, 0.0, 0.05]),
            straggling: some(rng, &[0.0, 0.02, 0.1]),
            held_up: millis(rng, &[3, 30, 300, 1500]),
            delay: Duration::from_micros(rng.u64(20..400)),
            jitter: Duration::from_micros(rng.u64(1..2000)),
            crash: some(rng, &[0.0, 0.0005, 0.005]),
            crashes: rng.u32(1..4),
            troubles: rng.u32(4..16),
            kinds: if kinds.is_empty() {
                Trouble::ALL.to_vec()
            } else {
                kinds
            },
            drift: [0, 100, crate::clock::DRIFT_MAX][rng.usize(..3)],
            slow_handler: some(rng, &[0.0, 0.1, 0.4]),
            stuck_handler: some(rng, &[0.0, 0.0, 0.05]),
            aborted: 0.03,
            capability: some(rng, &[0.15, 0.3, 0.6]),
            lend: some(rng, &[0.0, 0.0, 0.02, 0.06]),
            cancel: some(rng, &[0.0, 0.1, 0.4]),
            one_way: some(rng, &[0.0, 0.1, 0.3]),
            lazy: some(rng, &[0.0, 0.0, 0.1]),
            workers: rng.usize(1..6),
            budget: millis(rng, &[8, 100, 500, 1500]),
        }
    }

    /// When all is well: the network is fast and whole, handlers are quick. Clocks stay as wrong as they are.
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
        self.lend = LEND_IN_CALM;
        self.cancel = 0.0;
        self.one_way = 0.0;
        self.lazy = 0.0;
        self.jitter = Duration::from_micros(1);
        self.workers = usize::MAX;
    }
}
