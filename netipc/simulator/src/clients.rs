//! What applications do on the simulated machines: they call, give up, and hold capabilities.

use std::time::Duration;

use netipc_protocol::limits::ONE_WAY_SHARE;
use netipc_protocol::{
    Call as LocalCall, ExportId, Given, NotExecuted, Object, Target, WORDS_MAX, Way,
};

use crate::agenda::Event;
use crate::machine::{COMPONENTS, Held, index_of, node_id};
use crate::network::{chance, up_to};
use crate::truth::{Call, Checker, Truth};
use crate::world::{Step, World};
use crate::{SLOTS, Violation};

impl World {
    /// An application on `node` calls something.
    pub(crate) fn issue(&mut self, node: usize) -> Step {
        let nodes = self.machines.len();
        let held = &self.machines[node].held;
        if !held.is_empty() && self.rng.bool() {
            let held = held[self.rng.usize(..held.len())];
            let callee = index_of(held.import.node());
            return self.issue_call(node, Target::Import(held.import), callee, held.object);
        }
        let peer = (node + self.rng.usize(1..nodes)) % nodes;
        self.issue_to(node, peer)
    }

    /// An application on `node` calls the bootstrap export of `peer`.
    pub(crate) fn issue_to(&mut self, node: usize, peer: usize) -> Step {
        self.issue_call(node, Target::Bootstrap(node_id(peer)), peer, 0)
    }

    fn issue_call(&mut self, node: usize, target: Target, callee: usize, object: u64) -> Step {
        let budget = Duration::from_millis(1) + up_to(&mut self.rng, self.profile.budget);
        let id = self.call(node, target, callee, object, budget)?;
        if let Some(id) = id
            && chance(&mut self.rng, self.profile.cancel)
        {
            let later = up_to(&mut self.rng, budget);
            let incarnation = self.machines[node].incarnation;
            self.plan(
                later,
                Event::Cancel {
                    node,
                    incarnation,
                    id,
                },
            );
        }
        Ok(())
    }

    /// Makes a call; its number if it was accepted.
    pub(crate) fn call(
        &mut self,
        node: usize,
        target: Target,
        callee: usize,
        object: u64,
        budget: Duration,
    ) -> Result<Option<usize>, Violation> {
        let id = self.truth.next_id();
        let way = if chance(&mut self.rng, self.profile.one_way) {
            Way::OneWay
        } else {
            Way::Call
        };
        let count = match self.rng.u8(..16) {
            0 => self.rng.usize(..=WORDS_MAX),
            small => usize::from(small % 8),
        };
        let lends = match way {
            Way::Call => self.something_to_lend(id),
            Way::OneWay => None,
        };
        let sends = match lends {
            Some(_) => None,
            None => self.something_to_send(node, callee),
        };
        let mut words = [0; WORDS_MAX];
        for (index, word) in words.iter_mut().enumerate().take(count) {
            *word = pattern(id, index);
        }
        let call = LocalCall {
            token: token_of(id),
            target,
            way,
            budget: Some(budget),
            label: id as u64,
            words: &words[..count],
            capability: lends
                .map(|(given, _)| given)
                .or(sends.map(|(given, _)| given)),
        };
        let sent = sends.map(|(_, object)| object);
        let local = self.local(node);
        let accepted = self.machines[node].endpoint.call(local, &call);
        self.on(node, Some(id), || {
            let lent = lends.map(|(_, loan)| loan);
            format!("call {id}: {way:?} to object {object} of {callee}, {count} words, {sent:?}, {lent:?}, within {budget:?}: {accepted:?}")
        });
        match accepted {
            Ok(call_id) => {
                self.summary.calls += 1;
                let truth = Call::new(node, callee, way, object, sent, count);
                let id = self.truth.called((self.now, local), budget, truth);
                if let Some((_, loan)) = lends {
                    self.truth.lends(id, loan);
                }
                self.machines[node].open.insert(id, call_id);
                self.check_credit(node, callee)?;
                self.sent(node, sends);
                Ok(Some(id))
            }
            Err(reason) => {
                if let Some((Given::Export(export), object)) = sends {
                    self.truth.revoked(object);
                    self.machines[node].endpoint.revoke(export);
                }
                let is_revoked = |object| self.truth.may_be_revoked(object);
                let revoked = reason == NotExecuted::Revoked
                    && (is_revoked(object) || sent.is_some_and(is_revoked));
                if Truth::may_refuse(reason) || revoked {
                    Ok(None)
                } else {
                    Err(self.broken(id, format!("call {id} is refused without reason: {reason}")))
                }
            }
        }
    }

