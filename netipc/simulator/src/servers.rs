//! What the workers and the servers do on the simulated machines.

use std::time::Duration;

use netipc_protocol::bulk::Loan;
use netipc_protocol::{
    Answer, Execution, Given, ImportId, NotExecuted, Received, Request, Unknown, WORDS_MAX, Way,
};

use crate::agenda::Event;
use crate::clients::{client_of, pattern};
use crate::faults::Fault;
use crate::machine::{COMPONENTS, Held, Work, index_of};
use crate::network::{chance, up_to};
use crate::world::{Step, World};

/// Requests that may wait for a worker; more are turned away.
const WAITING_MAX: usize = 6;

impl World {
    pub(crate) fn delivered(&mut self, node: usize, execution: Execution, object: u64) {
        let local = self.local(node);
        let machine = &mut self.machines[node];
        if machine.waiting.len() < WAITING_MAX {
            machine.waiting.push_back((execution, object));
            return;
        }
        let answer = Answer::NotExecuted(NotExecuted::Overload);
        // Stale is as good: then its caller knows already.
        let _ = machine.endpoint.finish(local, execution, &answer);
    }

    pub(crate) fn abandoned(&mut self, node: usize, execution: Execution) {
        let working = &mut self.machines[node].working;
        let id = working
            .iter()
            .find(|(_, work)| work.execution == execution)
            .map(|(id, _)| *id);
        // Some workers are aborted, others work on for nobody.
        if let Some(id) = id
            && self.rng.bool()
        {
            working.remove(&id);
        }
    }

    /// Free workers take requests.
    pub(crate) fn work(&mut self, node: usize) -> Step {
        while self.machines[node].working.len() < self.profile.workers {
            let Some((execution, object)) = self.machines[node].waiting.pop_front() else {
                break;
            };
            self.start(node, execution, object)?;
        }
        Ok(())
    }

    fn start(&mut self, node: usize, execution: Execution, object: u64) -> Step {
        let local = self.local(node);
        let Ok(request) = self.machines[node].endpoint.start(local, execution) else {
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
            return Err(self.broken(id, format!("call {id}, which nobody made, is started")));
        };
        let right = words.len() == call.words
            && (0..)
                .zip(words)
                .all(|(index, word)| *word == pattern(id, index))
            && (call.sends.is_some() || call.loan.is_some()) == capability.is_some()
            && call.loan == loan_of(capability)
            && request.object.map_or(0, |object| object.0) == object;
        let sends = call.sends;
        self.on(node, Some(id), || {
            format!("starts call {id} in session {}", execution.session())
        });
        self.truth
            .started(self.now, id, node, execution.session(), object)?;
        if !right {
            return Err(self.broken(id, format!("call {id} is not what was sent")));
        }
        if let (Some(came), Some(object)) = (capability, sends) {
            self.came(node, id, came, object)?;
        }
        let work = Work {
            execution,
            object,
            came: match capability {
                Some(Received::Import(import)) => Some(import),
                Some(Received::Home(_) | Received::Loan(_)) | None => None,
            },
            loan: loan_of(capability),
        };
        self.machines[node].working.insert(id, work);
        if let Some(loan) = work.loan
            && self.move_something(node, id, execution, loan)
            // Mostly the server waits for its end.
            && (self.truth.is_calm() || self.rng.u8(..8) > 0)
        {
            return Ok(());
        }
        self.plan_done(node, id);
        Ok(())
    }

