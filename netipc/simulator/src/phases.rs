//! The course of a history: trouble, calm, and what must hold then.

use std::time::Duration;

use netipc_protocol::limits::{OFFER_LIFE, OUTCOME_WITHIN};
use netipc_protocol::{Occupancy, Target};

use crate::agenda::Event;
use crate::machine::{Power, node_id};
use crate::network::up_to;
use crate::profile::LONGEST;
use crate::truth::{Checker, LAZINESS};
use crate::world::{Step, World};
use crate::{CALLS_LEAST, CAPABILITIES_LEAST, FAULTS_LEAST, SLOTS, Violation};

/// When a history is not yet as long as it must be, it goes on in rounds of this length.
const ROUND: Duration = Duration::from_millis(100);
/// After so many rounds something is wrong with the simulator.
const ROUNDS: u32 = 200;
/// Calls and troubles of such a round.
const ROUND_CALLS: u32 = 20;
const ROUND_TROUBLES: u32 = 5;
const ROUND_CAPABILITY: f64 = 0.6;

impl World {
    /// First everything goes wrong, then nothing: what was begun must come to its end, and what is new must succeed.
    pub(crate) fn phases(&mut self) -> Step {
        let text = format!("{:?}", self.profile);
        self.note(|| text);
        for node in 0..self.machines.len() {
            self.power_on(node);
        }
        let (calls, troubles) = (self.profile.calls, self.profile.troubles);
        self.plan_trouble(self.profile.rough_for, calls, troubles);
        self.plan_views();
        self.run_for(self.profile.rough_for)?;
        self.go_on()?;
        self.calm();
        self.plan_calm_wants();
        self.run_for(LONGEST + OUTCOME_WITHIN + LAZINESS * 2)?;
        self.truth.all_ended(self.now)?;
        self.meet()?;
        self.check_progress()?;
        self.run_for(OFFER_LIFE + OUTCOME_WITHIN)?;
        // [N38]
        self.check_agreement()?;
        self.give_everything_up();
        self.run_for(OUTCOME_WITHIN)?;
        // [N46]
        self.check_tables()?;
        self.check_views()
    }

    /// Until the history is as long as is promised of each.
    fn go_on(&mut self) -> Step {
        for _ in 0..ROUNDS {
            let summary = &self.summary;
            let missing = summary.faults < FAULTS_LEAST;
            if summary.calls >= self.rough_calls_least()
                && summary.capabilities >= CAPABILITIES_LEAST
                && !missing
            {
                return Ok(());
            }
            let troubles = if missing { ROUND_TROUBLES } else { 0 };
            self.profile.capability = ROUND_CAPABILITY;
            self.unstick();
            self.plan_trouble(ROUND, ROUND_CALLS, troubles);
            self.run_for(ROUND)?;
        }
        Err(self.unfair(format!("so little happens: {}", self.summary)))
    }

    /// What the calm will not bring of a history's calls, and half of them at least.
    fn rough_calls_least(&self) -> u64 {
        let nodes = self.machines.len() as u64;
        let pairs = nodes * (nodes - 1);
        let calm = pairs * SLOTS as u64 + pairs;
        CALLS_LEAST.saturating_sub(calm).max(CALLS_LEAST / 2)
    }

    fn plan_trouble(&mut self, span: Duration, calls: u32, troubles: u32) {
        let nodes = self.machines.len();
        for _ in 0..calls {
            let at = up_to(&mut self.rng, span);
            let node = self.rng.usize(..nodes);
            self.plan(at, Event::Issue { node });
        }
        for _ in 0..troubles {
            let at = up_to(&mut self.rng, span);
            let kind = self.rng.usize(..self.profile.kinds.len());
            let trouble = self.profile.kinds[kind];
            self.plan(at, Event::Trouble(trouble));
        }
    }

    /// The last fault has been.
    fn calm(&mut self) {
        self.note(|| "from here on all is well".into());
        self.profile.calm();
        self.network.heal_all();
        self.truth.calm_since(self.now);
        for node in 0..self.machines.len() {
            if self.machines[node].power == Power::Off {
                self.power_on(node);
            }
        }
        self.unstick();
    }