    /// Perhaps a capability: a new one, or one that `to` had lent, which goes home.
    pub(crate) fn something_to_send(&mut self, node: usize, to: usize) -> Option<(Given, u64)> {
        if !chance(&mut self.rng, self.profile.capability) {
            return None;
        }
        let mut held = self.machines[node].held.iter();
        let theirs = held.find(|held| held.import.node() == node_id(to)).copied();
        match theirs {
            Some(held) if self.rng.bool() => Some((Given::Import(held.import), held.object)),
            _ if self.rng.u8(..3) == 0 => {
                // Of a third machine, if it holds one.
                let mut held = self.machines[node].held.iter();
                let foreign = held.find(|held| held.import.node() != node_id(to))?;
                Some((Given::Import(foreign.import), foreign.object))
            }
            _ => {
                let (export, object) = self.export(node, to)?;
                Some((Given::Export(export), object))
            }
        }
    }

    /// What was sent home is perhaps given up at once: it must arrive all the same.
    pub(crate) fn sent(&mut self, node: usize, sends: Option<(Given, u64)>) {
        let Some((Given::Import(import), _)) = sends else {
            return;
        };
        let mut held = self.machines[node].held.iter();
        let held = held.find(|held| held.import == import).copied();
        if let Some(held) = held
            && self.rng.bool()
        {
            self.release(node, held);
        }
    }

    /// An application waits no longer.
    pub(crate) fn cancel(&mut self, node: usize, id: usize) {
        if let Some(call) = self.machines[node].open.get(&id).copied() {
            self.on(node, Some(id), || format!("cancels call {id}"));
            self.truth.cancelled(id);
            let local = self.local(node);
            self.machines[node].endpoint.cancel(local, call);
        }
    }

    /// An application has no more use for a capability, perhaps after a last call.
    pub(crate) fn give_up(&mut self, node: usize, held: Held) -> Step {
        let still = self.machines[node]
            .held
            .iter()
            .any(|other| other.import == held.import);
        if still && self.rng.bool() {
            let callee = index_of(held.import.node());
            let budget = self.profile.budget;
            self.call(
                node,
                Target::Import(held.import),
                callee,
                held.object,
                budget,
            )?;
            if self.rng.bool() {
                // The last call leaves before the release does.
                self.transmit(node)?;
            }
        }
        self.release(node, held);
        Ok(())
    }

    /// Gives a capability back.
    pub(crate) fn release(&mut self, node: usize, held: Held) {
        self.on(node, None, || format!("gives up object {}", held.object));
        let local = self.local(node);
        let machine = &mut self.machines[node];
        machine.held.retain(|other| other.import != held.import);
        machine.endpoint.release(local, held.import);
        self.truth.given_up(held.object);
    }

    /// A machine has come to hold a capability: for some time, or until all is given up.
    pub(crate) fn hold(&mut self, node: usize, mut held: Held) {
        self.summary.capabilities += 1;
        held.component = self.rng.u8(..COMPONENTS);
        self.machines[node].held.push(held);
        if self.rng.u8(..4) > 0 {
            let later = up_to(&mut self.rng, Duration::from_millis(100));
            let incarnation = self.machines[node].incarnation;
            self.plan(
                later,
                Event::GiveUp {
                    node,
                    incarnation,
                    held,
                },
            );
        }
    }

    /// Exports a new object to a peer, if there is room.
    pub(crate) fn export(&mut self, node: usize, to: usize) -> Option<(ExportId, u64)> {
        let object = self.truth.next_object();
        let machine = &mut self.machines[node];
        let export = machine.endpoint.export(node_id(to), Object(object)).ok()?;
        machine.exported.push((object, export));
        self.truth.exported(node);
        Some((export, object))
    }

    /// One-way messages are bounded: nobody can fill a peer's slots with them.
    fn check_credit(&self, node: usize, callee: usize) -> Step {
        const CREDIT: usize = SLOTS.div_ceil(ONE_WAY_SHARE);
        let occupancy = self.machines[node].endpoint.occupancy(node_id(callee));
        match occupancy {
            Some(occupancy) if occupancy.one_ways > CREDIT => Err(Violation {
                checker: Checker::Memory,
                at: self.now,
                call: None,
                what: format!(
                    "{node} has {} one-way messages open at {callee}",
                    occupancy.one_ways
                ),
            }),
            _ => Ok(()),
        }
    }

    pub(crate) fn broken(&self, call: usize, what: String) -> Violation {
        Violation {
            checker: Checker::Truth,
            at: self.now,
            call: Some(call),
            what,
        }
    }
}

/// The component that makes a call.
pub(crate) const fn client_of(id: usize) -> u8 {
    (id % COMPONENTS as usize) as u8
}

/// A call's number is its token.
pub(crate) fn token_of(id: usize) -> netipc_protocol::Token {
    netipc_protocol::Token(id as u64)
}

/// The words of a request; a reply's are their complement.
pub(crate) fn pattern(id: usize, index: usize) -> u64 {
    (id as u64 + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left((index % 64) as u32)
        .wrapping_add(index as u64)
}