    /// A worker will be done, some time.
    pub(crate) fn plan_done(&mut self, node: usize, id: usize) {
        let incarnation = self.machines[node].incarnation;
        let takes = if chance(&mut self.rng, self.profile.stuck_handler) {
            self.fault(Fault::StuckHandler);
            return;
        } else if chance(&mut self.rng, self.profile.slow_handler) {
            self.fault(Fault::SlowHandler);
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
    }

    /// A worker is done.
    pub(crate) fn done(&mut self, node: usize, id: usize) {
        let Some(Work { execution, .. }) = self.machines[node].working.remove(&id) else {
            return;
        };
        if chance(&mut self.rng, self.profile.aborted) {
            self.fault(Fault::Abort);
            self.finish(node, id, execution, &Answer::Unknown(Unknown::Aborted));
            return;
        }
        let is_call = self
            .truth
            .call(id)
            .is_some_and(|call| call.way == Way::Call);
        let sends = if is_call {
            self.something_to_send(node, index_of(execution.node()))
        } else {
            None
        };
        let count = self.truth.call(id).map_or(0, |call| call.words);
        let mut words = [0; WORDS_MAX];
        for (index, word) in words.iter_mut().enumerate().take(count) {
            *word = !pattern(id, index);
        }
        let answer = Answer::Reply {
            label: id as u64,
            words: &words[..count],
            capability: sends.map(|(given, _)| given),
        };
        if self.finish(node, id, execution, &answer) {
            self.truth
                .answered(self.now, id, sends.map(|(_, object)| object));
            self.sent(node, sends);
        } else if let Some((Given::Export(_), object)) = sends {
            // The protocol takes back what nobody waits for.
            self.truth.revoked(object);
        }
    }

    /// Tells the protocol what has become of a request; whether it still wanted to know.
    fn finish(
        &mut self,
        node: usize,
        id: usize,
        execution: Execution,
        answer: &Answer<'_>,
    ) -> bool {
        let local = self.local(node);
        let finished = self.machines[node]
            .endpoint
            .finish(local, execution, answer);
        self.on(node, Some(id), || {
            let answer = match answer {
                Answer::Reply { capability, .. } => format!("reply, {capability:?}"),
                other => format!("{other:?}"),
            };
            format!("finishes call {id}: {answer}: {finished:?}")
        });
        finished.is_ok()
    }

    /// A component dies: what it waits for is cancelled, what it holds is given up, what it serves is revoked and answered for.
    pub(crate) fn component_dies(&mut self, node: usize, component: u8) -> Step {
        self.on(node, None, || format!("its component {component} dies"));
        let waits: Vec<usize> = self.machines[node]
            .open
            .keys()
            .copied()
            .filter(|id| client_of(*id) == component)
            .collect();
        for id in waits {
            self.cancel(node, id);
        }
        let held: Vec<Held> = self.machines[node]
            .held
            .iter()
            .copied()
            .filter(|held| held.component == component)
            .collect();
        for held in held {
            self.release(node, held);
        }
        let serves: Vec<_> = self.machines[node]
            .exported
            .iter()
            .copied()
            .filter(|(object, _)| server_of(self.truth.origin(*object)) == Some(component))
            .collect();
        // What was handed on from something that is still there goes with it.
        // One that has not looked at its events does not know what is: something may have been given up, and what was handed on from it lives on.
        let there: Vec<u64> = match self.machines[node].lazy {
            true => Vec::new(),
            false => serves.iter().map(|(object, _)| *object).collect(),
        };
        let serves: Vec<_> = serves
            .into_iter()
            .filter(|(object, _)| {
                let mut above = self.truth.parent(*object);
                while let Some(object) = above {
                    if there.contains(&object) {
                        return false;
                    }
                    above = self.truth.parent(object);
                }
                true
            })
            .collect();
        for (object, export) in serves {
            self.on(node, None, || format!("revokes object {object}"));
            self.truth.revoked(object);
            self.machines[node].endpoint.revoke(export);
        }
        let works: Vec<(usize, Work)> = self.machines[node]
            .working
            .iter()
            .map(|(id, work)| (*id, *work))
            .filter(|(_, work)| server_of(self.truth.origin(work.object)) == Some(component))
            .collect();
        for (id, work) in works {
            self.machines[node].working.remove(&id);
            // The kernel knows whether the server had received it.
            let answer = if self.rng.bool() {
                Answer::Unknown(Unknown::ComponentDied)
            } else {
                self.truth.never_received(id);
                self.give_back(node, work.came);
                Answer::NotExecuted(NotExecuted::ComponentDied)
            };
            self.finish(node, id, work.execution, &answer);
        }
        self.visit(node)
    }

    /// A request was never received, nor was the capability that came with it.
    fn give_back(&mut self, node: usize, came: Option<ImportId>) {
        let mut held = self.machines[node].held.iter();
        if let Some(held) = held.find(|held| Some(held.import) == came).copied() {
            self.release(node, held);
        }
    }
}

/// The memory that came, if that is what came.
const fn loan_of(came: Option<Received>) -> Option<Loan> {
    match came {
        Some(Received::Loan(loan)) => Some(loan),
        _ => None,
    }
}

/// The component that serves an object.
const fn server_of(object: u64) -> Option<u8> {
    match object {
        0 => None,
        object => Some((object % COMPONENTS as u64) as u8),
    }
}
