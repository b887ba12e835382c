//! What the proxies and the programs on the machines do: they call, answer, hand on, give up and revoke.

use std::time::Duration;

use fastrand::Rng;
use netipc_protocol::{
    Answer, Asked, Call, CallId, Event, Execution, ExportId, Given, ImportId, NodeId, NotExecuted,
    Object, Outcome, Received, SessionId, Target, Token, WORDS_MAX, Way,
};

use super::{Cluster, Hope, Open, index_of, node_id};
use crate::Failure;

/// What an honest call may take.
const BUDGET: Duration = Duration::from_millis(900);
/// By how much later than its budget a call may end: a machine here looks at its timers when they are due.
const GRACE: Duration = Duration::from_millis(1);

/// A message's words, not on the heap: that is watched.
type Words = heapless::Vec<u64, WORDS_MAX>;

/// What a machine was told, without what it borrows.
#[allow(clippy::large_enum_variant)] // that is what it is for
pub(super) enum Said {
    Nothing,
    Complete(u64, Result<(Words, Option<Received>), Outcome>),
    Deliver(Execution),
    Abandoned(Execution),
    Asked(Asked),
    Released(Object),
    Revoked(ImportId),
    Down(NodeId, SessionId),
}

impl Cluster<'_> {
    /// A call of a program: of the bootstrap export, or of an import that is held.
    pub(crate) fn call(
        &mut self,
        rng: &mut Rng,
        from: usize,
        to: usize,
        hope: Hope,
    ) -> Result<(), Failure> {
        self.tokens += 1;
        let token = self.tokens;
        let held = self.nodes[from].held.iter();
        let held: Vec<ImportId> = held
            .filter(|import| import.node() == node_id(to))
            .copied()
            .collect();
        let target = match hope {
            Hope::Outcome if !held.is_empty() && rng.bool() => {
                Target::Import(held[rng.usize(..held.len())])
            }
            _ => Target::Bootstrap(node_id(to)),
        };
        let way = match hope {
            Hope::Outcome if rng.u8(..4) == 0 => Way::OneWay,
            _ => Way::Call,
        };
        let capability = match (hope, rng.u8(..4)) {
            (Hope::Outcome, 0) => self.export(from, to)?.map(Given::Export),
            (Hope::Outcome, 1) => held.first().copied().map(Given::Import),
            // Of whomever: of a third machine it is handed off.
            (Hope::Outcome, 2) => self.nodes[from].held.first().copied().map(Given::Import),
            _ => None,
        };
        let words: Vec<u64> = (0..rng.usize(..6)).map(|_| rng.u64(..)).collect();
        let call = Call {
            token: Token(token),
            target,
            way,
            budget: Some(BUDGET),
            label: token,
            words: &words,
            capability,
        };
        let accepted = self.on(from, |endpoint, now| endpoint.call(now, &call))?;
        match accepted {
            Ok(id) if way == Way::Call => {
                let ends_by = self.now + BUDGET + GRACE;
                let open = Open {
                    id,
                    to,
                    hope,
                    ends_by,
                    words,
                };
                self.nodes[from].open.insert(token, open);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(why) if hope == Hope::Answer => Err(Failure::new(format!(
                "an honest call from {from} to {to} is refused: {why:?}"
            ))),
            Err(_) => {
                if let Some(Given::Export(export)) = capability {
                    self.on(from, |endpoint, _| endpoint.revoke(export))?;
                }
                Ok(())
            }
        }
    }

    fn export(&mut self, from: usize, to: usize) -> Result<Option<ExportId>, Failure> {
        self.tokens += 1;
        let object = self.tokens;
        let made = self.on(from, |endpoint, _| {
            endpoint.export(node_id(to), Object(object))
        })?;
        Ok(made.ok().inspect(|export| {
            self.nodes[from].lent.insert(object, *export);
        }))
    }

    /// A program changes its mind about something: a call, an import, an export, a request.
    pub(crate) fn whim(&mut self, rng: &mut Rng, index: usize) -> Result<(), Failure> {
        match rng.u8(..4) {
            0 => {
                let open = self.nodes[index].open.values();
                let open: Vec<CallId> = open
                    .filter(|open| open.hope == Hope::Outcome)
                    .map(|open| open.id)
                    .collect();
                if let Some(at) = (!open.is_empty()).then(|| rng.usize(..open.len())) {
                    self.on(index, |endpoint, now| endpoint.cancel(now, open[at]))?;
                }
            }
            1 => self.let_go(index)?,
            2 => {
                let lent: Vec<ExportId> = self.nodes[index].lent.values().copied().collect();
                if let Some(at) = (!lent.is_empty()).then(|| rng.usize(..lent.len())) {
                    self.on(index, |endpoint, _| endpoint.revoke(lent[at]))?;
                }
            }
            _ => {
                if let Some(execution) = self.nodes[index].running.pop() {
                    self.answer(rng, index, execution)?;
                }
            }
        }
        Ok(())
    }

    /// A program gives up an import.
    fn let_go(&mut self, index: usize) -> Result<(), Failure> {
        if let Some(import) = self.nodes[index].held.pop() {
            self.on(index, |endpoint, now| endpoint.release(now, import))?;
        }
        Ok(())
    }

    /// Programs finish what they have begun and give up what they hold.
    pub(crate) fn wind_up(&mut self, rng: &mut Rng) -> Result<(), Failure> {
        for index in 0..self.nodes.len() {
            while let Some(execution) = self.nodes[index].running.pop() {
                self.answer(rng, index, execution)?;
            }
            while !self.nodes[index].held.is_empty() {
                self.let_go(index)?;
            }
            let lent: Vec<ExportId> = self.nodes[index].lent.values().copied().collect();
            for export in lent {
                self.on(index, |endpoint, _| endpoint.revoke(export))?;
            }
        }
        Ok(())
    }

    pub(super) fn hear(&mut self, rng: &mut Rng, index: usize, said: Said) -> Result<(), Failure> {
        match said {
            Said::Nothing => {}
            Said::Complete(token, result) => self.completed(index, token, result)?,
            Said::Deliver(execution) => self.delivered(rng, index, execution)?,
            Said::Abandoned(execution) => self.nodes[index].running.retain(|it| *it != execution),
            Said::Asked(asked) => self.asked(rng, index, asked)?,
            Said::Released(object) => {
                if self.nodes[index].lent.remove(&object.0).is_none() {
                    return Err(Failure::new(format!(
                        "machine {index} gets object {} back, which it has not lent",
                        object.0
                    )));
                }
            }
            Said::Revoked(import) => {
                self.nodes[index].held.retain(|held| *held != import);
                self.on(index, |endpoint, now| endpoint.release(now, import))?;
            }
            Said::Down(peer, session) => {
                let node = &mut self.nodes[index];
                node.downs += 1;
                node.held.retain(|held| held.session() != session);
                node.running.retain(|run| run.session() != session);
                node.lent
                    .retain(|_, lent| lent.node() != peer || lent.session() != session);
            }
        }
        Ok(())
    }

    /// A peer wants to hand something on: mostly it may.
    fn asked(&mut self, rng: &mut Rng, index: usize, asked: Asked) -> Result<(), Failure> {
        self.tokens += 1;
        let object = self.tokens;
        let answer = match rng.u8(..8) {
            0 => Err(NotExecuted::NotPermitted),
            _ => Ok(Object(object)),
        };
        let granted = self.on(index, |endpoint, now| endpoint.grant(now, asked, answer))?;
        if let Ok(export) = granted {
            self.nodes[index].lent.insert(object, export);
        }
        Ok(())
    }

    fn completed(
        &mut self,
        index: usize,
        token: u64,
        result: Result<(Words, Option<Received>), Outcome>,
    ) -> Result<(), Failure> {
        let Some(open) = self.nodes[index].open.remove(&token) else {
            return Err(Failure::new(format!(
                "machine {index}: call {token} ends, and was not open"
            )));
        };
        if let Ok((_, Some(Received::Import(import)))) = &result {
            self.nodes[index].held.push(*import);
        }
        match (open.hope, result) {
            (Hope::Answer, Ok((words, _))) if words[..] == more(&open.words)[..] => {
                self.nodes[index].answered += 1;
                Ok(())
            }
            (Hope::Answer, other) => Err(Failure::new(format!(
                "an honest call from {index} to {} ends so: {other:?}",
                open.to
            ))),
            (Hope::Outcome, result) => {
                self.nodes[index].answered += u64::from(result.is_ok());
                Ok(())
            }
        }
    }

    fn delivered(
        &mut self,
        rng: &mut Rng,
        index: usize,
        execution: Execution,
    ) -> Result<(), Failure> {
        let started = self.on(index, |endpoint, now| {
            let request = endpoint.start(now, execution).ok()?;
            Some((words(request.words), request.capability, request.way))
        })?;
        let Some((words, capability, way)) = started else {
            return Ok(());
        };
        if let Some(Received::Import(import)) = capability {
            self.nodes[index].held.push(import);
        }
        let peer = index_of(execution.node());
        let odd = self.odd == Some(peer);
        if odd && rng.u8(..6) == 0 {
            self.nodes[index].running.push(execution);
            return Ok(());
        }
        let capability = match rng.u8(..4) {
            0 if odd && way == Way::Call => self.export(index, peer)?,
            _ => None,
        };
        let words = more(&words);
        let answer = Answer::Reply {
            label: 1,
            words: &words,
            capability: capability.map(Given::Export),
        };
        let _ = self.on(index, |endpoint, now| {
            endpoint.finish(now, execution, &answer)
        })?;
        Ok(())
    }

    fn answer(&mut self, rng: &mut Rng, index: usize, execution: Execution) -> Result<(), Failure> {
        let words = [rng.u64(..)];
        let answer = Answer::Reply {
            label: 2,
            words: &words,
            capability: None,
        };
        let _ = self.on(index, |endpoint, now| {
            endpoint.finish(now, execution, &answer)
        })?;
        Ok(())
    }
}

/// What the server makes of its words.
fn more(words: &[u64]) -> Vec<u64> {
    words.iter().map(|word| word.wrapping_add(1)).collect()
}

/// No message has more than there is room for.
fn words(words: &[u64]) -> Words {
    Words::from_slice(words).unwrap_or_default()
}

/// It, without what it borrows.
pub(super) fn own(event: Event<'_>) -> Said {
    match event {
        Event::Complete { token, result } => Said::Complete(
            token.0,
            result.map(|reply| (words(reply.words), reply.capability)),
        ),
        Event::Deliver { execution, .. } => Said::Deliver(execution),
        Event::Abandoned { execution } => Said::Abandoned(execution),
        Event::Asked { asked, .. } => Said::Asked(asked),
        Event::Released { object } => Said::Released(object),
        Event::Revoked { import } => Said::Revoked(import),
        Event::Down { node, session, .. } => Said::Down(node, session),
        _ => Said::Nothing,
    }
}
