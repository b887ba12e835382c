//! What the proxies of the simulated machines hear from their endpoints, and what they make of it.

use std::time::Duration;

use netipc_protocol::bulk::TransferEnd;
use netipc_protocol::limits::{GRANTS, RELEASE_ACKS, TRANSFERS};
use netipc_protocol::{
    Asked, DownReason, Event as Local, Execution, ImportId, NodeId, NotExecuted, Object, Outcome,
    Received, SessionId,
};

use crate::agenda::Event;
use crate::clients::pattern;
use crate::machine::{Held, Machine, node_id};
use crate::network::up_to;
use crate::truth::Checker;
use crate::world::{Step, World};
use crate::{NODES_MAX, ROWS, SLOTS, Violation};

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
    pub(crate) fn came(&mut self, node: usize, id: usize, came: Received, object: u64) -> Step {
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
}
