//! The end of a peer that belongs to the cluster no more.

use isthmus_abi::NotExecuted;

use crate::cipher::Cipher;
use crate::endpoint::Random;
use crate::maybe::Maybe;
use crate::peer::{Context, Peer};
use crate::types::DownReason;

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// Ends the session, the one that is half open, and the HELLO that is out. Calls have their outcomes as of a peer that is lost.
    // [N51]
    pub(crate) fn expel<C: Cipher, R: Random>(&mut self, context: &mut Context<'_, C, R>) {
        if let Some(half_open) = self.half_open.take()
            && let Some(node) = self.node
        {
            context.cipher.closed(node, half_open.id);
        }
        self.hello = Maybe::Nothing;
        self.refuse_due = None;
        self.cookie_due = None;
        self.end_session(DownReason::Expelled, context.cipher, context.faults);
        // Those that waited for a session.
        self.caller.fail_queued(NotExecuted::PeerUnreachable);
    }
}
