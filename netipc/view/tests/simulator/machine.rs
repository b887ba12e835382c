//! One simulated machine: its replica, and a clock that is wrong.

use fastrand::Rng;
use netipc_view::{BootId, Config, Instant, NodeId, Nodes, Part, PlantedFault, Random, View};

use super::profile::Profile;

/// Random numbers from the history's seed.
pub struct Dice(pub Rng);

impl Random for Dice {
    fn word(&mut self) -> u64 {
        self.0.u64(..)
    }
}

pub struct Machine {
    pub view: Box<View<Dice>>,
    pub on: bool,
    pub boot: BootId,
    /// Counts its starts, so that what was planned before a crash does not happen after it.
    pub starts: u32,
    pub wake_at: Option<u64>,
    /// Where its clock began at this start, and how much faster than true time it runs, in parts per million.
    zero: u64,
    began: u64,
    drift: i64,
    pub next_token: u64,
    pub open: usize,
}

impl Machine {
    pub fn new(rng: &mut Rng, fault: Option<PlantedFault>) -> Self {
        let mut view = Box::new(View::new(Dice(rng.fork())));
        if let Some(fault) = fault {
            view.plant(fault);
        }
        Self {
            view,
            on: false,
            boot: BootId(0),
            starts: 0,
            wake_at: None,
            zero: 0,
            began: 0,
            drift: 0,
            next_token: 0,
            open: 0,
        }
    }

    pub fn start(&mut self, now: u64, index: usize, profile: &Profile, rng: &mut Rng) {
        self.on = true;
        self.starts += 1;
        self.wake_at = None;
        self.boot = BootId(rng.u64(1..));
        self.began = now;
        self.zero = rng.u64(..10_000_000_000);
        self.drift = profile.clock(rng);
        self.open = 0;
        let config = config(index, profile, self.boot);
        let local = self.local(now);
        self.view
            .begin(local, config)
            .expect("the configuration is good");
    }

    pub fn crash(&mut self) {
        self.on = false;
        self.starts += 1;
        self.wake_at = None;
    }

    /// What its clock says.
    pub fn local(&self, now: u64) -> Instant {
        let passed = i128::from(now - self.began);
        let local = passed + passed * i128::from(self.drift) / 1_000_000;
        Instant::from_nanos(self.zero + local as u64)
    }

    /// The true time at which its clock will say so.
    pub fn true_time(&self, local: Instant) -> u64 {
        let passed = i128::from(local.as_nanos().saturating_sub(self.zero));
        let rate = 1_000_000 + i128::from(self.drift);
        self.began + ((passed * 1_000_000 + rate - 1) / rate) as u64 + 1
    }
}

fn config(index: usize, profile: &Profile, boot: BootId) -> Config {
    let witness = index < profile.voters && index + profile.witnesses >= profile.voters;
    Config {
        node: node_id(index),
        boot,
        part: if witness { Part::Witness } else { Part::Holder },
        nodes: (0..profile.nodes).map(node_id).collect::<Nodes>(),
        voters: (0..profile.voters).map(node_id).collect::<Nodes>(),
    }
}

/// Machine 0 is node 1.
pub fn node_id(index: usize) -> NodeId {
    NodeId(index as u8 + 1)
}
