//! Requests of peers: from the protocol's word that one is here to the answer of the server.

use isthmus_abi::label::{Kind, Way as LabelWay};
use isthmus_abi::startup::Endpoint;
use isthmus_abi::{ComponentId, Label, NotExecuted, Slot, Unknown};
use isthmus_runtime::Thread;
use isthmus_runtime::sel4;
use isthmus_runtime::slots::{self, absolute};
use isthmus_runtime::thread;
use netipc_protocol::{
    Answer, Execution, ImportId, Instant, NodeId, Object, Received, Request as Incoming, WORDS_MAX,
    Way,
};
use netipc_proxy_logic::mailbox::{Head, Job as Errand, State};
use netipc_proxy_logic::work::Request;
use netipc_proxy_logic::{Exports, Judgement, Work};

use crate::caller::{import_of, place};
use crate::passing::Came;
use crate::proxy::Proxy;
use crate::rings::RingCall;
use crate::worker::{self, MAILBOXES, WORKERS};

/// Whose call a worker makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// A peer's.
    Peer(Execution),
    /// A ring's.
    Ring(RingCall),
}

impl Proxy {
    /// A request waits for a worker.
    pub(crate) fn deliver(&mut self, execution: Execution, object: Option<Object>, way: Way) {
        self.tables.work.deliver(Request {
            execution: Job::Peer(execution),
            node: execution.node(),
            slot: execution.slot(),
            object,
            way,
            carries: None,
        });
    }

    /// Hands out what can be handed out.
    pub(crate) fn start_work(&mut self, now: Instant) {
        while let Some((number, request)) = self.tables.work.next_job(now) {
            let Job::Peer(execution) = request.execution else {
                // Those do not come through the queue.
                continue;
            };
            if request.object.is_none() && !self.policy.may_ask_names(request.node) {
                self.statistics.not_permitted += 1;
                self.turn_away(execution, NotExecuted::NotPermitted);
                continue;
            }
            let Some(target) = self.pin(request.object) else {
                self.turn_away(execution, NotExecuted::Revoked);
                continue;
            };
            match self.post(now, number, execution, request.object, target) {
                Ok(carries) => {
                    self.statistics.requests += 1;
                    let request = Request { carries, ..request };
                    self.tables.work.start(number, request, now);
                }
                Err(reason) => {
                    self.unpin(request.object);
                    self.turn_away(execution, reason);
                }
            }
        }
    }

    /// Has a worker make the call. Gives back what goes with it, if that is one of this machine's: it is pinned.
    fn post(
        &mut self,
        now: Instant,
        number: usize,
        execution: Execution,
        object: Option<Object>,
        target: Slot,
    ) -> Result<Option<Object>, NotExecuted> {
        let server = origin(&self.tables.exports, self.naming.as_ref(), object);
        let owner = self.owner(server);
        let incoming = match self.protocol.start(now, execution) {
            Ok(incoming) => incoming,
            // It is over, and the protocol has said so.
            Err(_) => return Err(NotExecuted::Cancelled),
        };
        let came = incoming.capability;
        let (imports, exports) = (&mut self.tables.imports, &mut self.tables.exports);
        let (bulk, service) = (&mut self.bulk, self.service);
        let ready = fit(&incoming).and_then(|label| {
            let placed = came.map(|came| match came {
                Received::Import(import) => {
                    place(import, owner, service, imports).map_err(|_| NotExecuted::Overload)
                }
                // Its owner may have taken it back.
                Received::Home(object) => exports
                    .find(object)
                    .filter(|slot| !slots::is_empty(*slot))
                    .and_then(|_| exports.pin(object))
                    .ok_or(NotExecuted::Revoked),
                Received::Loan(loan) => bulk.borrow(service, execution, loan),
            });
            let capability = placed.transpose()?;
            Ok((label, capability))
        });
        let (label, capability) = match ready {
            Ok(ready) => ready,
            Err(reason) => {
                if let Some(unwanted) = import_of(came) {
                    self.protocol.release(now, unwanted);
                }
                return Err(reason);
            }
        };
        let errand = Errand {
            target,
            way: incoming.way,
            head: Head {
                label: label.bits(),
                length: incoming.words.len(),
                capability,
            },
        };
        hand_over(
            &self.tables.work,
            &self.workers,
            number,
            object,
            &errand,
            incoming.words,
        );
        Ok(match came {
            Some(Received::Home(object)) => Some(object),
            Some(Received::Import(_) | Received::Loan(_)) | None => None,
        })
    }

