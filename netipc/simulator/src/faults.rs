//! What goes wrong: single frames, and troubles that last.

use std::time::Duration;

use netipc_protocol::limits::OUTCOME_WITHIN;

use crate::agenda::Event;
use crate::clock::DRIFT_MAX;
use crate::machine::{COMPONENTS, Power};
use crate::network::up_to;
use crate::world::{Step, World};
use crate::{SLOTS, Violation};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A fault, as it is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// In words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

faults! {
    /// A frame is lost.
    Loss = "lost",
    /// A frame is lost to a cut.
    CutOff = "cut off",
    /// A frame is lost because a narrow link's queue is full.
    QueueFull = "queue full",
    /// A frame comes twice.
    Duplication = "doubled",
    /// A bit of a frame is flipped.
    Damage = "damaged",
    /// A frame is held up, and overtaken.
    HeldUp = "held up",
    /// One direction between two machines is cut.
    CutOneWay = "one-way cuts",
    /// Two machines are cut apart.
    CutBothWays = "two-way cuts",
    /// A machine is cut off from all others.
    Isolation = "isolations",
    /// The machines are cut into two groups.
    Partition = "partitions",
    /// A link is narrow for some time.
    Narrow = "narrow links",
    /// A link is slow for some time.
    Stall = "stalled links",
    /// A machine crashes, and starts again.
    Crash = "crashes",
    /// A clock begins to run at another speed.
    Drift = "clock drifts",
    /// A component dies: a client with open calls and imports, a server with requests and exports.
    ComponentDeath = "component deaths",
    /// An application calls more than the tables hold.
    Flood = "floods",
    /// A handler takes long.
    SlowHandler = "slow handlers",
    /// A handler never ends by itself.
    StuckHandler = "stuck handlers",
    /// A worker is aborted.
    Abort = "aborts",
    /// A machine looks at its events late.
    Lateness = "late looks",
}

/// Kinds of faults.
pub const FAULTS: usize = Fault::ALL.len();

/// A trouble that a seed plans. [`Fault`]s that strike single frames or events are drawn where they strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    CutOneWay,
    CutBothWays,
    Isolation,
    Partition,
    Narrow,
    Stall,
    Crash,
    Drift,
    ComponentDeath,
    Flood,
}

impl Trouble {
    pub(crate) const ALL: [Self; 10] = [
        Self::CutOneWay,
        Self::CutBothWays,
        Self::Isolation,
        Self::Partition,
        Self::Narrow,
        Self::Stall,
        Self::Crash,
        Self::Drift,
        Self::ComponentDeath,
        Self::Flood,
    ];
}

/// Nanoseconds that a byte takes on a narrow link: from 20 to 0.03 MB/s.
const NARROW: [u64; 4] = [50, 500, 5_000, 30_000];

impl World {
    /// Counts a fault.
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.summary.faults += 1;
        self.summary.by_fault[fault as usize] += 1;
    }

    /// A trouble begins, now.
    pub(crate) fn trouble(&mut self, trouble: Trouble) -> Step {
        let nodes = self.machines.len();
        let a = self.rng.usize(..nodes);
        let b = (a + self.rng.usize(1..nodes)) % nodes;
        let lasting = up_to(&mut self.rng, OUTCOME_WITHIN * 2);
        match trouble {
            Trouble::CutOneWay => {
                self.fault(Fault::CutOneWay);
                self.cut(a, b, lasting);
            }
            Trouble::CutBothWays => {
                self.fault(Fault::CutBothWays);
                self.cut(a, b, lasting);
                self.cut(b, a, lasting);
            }
            Trouble::Isolation => {
                self.fault(Fault::Isolation);
                self.cut_between(lasting, |node| node == a);
            }
            Trouble::Partition => {
                self.fault(Fault::Partition);
                let group = self.rng.u32(1..(1 << nodes) - 1);
                self.cut_between(lasting, |node| group >> node & 1 == 1);
            }
            Trouble::Narrow => {
                self.fault(Fault::Narrow);
                let byte = NARROW[self.rng.usize(..NARROW.len())];
                self.note(|| format!("{a} -> {b} is narrow for {lasting:?}: {byte} ns a byte"));
                self.network.narrow(a, b, byte);
                self.plan(lasting, Event::Widen { from: a, to: b });
            }
            Trouble::Stall => {
                self.fault(Fault::Stall);
                let by = up_to(&mut self.rng, Duration::from_millis(100));
                self.note(|| format!("{a} -> {b} is slow for {lasting:?}: {by:?}"));
                self.network.stall(a, b, by);
                self.plan(lasting, Event::Quicken { from: a, to: b });
            }
            Trouble::Crash if self.machines[a].power == Power::On => self.crash(a),
            Trouble::Crash => {}
            Trouble::Drift => {
                self.fault(Fault::Drift);
                let drift = self.rng.i64(-DRIFT_MAX..=DRIFT_MAX);
                self.note(|| format!("{a}: its clock runs wrong by {drift} millionths"));
                let now = self.now;
                self.machines[a].clock.drift(now, drift);
                self.machines[a].wake_at = None;
                self.touch(a);
            }
            Trouble::ComponentDeath if self.machines[a].power == Power::On => {
                self.fault(Fault::ComponentDeath);
                let component = self.rng.u8(..COMPONENTS);
                return self.component_dies(a, component);
            }
            Trouble::ComponentDeath => {}
            Trouble::Flood if self.machines[a].power == Power::On => {
                self.fault(Fault::Flood);
                return self.flood(a, b);
            }
            Trouble::Flood => {}
        }
        Ok(())
    }

    pub(crate) fn cut(&mut self, from: usize, to: usize, lasting: Duration) {
        self.note(|| format!("cut {from} -> {to} for {lasting:?}"));
        self.network.cut(from, to);
        self.plan(lasting, Event::Heal { from, to });
    }

    /// Cuts both directions between those inside and those outside.
    fn cut_between(&mut self, lasting: Duration, inside: impl Fn(usize) -> bool) {
        let nodes = self.machines.len();
        for (from, to) in (0..nodes).flat_map(|a| (0..nodes).map(move |b| (a, b))) {
            if from != to && inside(from) != inside(to) {
                self.cut(from, to, lasting);
            }
        }
    }

    /// An application calls a peer more often than tables hold, all at once.
    fn flood(&mut self, from: usize, to: usize) -> Step {
        self.note(|| format!("{from} floods {to}"));
        for _ in 0..SLOTS * 2 {
            self.issue_to(from, to)?;
        }
        self.visit(from)
    }

    /// A promise about the run itself.
    pub(crate) fn unfair(&self, what: String) -> Violation {
        Violation {
            checker: crate::Checker::Progress,
            at: self.now,
            call: None,
            what,
        }
    }
}
