//! What the proxy, its workers and the servers do on the simulated machines.

use std::time::Duration;

use netipc_protocol::bulk::{Loan, TransferEnd};
use netipc_protocol::limits::{GRANTS, RELEASE_ACKS, TRANSFERS};
use netipc_protocol::{
    Answer, Asked, DownReason, Event as Local, Execution, Given, ImportId, NodeId, NotExecuted,
    Object, Outcome, Received, Request, SessionId, Unknown, WORDS_MAX, Way,
};

use crate::clients::{client_of, pattern};
use crate::faults::Fault;
use crate::machine::{COMPONENTS, Held, Machine, Work, index_of, node_id};
use crate::network::{chance, up_to};
use crate::truth::Checker;
use crate::world::{Event, Step, World};
use crate::{NODES_MAX, ROWS, SLOTS, Violation};

/// Requests that may wait for a worker; more are turned away.
const WAITING_MAX: usize = 6;

/// More events at one look are a machine that does not bound what it queues: for each peer an outcome, a delivery and an
/// abandonment for each slot, a capability back for each row, and what begins and ends a session.
const EVENTS_PER_LOOK: usize =
    (NODES_MAX as usize - 1) * (3 * SLOTS + 3 * ROWS + RELEASE_ACKS + GRANTS + TRANSFERS + 2);

/// What an endpoint has said, without what it had borrowed.
enum Heard {
    Complete {
        id: usize,
        result: Result<Arrived, Outcome>,
    },
    Deliver(Execution, u64),
    Abandoned(Execution),
    Released(u64),
    Revoked(ImportId),
    Asked(Asked, u64),
    RevocationComplete(u64),
    Down(SessionId, NodeId, DownReason),
    Up(SessionId, NodeId),
    Twin,
    Transferred(usize, Result<(), TransferEnd>),
}

/// A reply, compared with what it should be.
struct Arrived {
    right: bool,
    capability: Option<Received>,
}