    /// Takes what the workers have done.
    pub(crate) fn take_answers(&mut self) {
        for (number, mailbox) in MAILBOXES.iter().enumerate().take(self.tables.work.count()) {
            // Looked at in every turn, so no more than needed: the mailboxes lie in pages of their own.
            if self.tables.work.is_busy(number) && mailbox.state() == State::Done {
                self.take_answer(number, None);
            }
        }
    }

    /// Takes the answer of a worker, and what it has shown.
    pub(crate) fn take_answer(&mut self, number: usize, came: Option<Came>) {
        let mut words = [0; WORDS_MAX];
        let head = MAILBOXES[number].collect(&mut words);
        // What came has been moved away, or was only shown.
        if let Some(arrived) = head.and_then(|head| head.capability) {
            let _ = absolute(arrived).delete();
        }
        let finished = head.zip(self.tables.work.finish(number));
        let Some((head, request)) = finished else {
            return;
        };
        let words = &words[..head.length];
        let execution = match request.execution {
            Job::Peer(execution) => execution,
            Job::Ring(call) => {
                match request.way {
                    Way::OneWay => self.rings.delivered(call),
                    Way::Call => self.rings.answered(call, &head, words),
                }
                if let Some(came) = came {
                    came.discard();
                }
                return;
            }
        };
        let server = origin(&self.tables.exports, self.naming.as_ref(), request.object);
        let revoked = self.was_revoked(request.object, Label::from_bits(head.label));
        self.unpin(request.object);
        self.unpin(request.carries);
        let answer = match request.way {
            Way::Call if revoked => Answer::NotExecuted(NotExecuted::Revoked),
            Way::OneWay => Answer::Reply {
                label: 0,
                words: &[],
                capability: None,
            },
            Way::Call => self.judge(request.node, server, &head, words, came),
        };
        self.give_back(execution);
        // If nobody waits any more there is nothing to do: an export in the answer is taken back by the protocol.
        let _ = self.protocol.finish(self.now(), execution, &answer);
    }

