//! What the proxy is told of a peer, in an order that it can rely on.

use super::Peer;
use crate::types::Event;

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// Whether [`poll_event`](Self::poll_event) has one.
    pub(crate) fn has_event(&mut self) -> bool {
        self.caller.has_outcome()
            || self.down.is_some()
            || self.up.is_some()
            || self.twin.is_some()
            || !self.released.is_empty()
            || self.revocations.has_news()
            || self.imports.has_news()
            || self.grants.has_question()
            || self.callee.has_event()
            || self.bulk.has_event()
    }

    /// Whether a call's outcome is among its events.
    pub(crate) fn has_outcome(&self) -> bool {
        self.caller.has_outcome()
    }

    /// The next event. Borrows the reply from its slot.
    pub(crate) fn poll_event(&mut self) -> Option<Event<'_>> {
        let node = self.node?;
        if let Some(event) = self.bulk.next_event() {
            return Some(event);
        }
        if let Some(boot) = self.twin.take() {
            return Some(Event::Twin { node, boot });
        }
        if let Some(down) = self.down.take_if(|down| down.after == 0) {
            return Some(Event::Down {
                node,
                session: down.session,
                reason: down.reason,
            });
        }
        if let Some(down) = self.down.as_mut() {
            down.after -= 1;
        } else if let Some(session) = self.up.take() {
            return Some(Event::Up { node, session });
        }
        if self.caller.has_outcome() {
            return self.caller.poll();
        }
        if let Some(object) = self.released.pop_front() {
            return Some(Event::Released { object });
        }
        if let Some(object) = self.revocations.next_completed() {
            return Some(Event::RevocationComplete { object });
        }
        if let Some(import) = self.imports.next_news(node) {
            return Some(Event::Revoked { import });
        }
        if self.grants.has_question()
            && let Some(session) = self.session_id()
        {
            return self.grants.next_question(node, session);
        }
        self.callee.poll(node, self.session.as_ref()?.id)
    }
}