    /// Every handler that is at work ends.
    fn unstick(&mut self) {
        for node in 0..self.machines.len() {
            let incarnation = self.machines[node].incarnation;
            let stuck: Vec<usize> = self.machines[node].working.keys().copied().collect();
            for id in stuck {
                self.plan(
                    Duration::ZERO,
                    Event::Done {
                        node,
                        incarnation,
                        id,
                    },
                );
            }
        }
    }

    /// Every two machines come to have one session. A side may still believe in an old one: its first call may fail.
    fn meet(&mut self) -> Step {
        let nodes = self.machines.len();
        for round in 0..2 {
            for (a, b) in (0..nodes).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let (from, to) = if round == 0 { (a, b) } else { (b, a) };
                self.call_bootstrap(from, to)?;
            }
            self.run_for(OUTCOME_WITHIN)?;
        }
        Ok(())
    }

    /// All is quiet: what one machine has lent is what the other holds.
    fn check_agreement(&mut self) -> Step {
        for (from, to) in self.pairs() {
            let exporter = self.machines[from].endpoint.occupancy(node_id(to));
            let importer = self.machines[to].endpoint.occupancy(node_id(from));
            let (Some(exporter), Some(importer)) = (exporter, importer) else {
                continue;
            };
            let held = self.machines[to]
                .held
                .iter()
                .filter(|held| held.import.node() == node_id(from));
            let all = held.count();
            if exporter.exports != all || importer.imports != all {
                let what = format!(
                    "{to} holds {all} capabilities of {from}; its table has {}, and {from} has {} exports",
                    importer.imports, exporter.exports
                );
                return Err(self.wrong_tables(what));
            }
        }
        Ok(())
    }

    fn give_everything_up(&mut self) {
        for node in 0..self.machines.len() {
            let now = self.local(node);
            let machine = &mut self.machines[node];
            for held in std::mem::take(&mut machine.held) {
                machine.endpoint.release(now, held.import);
                self.truth.given_up(held.object);
            }
            self.touch(node);
        }
    }

    fn check_tables(&mut self) -> Step {
        for (node, peer) in self.pairs() {
            let occupancy = self.machines[node].endpoint.occupancy(node_id(peer));
            if occupancy != Some(Occupancy::default()) {
                let what = format!("{node} has not emptied its tables for {peer}: {occupancy:?}");
                return Err(self.wrong_tables(what));
            }
        }
        for (node, machine) in self.machines.iter().enumerate() {
            if !machine.exported.is_empty() {
                let what = format!(
                    "{node} was never told that it may take back {:?}",
                    machine.exported
                );
                return Err(self.wrong_tables(what));
            }
        }
        Ok(())
    }

    fn check_progress(&mut self) -> Step {
        let first = self.truth.next_id();
        for (from, to) in self.pairs() {
            for _ in 0..SLOTS {
                self.call_bootstrap(from, to)?;
                let id = self.truth.next_id() - 1;
                self.truth.must_succeed(id);
            }
        }
        self.run_for(OUTCOME_WITHIN)?;
        for id in first..self.truth.next_id() {
            let outcome = self.truth.outcome(id);
            if outcome != Some(Ok(())) {
                return Err(Violation {
                    call: Some(id),
                    ..self.unfair(format!("all is well, and call {id} ends so: {outcome:?}"))
                });
            }
        }
        Ok(())
    }

    fn call_bootstrap(&mut self, from: usize, to: usize) -> Step {
        let id = self.call(from, Target::Bootstrap(node_id(to)), to, 0, OUTCOME_WITHIN)?;
        if id.is_none() {
            return Err(self.unfair(format!("all is well, and {from} cannot call {to}")));
        }
        self.touch(from);
        Ok(())
    }

    /// Every two different machines, in both orders.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let nodes = self.machines.len();
        (0..nodes)
            .flat_map(move |a| (0..nodes).map(move |b| (a, b)))
            .filter(|(a, b)| a != b)
    }

    fn wrong_tables(&self, what: String) -> Violation {
        Violation {
            checker: Checker::Tables,
            at: self.now,
            call: None,
            what,
        }
    }
}
