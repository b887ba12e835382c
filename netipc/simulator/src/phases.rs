//! The course of a history: trouble, calm, and what must hold then.

use std::time::Duration;

use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_protocol::{Occupancy, Target};

use crate::machine::{Power, node_id};
use crate::network::up_to;
use crate::profile::LONGEST;
use crate::truth::{Checker, LAZINESS};
use crate::world::{Event, Step, World};
use crate::{SLOTS, Violation};

impl World {
    /// First everything goes wrong, then nothing: what was begun must come to its end, and what is new must succeed.
    pub(crate) fn phases(&mut self) -> Step {
        let text = format!("{:?}", self.profile);
        self.note(|| text);
        for node in 0..self.machines.len() {
            self.power_on(node);
        }
        self.plan_trouble();
        self.run_for(self.profile.rough_for)?;
        self.calm();
        self.run_for(LONGEST + OUTCOME_WITHIN + LAZINESS)?;
        self.truth.all_ended(self.now)?;
        self.meet()?;
        self.give_everything_up();
        self.run_for(OUTCOME_WITHIN)?;
        self.check_tables()?;
        self.check_progress()
    }

    fn plan_trouble(&mut self) {
        let nodes = self.machines.len();
        for _ in 0..self.profile.calls {
            let at = up_to(&mut self.rng, self.profile.rough_for);
            let node = self.rng.usize(..nodes);
            self.plan(at, Event::Issue { node });
        }
        for _ in 0..self.profile.cuts {
            let at = up_to(&mut self.rng, self.profile.rough_for);
            let from = self.rng.usize(..nodes);
            let to = (from + self.rng.usize(1..nodes)) % nodes;
            let lasting = up_to(&mut self.rng, OUTCOME_WITHIN * 2);
            self.plan(at, Event::Cut { from, to, lasting });
            if self.rng.bool() {
                let back = Event::Cut {
                    from: to,
                    to: from,
                    lasting,
                };
                self.plan(at, back);
            }
        }
    }

    /// The last fault has been.
    fn calm(&mut self) {
        self.note(|| "-- from here on all is well --".into());
        self.profile.calm();
        self.network.heal_all();
        for node in 0..self.machines.len() {
            if self.machines[node].power == Power::Off {
                self.power_on(node);
            }
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

    fn give_everything_up(&mut self) {
        for node in 0..self.machines.len() {
            let now = self.now;
            let machine = &mut self.machines[node];
            for held in std::mem::take(&mut machine.held) {
                machine.endpoint.release(now, held.import);
                self.truth.given_up(held.object);
            }
            self.touch(node);
        }
    }

    fn check_tables(&mut self) -> Step {
        for node in 0..self.machines.len() {
            for peer in (0..self.machines.len()).filter(|peer| *peer != node) {
                let occupancy = self.machines[node].endpoint.occupancy(node_id(peer));
                if occupancy != Some(Occupancy::default()) {
                    return Err(Violation {
                        checker: Checker::Tables,
                        at: self.now,
                        what: format!(
                            "{node} has not emptied its tables for {peer}: {occupancy:?}"
                        ),
                    });
                }
            }
        }
        Ok(())
    }

    fn check_progress(&mut self) -> Step {
        let nodes = self.machines.len();
        let first = self.truth.next_id();
        for (from, to) in (0..nodes).flat_map(|a| (0..nodes).map(move |b| (a, b))) {
            for _ in 0..SLOTS * usize::from(from != to) {
                self.call_bootstrap(from, to)?;
            }
        }
        self.run_for(OUTCOME_WITHIN)?;
        for id in first..self.truth.next_id() {
            if self.truth.outcome(id) != Some(Ok(())) {
                return Err(Violation {
                    checker: Checker::Progress,
                    at: self.now,
                    what: format!(
                        "all is well, and call {id} ends so: {:?}",
                        self.truth.outcome(id)
                    ),
                });
            }
        }
        self.check_tables()
    }

    fn call_bootstrap(&mut self, from: usize, to: usize) -> Step {
        let id = self.call(from, Target::Bootstrap(node_id(to)), to, 0, OUTCOME_WITHIN)?;
        if id.is_none() {
            return Err(Violation {
                checker: Checker::Progress,
                at: self.now,
                what: format!("all is well, and {from} cannot call {to}"),
            });
        }
        self.touch(from);
        Ok(())
    }
}