    fn judge<'w>(
        &mut self,
        node: NodeId,
        server: ComponentId,
        head: &Head,
        words: &'w [u64],
        came: Option<Came>,
    ) -> Answer<'w> {
        let label = Label::from_bits(head.label);
        // Only naming is believed about whose a capability is, for it knows who has registered it.
        let is_naming = (self.naming.as_ref()).is_some_and(|naming| naming.server == server);
        let (label, of) = match label.origin() {
            Some(of) if is_naming => (Label::REPLY, of),
            _ => (label, server),
        };
        let judgement = Judgement::of(label, words.first().copied().unwrap_or(0));
        let unusual = match judgement {
            Judgement::NotExecuted(reason) => Answer::NotExecuted(reason),
            Judgement::Unknown(reason) => Answer::Unknown(reason),
            Judgement::Reply => {
                let given = came.map(|came| self.give(node, of, came)).transpose();
                return match given {
                    // One came, and there was no slot for it.
                    Ok(None) if head.capability.is_some() => Answer::Unknown(Unknown::ReplyLost),
                    Ok(capability) => Answer::Reply {
                        label: label.bits(),
                        words,
                        capability,
                    },
                    Err(NotExecuted::NotPermitted) => Answer::Unknown(Unknown::NotPermitted),
                    Err(_) => Answer::Unknown(Unknown::ReplyLost),
                };
            }
        };
        if let Some(came) = came {
            came.discard();
        }
        unusual
    }

    /// Nobody waits any more for what a worker does.
    pub(crate) fn abandon(&mut self, execution: Execution) {
        if let Some(number) = self.tables.work.worker_of(Job::Peer(execution)) {
            self.abort(number);
        }
    }

    /// A peer has revoked what it had lent: every copy is taken away, and then it is told so.
    pub(crate) fn import_revoked(&mut self, now: Instant, import: ImportId) {
        let imports = &mut self.tables.imports;
        if let Some(capabilities) = imports.release(import.node(), import.row(), import) {
            capabilities.revoke();
        }
        self.protocol.release(now, import);
    }

    /// The session with a node is over: nothing is done for it any more, and it has no capabilities here.
    pub(crate) fn end_session(&mut self, node: NodeId) {
        self.tables.work.forget(node);
        self.give_back_all(node);
        for number in 0..self.workers.len() {
            if self.tables.work.is_of(number, node) {
                self.abort(number);
            }
        }
        for slot in self.tables.exports.end(node) {
            slots::free(slot);
        }
        self.tables.revocations.end(node);
        self.tables.imports.end(node);
    }

    /// A peer has no use any more for an export.
    pub(crate) fn forget_export(&mut self, object: Object) {
        if let Some(slot) = self.tables.exports.remove(object) {
            slots::free(slot);
        }
    }

    /// Starts a worker at its first instruction.
    pub(crate) fn start_worker(&self, number: usize) -> Result<(), thread::Error> {
        self.workers[number].restart(worker::run, number)
    }

    /// Stops a worker wherever it is, and starts it anew. It is never resumed where it was: that would make its call again.
    pub(crate) fn abort(&mut self, number: usize) {
        // Neither fails: the thread is ours.
        let _ = self.workers[number].stop();
        if MAILBOXES[number].state() == State::Done {
            self.take_answer(number, None);
        } else {
            MAILBOXES[number].clear();
            let _ = absolute(MAILBOXES[number].arrivals()).delete();
            if let Some(request) = self.tables.work.finish(number) {
                match request.execution {
                    Job::Peer(execution) => {
                        self.give_back(execution);
                        self.unpin(request.object);
                        self.unpin(request.carries);
                    }
                    Job::Ring(call) => self.rings.stopped(call),
                }
            }
            self.statistics.aborted += 1;
            defmt::debug!("netipc: worker {=usize} was stopped", number);
        }
        let _ = self.start_worker(number);
    }

    /// What a request calls; it stays what it is until it is unpinned.
    fn pin(&mut self, object: Option<Object>) -> Option<Slot> {
        match object {
            None => self.naming.as_ref().map(|naming| naming.slot),
            Some(object) => self.tables.exports.pin(object),
        }
    }

    fn unpin(&mut self, object: Option<Object>) {
        let over = object.and_then(|object| self.tables.exports.unpin(object));
        if let Some(slot) = over {
            slots::free(slot);
        }
    }

    /// A request does not run. Nothing happens if it is over already.
    fn turn_away(&mut self, execution: Execution, reason: NotExecuted) {
        self.statistics.requests_refused += 1;
        let answer = Answer::NotExecuted(reason);
        let _ = self.protocol.finish(self.now(), execution, &answer);
    }
}

/// Who is responsible for what a request causes: the component that has let its object out; naming, for the bootstrap export.
fn origin(
    exports: &Exports<Slot>,
    naming: Option<&Endpoint>,
    object: Option<Object>,
) -> ComponentId {
    let component = match object {
        None => naming.map(|naming| naming.server),
        Some(object) => exports.origin(object),
    };
    component.unwrap_or(ComponentId::ROOT_TASK)
}

/// Has a worker make a call. Calls to one capability reach it in order: the ones before are in their calls before this one is posted.
pub fn hand_over(
    work: &Work<Job, WORKERS>,
    workers: &[Thread],
    number: usize,
    object: Option<Object>,
    errand: &Errand,
    words: &[u64],
) {
    for other in work.at(object) {
        while MAILBOXES[other].state() == State::Posted {
            sel4::r#yield();
        }
    }
    MAILBOXES[number].post(errand, words);
    workers[number].notification().signal();
}

/// Whether a request may be carried to a capability of this machine: a method's label does nothing on a kernel object, and
/// says itself whether somebody waits.
fn fit(request: &Incoming<'_>) -> Result<Label, NotExecuted> {
    let label = Label::from_bits(request.label);
    if label.bits() != request.label || label.kind() != Kind::Method {
        return Err(NotExecuted::UnknownMethod);
    }
    match (label.way(), request.way) {
        (LabelWay::Call, Way::Call) | (LabelWay::OneWay, Way::OneWay) => Ok(label),
        _ => Err(NotExecuted::WrongWay),
    }
}
