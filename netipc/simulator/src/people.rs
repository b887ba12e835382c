//! What applications and servers do on the simulated machines.

use std::time::Duration;

use netipc_protocol::{
    Answer, Call as LocalCall, Event as Local, Execution, Object, Outcome, Request, Target,
    Unknown, WORDS_MAX, Way,
};

use crate::Violation;
use crate::machine::{Held, index_of, node_id};
use crate::network::{chance, up_to};
use crate::truth::{Call, Checker, Truth};
use crate::world::{Event, Step, World, token_of};

/// Requests that may wait for a worker; more are turned away.
const WAITING_MAX: usize = 6;

/// What an endpoint has said, without what it had borrowed.
enum Heard {
    Complete {
        id: usize,
        result: Result<Arrived, Outcome>,
    },
    Deliver(Execution, u64),
    Abandoned(Execution),
    Down(netipc_protocol::SessionId),
    Up,
    Nothing,
}

/// A reply, compared with what it should be.
struct Arrived {
    right: bool,
    import: Option<netipc_protocol::ImportId>,
}

impl World {
    /// An application on `node` calls something.
    pub(crate) fn issue(&mut self, node: usize) -> Step {
        let nodes = self.machines.len();
        let held = &self.machines[node].held;
        let (target, callee, object) = if !held.is_empty() && self.rng.bool() {
            let held = held[self.rng.usize(..held.len())];
            (
                Target::Import(held.import),
                index_of(held.import.node()),
                held.object,
            )
        } else {
            let peer = (node + self.rng.usize(1..nodes)) % nodes;
            (Target::Bootstrap(node_id(peer)), peer, 0)
        };
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
        let count = match self.rng.u8(..8) {
            0 => self.rng.usize(..=WORDS_MAX),
            small => usize::from(small) - 1,
        };
        let sends = if chance(&mut self.rng, self.profile.capability) {
            self.export(node, callee)
        } else {
            None
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
            capability: sends.map(|(export, _)| export),
        };
        let sent = sends.map(|(_, object)| object);
        let accepted = self.machines[node].endpoint.call(self.now, &call);
        self.note(|| {
            format!("{node} call {id}: {way:?} to object {object} of {callee}, {count} words, {sent:?}, within {budget:?}: {accepted:?}")
        });
        match accepted {
            Ok(call_id) => {
                self.summary.calls += 1;
                let truth = Call::new(node, callee, way, object, sent, count);
                let id = self.truth.called(self.now, budget, truth);
                self.machines[node].open.insert(id, call_id);
                Ok(Some(id))
            }
            Err(reason) => {
                if let Some((export, _)) = sends {
                    self.machines[node].endpoint.revoke(export);
                }
                if Truth::may_refuse(reason) {
                    Ok(None)
                } else {
                    Err(self.broken(format!("call {id} is refused without reason: {reason}")))
                }
            }
        }
    }