impl World {
    /// A machine looks at its events and does what they ask for.
    pub(crate) fn attend(&mut self, node: usize) -> Step {
        let mut replaced = None;
        for _ in 0..=EVENTS_PER_LOOK {
            match self.hear(node) {
                None if replaced.is_some() => {
                    return Err(Violation {
                        checker: Checker::Sessions,
                        at: self.now,
                        call: None,
                        what: format!("{node} ends a session for another that it does not have"),
                    });
                }
                None => return self.work(node),
                Some(Heard::Complete { id, result }) => self.ended(node, id, result)?,
                Some(Heard::Deliver(execution, object)) => self.delivered(node, execution, object),
                Some(Heard::Abandoned(execution)) => self.abandoned(node, execution),
                Some(Heard::Down(session, peer, reason)) => {
                    self.session_over(node, session);
                    replaced = (reason != DownReason::PeerLost).then_some(peer);
                }
                Some(Heard::Up(session, peer)) => {
                    replaced = replaced.filter(|other| *other != peer);
                    self.summary.sessions += 1;
                    self.on(node, None, || format!("session {session} is open"));
                    self.machines[node].open_sessions.push(session);
                }
                Some(Heard::Released(object)) => self.taken_back(node, object)?,
                Some(Heard::Twin) => {
                    return Err(Violation {
                        checker: Checker::Truth,
                        at: self.now,
                        call: None,
                        what: format!("{node} believes that a machine is there twice"),
                    });
                }
                Some(Heard::Transferred(id, result)) => self.transferred(node, id, result)?,
                Some(Heard::Asked(asked, object)) => self.asked(node, asked, object),
                Some(Heard::Revoked(import)) => self.import_revoked(node, import),
                Some(Heard::RevocationComplete(object)) => {
                    self.on(node, None, || format!("revocation of {object} is complete"));
                    let holds =
                        |machine: &Machine| machine.held.iter().any(|held| held.object == object);
                    let holder = self.machines.iter().position(holds);
                    self.truth.completed(self.now, object, holder)?;
                }
            }
        }
        Err(Violation {
            checker: Checker::Memory,
            at: self.now,
            call: None,
            what: format!("{node} has more than {EVENTS_PER_LOOK} events at once"),
        })
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
                    capability: reply.capability,
                });
                Heard::Complete { id, result }
            }
            Local::Deliver {
                execution, object, ..
            } => Heard::Deliver(execution, object.map_or(0, |object| object.0)),
            Local::Abandoned { execution } => Heard::Abandoned(execution),
            Local::Down {
                session,
                node,
                reason,
            } => Heard::Down(session, node, reason),
            Local::Up { session, node } => Heard::Up(session, node),
            Local::Released { object } => Heard::Released(object.0),
            Local::Twin { .. } => Heard::Twin,
            Local::Transferred { token, result } => Heard::Transferred(token.0 as usize, result),
            Local::Revoked { import } => Heard::Revoked(import),
            Local::Asked { asked, object, .. } => Heard::Asked(asked, object.0),
            Local::RevocationComplete { object } => Heard::RevocationComplete(object.0),
        })
    }

    fn session_over(&mut self, node: usize, session: SessionId) {
        self.on(node, None, || format!("session {session} is over"));
        let machine = &mut self.machines[node];
        machine.held.retain(|held| held.import.session() != session);
        machine
            .exported
            .retain(|(_, export)| export.session() != session);
        machine.open_sessions.retain(|open| *open != session);
        machine.ended.insert(session);
    }

    /// The protocol has no more use for what was exported.
    fn taken_back(&mut self, node: usize, object: u64) -> Step {
        let exported = &mut self.machines[node].exported;
        let Some(place) = exported.iter().position(|(other, _)| *other == object) else {
            return Err(Violation {
                checker: Checker::Tables,
                at: self.now,
                call: None,
                what: format!("{node} may take back object {object}, which is not lent"),
            });
        };
        exported.swap_remove(place);
        Ok(())
    }

    fn ended(&mut self, node: usize, id: usize, result: Result<Arrived, Outcome>) -> Step {
        self.machines[node].open.remove(&id);
        let outcome = result.as_ref().map(|_| ()).map_err(|outcome| *outcome);
        self.on(node, Some(id), || format!("call {id} ends: {outcome:?}"));
        let Some(call) = self.truth.call(id) else {
            return Err(self.broken(id, format!("an outcome for call {id}, which nobody made")));
        };
        let heard = self.machines[node].heard[call.callee];
        let replied = call.replied.flatten();
        match outcome {
            Ok(()) => self.summary.replies += 1,
            Err(Outcome::NotExecuted(_)) => self.summary.not_executed += 1,
            Err(Outcome::Unknown(_)) => self.summary.unknown += 1,
        }
        let local = self.local(node);
        self.truth.ended((self.now, local), id, heard, outcome)?;
        let Ok(arrived) = result else {
            return Ok(());
        };
        if !arrived.right {
            return Err(self.broken(id, format!("call {id} has a wrong answer")));
        }
        match (arrived.capability, replied) {
            (None, None) => Ok(()),
            (None, Some(object)) if self.truth.may_be_lost(id, object) => Ok(()),
            (Some(came), Some(object)) => self.came(node, id, came, object),
            (came, object) => Err(self.broken(
                id,
                format!("call {id} was answered with {object:?} and got {came:?}"),
            )),
        }
    }

    /// A capability has come with call `id`: of a peer, or home.
    fn came(&mut self, node: usize, id: usize, came: Received, object: u64) -> Step {
        let component = 0;
        match came {
            Received::Import(import) => {
                if self.truth.call(id).is_some_and(|call| {
                    import.node() != node_id(call.caller) && import.node() != node_id(call.callee)
                }) {
                    self.summary.hand_offs += 1;
                }
                self.hold(
                    node,
                    Held {
                        import,
                        object,
                        component,
                    },
                )
            }
            Received::Home(home) if self.truth.origin(home.0) == self.truth.origin(object) => {
                self.summary.capabilities += 1;
                self.summary.homecomings += 1;
            }
            Received::Loan(loan) => {
                let what = format!("call {id} has {object} and comes with {loan:?}");
                return Err(self.broken(id, what));
            }
            Received::Home(home) => {
                let what = format!("object {object} comes home with call {id} as {home:?}");
                return Err(self.broken(id, what));
            }
        }
        Ok(())
    }

    /// A peer wants to hand something on: mostly it may.
    fn asked(&mut self, node: usize, asked: Asked, object: u64) {
        let local = self.local(node);
        let endpoint = &mut self.machines[node].endpoint;
        if self.rng.u8(..16) == 0 {
            let _ = endpoint.grant(local, asked, Err(NotExecuted::NotPermitted));
            return;
        }
        let new = self.truth.next_object();
        let granted = endpoint.grant(local, asked, Ok(Object(new)));
        self.on(node, None, || {
            format!("is asked to hand on {object} as {new}: {granted:?}")
        });
        if let Ok(export) = granted {
            self.truth.handed_on(node, object);
            self.machines[node].exported.push((new, export));
        }
    }

    /// The exporter has revoked an import: its copies are taken away, soon.
    fn import_revoked(&mut self, node: usize, import: ImportId) {
        let mut held = self.machines[node].held.iter();
        let Some(held) = held.find(|held| held.import == import).copied() else {
            let local = self.local(node);
            self.machines[node].endpoint.release(local, import);
            return;
        };
        self.on(node, None, || format!("object {} is revoked", held.object));
        let incarnation = self.machines[node].incarnation;
        let later = up_to(&mut self.rng, Duration::from_millis(5));
        self.plan(
            later,
            Event::GiveUp {
                node,
                incarnation,
                held,
            },
        );
    }

    fn delivered(&mut self, node: usize, execution: Execution, object: u64) {
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

    fn abandoned(&mut self, node: usize, execution: Execution) {
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
}

impl World {
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
