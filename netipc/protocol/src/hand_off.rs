//! What concerns two peers at once: hand-off between three machines, and the tree of exports.

use isthmus_abi::NotExecuted;
use netipc_wire::{Capability, Grant, NodeId, SessionId, grant, reply};

use crate::cipher::Cipher;
use crate::endpoint::{Endpoint, Random};
use crate::exports::row_of;
use crate::peer::Waiter;
use crate::time::Instant;
use crate::touched::Question;
use crate::types::{Asked, Call, CallId, Execution, ExportId, ImportId, Object};

impl<C: Cipher, R: Random, const PEERS: usize, const SLOTS: usize, const ROWS: usize>
    Endpoint<C, R, PEERS, SLOTS, ROWS>
{
    /// Decides about a peer's question ([`Event::Asked`](crate::Event::Asked)): what it has may be had by the third machine under this name for it, or
    /// not. Returns the new export; an `Err` means that there is none, and the proxy has the object back.
    pub fn grant(
        &mut self,
        now: Instant,
        asked: Asked,
        decision: Result<Object, NotExecuted>,
    ) -> Result<ExportId, NotExecuted> {
        let from = self.index(asked.by).ok_or(NotExecuted::PeerUnreachable)?;
        self.touched.touch(from);
        let ask = self.peers[from].take_question(asked);
        let ask = ask.ok_or(NotExecuted::Revoked)?;
        let result = decision.and_then(|object| self.offer(now, asked, &ask, object));
        match result {
            // The peer asks again, and by then there may be a session.
            Err(NotExecuted::PeerUnreachable) | Ok(_) => {}
            Err(reason) => self.peers[from].say(ask.number, Err(reason)),
        }
        if let (Ok(export), Some(parent)) = (result, row_of(ask.export))
            && let Some(index) = self.index(export.node)
        {
            self.parents[index][usize::from(export.row)] = Self::code(from, parent);
        }
        result
    }

    fn offer(
        &mut self,
        now: Instant,
        asked: Asked,
        ask: &grant::Ask,
        object: Object,
    ) -> Result<ExportId, NotExecuted> {
        let index = self.index(ask.to).ok_or(NotExecuted::NotExportable)?;
        if self.peers[index].session_id().is_none() {
            let (peer, mut context) = self.peer(index);
            peer.greet(now, &mut context);
            return Err(NotExecuted::PeerUnreachable);
        }
        let (high, low) = (self.random.nonce().0, self.random.nonce().0);
        let grant = Grant(u128::from(high) << 64 | u128::from(low));
        let faults = self.faults;
        self.touched.touch(index);
        self.peers[index].offer(now, object, asked, ask.session, grant, faults)
    }

    /// A call with a capability of a third machine: nothing is sent before that has granted it.
    pub(crate) fn call_with_grant(
        &mut self,
        now: Instant,
        index: usize,
        call: &Call<'_>,
        import: ImportId,
    ) -> Result<CallId, NotExecuted> {
        let session = self.peers[index].session_id();
        let session = session.ok_or(NotExecuted::SessionEnded)?;
        let exporter = self.index(import.node).ok_or(NotExecuted::NotExportable)?;
        self.peers[exporter].askable(import)?;
        let bare = Call {
            capability: None,
            ..*call
        };
        let (peer, mut context) = self.peer(index);
        let id = peer.call(now, &bare, true, &mut context)?;
        let waiter = Waiter::Call(id.slot, id.serial);
        let faults = self.faults;
        self.touched.touch(exporter);
        // It is askable, so this does not fail.
        self.peers[exporter].ask(now, import, (id.node, session), waiter, faults)?;
        self.peers[index].settled(now);
        Ok(id)
    }

    /// A reply with a capability of a third machine waits until that has granted it.
    pub(crate) fn ask_for_reply(&mut self, now: Instant, execution: Execution, import: ImportId) {
        let waiter = Waiter::Reply(execution.slot, execution.sequence);
        let to = (execution.node, execution.session);
        let faults = self.faults;
        let asked = match self.index(import.node) {
            Some(exporter) => {
                self.touched.touch(exporter);
                self.peers[exporter].ask(now, import, to, waiter, faults)
            }
            None => Err(NotExecuted::NotExportable),
        };
        if let (Err(reason), Some(index)) = (asked, self.index(execution.node)) {
            self.touched.touch(index);
            self.peers[index].granted(execution.session, waiter, Err(reason));
        }
    }

    /// An offer has come: it can be kept if the session in which it will be named is there.
    pub(crate) fn consider(&mut self, now: Instant, index: usize, offer: &grant::Offer) {
        let introducer = self.index(offer.introducer);
        let known = introducer
            .is_some_and(|introducer| self.peers[introducer].session_id() == Some(offer.session));
        self.touched.touch(index);
        self.peers[index].offered_by_peer(now, offer, known);
    }

    /// The import that a reply's grant stands for, if the reply will be taken.
    pub(crate) fn claim_for(
        &mut self,
        index: usize,
        session: SessionId,
        reply: &reply::Repr<'_>,
    ) -> Option<ImportId> {
        match reply.capability {
            Some(Capability::Granted(node, grant))
                if self.peers[index].expects(session, reply.slot, reply.sequence) =>
            {
                self.claim(node, grant, session)
            }
            _ => None,
        }
    }

    /// The import that a grant stands for, named in this session.
    pub(crate) fn claim(
        &mut self,
        node: NodeId,
        grant: Grant,
        session: SessionId,
    ) -> Option<ImportId> {
        let index = self.index(node)?;
        self.touched.touch(index);
        self.peers[index].claim(grant, session)
    }

    /// Carries what one peer has said to the other that it concerns.
    pub(crate) fn carry(&mut self, now: Instant) {
        self.adopt();
        for index in 0..self.count {
            if !self.touched.unasked(Question::News).contains(index) {
                continue;
            }
            self.touched.answered(Question::News, index);
            if !self.peers[index].grants.has_news() {
                continue;
            }
            self.touched.touch(index);
            let Some(exporter) = self.peers[index].node() else {
                continue;
            };
            while let Some(answer) = self.peers[index].grants.next_answer() {
                if let Some(to) = self.index(answer.to) {
                    let result = answer.result.map(|grant| (exporter, grant));
                    self.touched.touch(to);
                    self.peers[to].granted(answer.session, answer.waiter, result);
                }
            }
            while let Some(settled) = self.peers[index].grants.next_settled() {
                if let Some(to) = self.index(settled.introducer)
                    && self.peers[to].session_id() == Some(settled.asked_in)
                {
                    self.touched.touch(to);
                    self.peers[to].say(settled.number, settled.result);
                }
            }
            self.peers[index].settled(now);
        }
    }

    /// Exports that have ended leave their children to their parents.
    pub(crate) fn adopt(&mut self) {
        for index in self.touched.unasked(Question::Ended).iter() {
            self.touched.answered(Question::Ended, index);
            while let Some(row) = self.peers[index].next_ended() {
                let row = usize::from(row);
                let (code, parent) = (Self::code(index, row), self.parents[index][row]);
                self.parents[index][row] = 0;
                for child in self.parents.iter_mut().flatten() {
                    if *child == code {
                        *child = parent;
                    }
                }
            }
        }
    }

    /// Revokes everything that was handed on from an export, and from that, and so on.
    // [N37]
    pub(crate) fn revoke_below(&mut self, index: usize, export: ExportId) {
        if !self.peers[index].is_live(export) {
            return;
        }
        let mut doomed = [0_u128; PEERS];
        doomed[index] |= 1 << export.row;
        let mut more = true;
        while more {
            more = false;
            for peer in 0..self.count {
                for row in 0..ROWS {
                    let below = Self::decode(self.parents[peer][row])
                        .is_some_and(|(peer, row)| doomed[peer] >> row & 1 == 1);
                    if below && doomed[peer] >> row & 1 == 0 {
                        doomed[peer] |= 1 << row;
                        more = true;
                    }
                }
            }
        }
        doomed[index] &= !(1 << export.row);
        let faults = self.faults;
        for (peer, rows) in doomed.into_iter().enumerate() {
            for row in (0..ROWS).filter(|row| rows >> row & 1 == 1) {
                self.touched.touch(peer);
                self.peers[peer].revoke_present(row as u16, faults);
            }
        }
    }

    /// A row of a peer's exports as one number, from 1.
    const fn code(peer: usize, row: usize) -> u16 {
        (peer * ROWS + row + 1) as u16
    }

    fn decode(code: u16) -> Option<(usize, usize)> {
        let place = usize::from(code.checked_sub(1)?);
        Some((place / ROWS, place % ROWS))
    }
}