    /// An application waits no longer.
    pub(crate) fn cancel(&mut self, node: usize, id: usize) {
        if let Some(call) = self.machines[node].open.get(&id).copied() {
            self.note(|| format!("{node} cancels call {id}"));
            self.machines[node].endpoint.cancel(self.now, call);
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
        let machine = &mut self.machines[node];
        machine.held.retain(|other| other.import != held.import);
        machine.endpoint.release(self.now, held.import);
        self.truth.given_up(held.object);
        Ok(())
    }

    /// A worker is done.
    pub(crate) fn done(&mut self, node: usize, id: usize) {
        let Some(execution) = self.machines[node].working.remove(&id) else {
            return;
        };
        let is_call = self
            .truth
            .call(id)
            .is_some_and(|call| call.way == Way::Call);
        let aborted = chance(&mut self.rng, self.profile.aborted);
        let sends = if !aborted && is_call && chance(&mut self.rng, self.profile.capability) {
            self.export(node, index_of(execution.node()))
        } else {
            None
        };
        let count = self.truth.call(id).map_or(0, |call| call.words);
        let mut words = [0; WORDS_MAX];
        for (index, word) in words.iter_mut().enumerate().take(count) {
            *word = !pattern(id, index);
        }
        let answer = if aborted {
            Answer::Unknown(Unknown::Aborted)
        } else {
            Answer::Reply {
                label: id as u64,
                words: &words[..count],
                capability: sends.map(|(export, _)| export),
            }
        };
        let sent = sends.map(|(_, object)| object);
        let finished = self.machines[node].endpoint.finish(execution, &answer);
        self.note(|| {
            format!("{node} finishes call {id}: aborted {aborted}, {sent:?}: {finished:?}")
        });
        if finished.is_ok() && !aborted {
            self.truth.answered(id, sent);
        }
    }

    /// A machine looks at its events and does what they ask for.
    pub(crate) fn attend(&mut self, node: usize) -> Step {
        loop {
            match self.hear(node) {
                None => return self.work(node),
                Some(Heard::Complete { id, result }) => self.ended(node, id, result)?,
                Some(Heard::Deliver(execution, object)) => self.delivered(node, execution, object),
                Some(Heard::Abandoned(execution)) => self.abandoned(node, execution),
                Some(Heard::Down(session)) => {
                    self.note(|| format!("{node}: session {session} is over"));
                    self.machines[node]
                        .held
                        .retain(|held| held.import.session() != session);
                }
                Some(Heard::Up) => self.summary.sessions += 1,
                Some(Heard::Nothing) => {}
            }
        }
    }

    fn hear(&mut self, node: usize) -> Option<Heard> {
        let truth = &self.truth;
        Some(match self.machines[node].endpoint.poll_event()? {
            Local::Complete { token, result } => {
                let id = token.0 as usize;
                let result = result.map(|reply| Arrived {
                    right: reply.label == token.0
                        && truth
                            .call(id)
                            .is_some_and(|call| call.words == reply.words.len())
                        && (0..)
                            .zip(reply.words)
                            .all(|(index, word)| *word == !pattern(id, index)),
                    import: reply.capability,
                });
                Heard::Complete { id, result }
            }
            Local::Deliver {
                execution, object, ..
            } => Heard::Deliver(execution, object.map_or(0, |object| object.0)),
            Local::Abandoned { execution } => Heard::Abandoned(execution),
            Local::Down { session, .. } => Heard::Down(session),
            Local::Up { .. } => Heard::Up,
            Local::Released { .. } => Heard::Nothing,
        })
    }

    fn ended(&mut self, node: usize, id: usize, result: Result<Arrived, Outcome>) -> Step {
        self.machines[node].open.remove(&id);
        let outcome = result.as_ref().map(|_| ()).map_err(|outcome| *outcome);
        self.note(|| format!("{node} call {id} ends: {outcome:?}"));
        let Some(call) = self.truth.call(id) else {
            return Err(self.broken(format!("an outcome for call {id}, which nobody made")));
        };
        let heard = self.machines[node].heard[call.callee];
        let replied = call.replied.flatten();
        match outcome {
            Ok(()) => self.summary.replies += 1,
            Err(Outcome::NotExecuted(_)) => self.summary.not_executed += 1,
            Err(Outcome::Unknown(_)) => self.summary.unknown += 1,
        }
        self.truth.ended(self.now, id, heard, outcome)?;
        let Ok(arrived) = result else {
            return Ok(());
        };
        if !arrived.right {
            return Err(self.broken(format!("call {id} has a wrong answer")));
        }
        match (arrived.import, replied) {
            (None, None) => Ok(()),
            (Some(import), Some(object)) => {
                self.hold(node, Held { import, object });
                Ok(())
            }
            (import, object) => Err(self.broken(format!(
                "call {id} was answered with {object:?} and got {import:?}"
            ))),
        }
    }

    fn delivered(&mut self, node: usize, execution: Execution, object: u64) {
        let machine = &mut self.machines[node];
        if machine.waiting.len() < WAITING_MAX {
            machine.waiting.push_back((execution, object));
            return;
        }
        let answer = Answer::NotExecuted(netipc_protocol::NotExecuted::Overload);
        // Stale is as good: then its caller knows already.
        let _ = machine.endpoint.finish(execution, &answer);
    }

    fn abandoned(&mut self, node: usize, execution: Execution) {
        let working = &mut self.machines[node].working;
        let id = working
            .iter()
            .find(|(_, other)| **other == execution)
            .map(|(id, _)| *id);
        // Some workers are aborted, others work on for nobody.
        if let Some(id) = id
            && self.rng.bool()
        {
            working.remove(&id);
        }
    }

    /// Free workers take requests.
    fn work(&mut self, node: usize) -> Step {
        while self.machines[node].working.len() < self.profile.workers {
            let Some((execution, object)) = self.machines[node].waiting.pop_front() else {
                break;
            };
            self.start(node, execution, object)?;
        }
        Ok(())
    }

    fn start(&mut self, node: usize, execution: Execution, object: u64) -> Step {
        let request = self.machines[node].endpoint.start(self.now, execution);
        let Ok(request) = request else {
            return Ok(());
        };
        let Request {
            label,
            words,
            capability,
            ..
        } = request;
        let id = label as usize;
        let Some(call) = self.truth.call(id) else {
            return Err(self.broken(format!("call {id}, which nobody made, is started")));
        };
        let right = words.len() == call.words
            && (0..)
                .zip(words)
                .all(|(index, word)| *word == pattern(id, index))
            && call.sends.is_some() == capability.is_some()
            && request.object.map_or(0, |object| object.0) == object;
        let sends = call.sends;
        self.note(|| format!("{node} starts call {id} in session {}", execution.session()));
        self.truth
            .started(self.now, id, node, execution.session(), object)?;
        if !right {
            return Err(self.broken(format!("call {id} is not what was sent")));
        }
        if let (Some(import), Some(object)) = (capability, sends) {
            self.hold(node, Held { import, object });
        }
        self.machines[node].working.insert(id, execution);
        let incarnation = self.machines[node].incarnation;
        let takes = if chance(&mut self.rng, self.profile.stuck_handler) {
            return Ok(());
        } else if chance(&mut self.rng, self.profile.slow_handler) {
            up_to(&mut self.rng, Duration::from_millis(200))
        } else {
            up_to(&mut self.rng, Duration::from_micros(200))
        };
        self.plan(
            takes,
            Event::Done {
                node,
                incarnation,
                id,
            },
        );
        Ok(())
    }

    /// A machine has come to hold a capability: for some time, or until all is given up.
    fn hold(&mut self, node: usize, held: Held) {
        self.summary.capabilities += 1;
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
    fn export(&mut self, node: usize, to: usize) -> Option<(netipc_protocol::ExportId, u64)> {
        let object = self.next_object;
        let export = self.machines[node]
            .endpoint
            .export(node_id(to), Object(object))
            .ok()?;
        self.next_object += 1;
        Some((export, object))
    }

    fn broken(&self, what: String) -> Violation {
        Violation {
            checker: Checker::Truth,
            at: self.now,
            what,
        }
    }
}

/// The words of a request; a reply's are their complement.
fn pattern(id: usize, index: usize) -> u64 {
    (id as u64 + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left((index % 64) as u32)
        .wrapping_add(index as u64)
}
