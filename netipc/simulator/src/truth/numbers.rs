//! The numbers of frames: a cipher's nonces.

use std::collections::HashSet;

use netipc_protocol::{Instant, SessionId};
use netipc_wire::Header;

use super::{Check, Checker, Truth};
use crate::cipher::Protection;
use crate::hash::Quick;
use crate::{NODES_MAX, Violation};

/// Sender and receiver.
const PAIRS: usize = NODES_MAX as usize * NODES_MAX as usize;

/// What is known of them.
pub(super) struct Numbers {
    /// The session and the number of the last frame from each machine to each.
    last: [(SessionId, u64); PAIRS],
    /// Frames that were accepted, if the cipher is one that knows them again: receiver and sender, session, number.
    accepted: Option<HashSet<(usize, SessionId, u64), Quick>>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            last: [(SessionId::NONE, 0); PAIRS],
            accepted: None,
        }
    }
}

impl Numbers {
    pub(super) fn new(protection: Protection) -> Self {
        Self {
            accepted: (protection == Protection::Real).then(HashSet::default),
            ..Self::default()
        }
    }
}

fn broken(at: Instant, what: String) -> Check {
    Err(Violation {
        checker: Checker::Numbers,
        at,
        call: None,
        what,
    })
}

impl Truth {
    /// A machine has sealed a frame.
    pub(crate) fn numbered(
        &mut self,
        now: Instant,
        (from, to): (usize, usize),
        header: &Header,
    ) -> Check {
        if header.kind.is_handshake() {
            return Ok(());
        }
        let last = &mut self.numbers.last[from * usize::from(NODES_MAX) + to];
        let (session, number) = std::mem::replace(last, (header.session, header.number));
        match session == header.session && number >= header.number {
            false => Ok(()),
            true => broken(
                now,
                format!(
                    "{from} seals a {:?} for {to} with number {}, and was at {number} already",
                    header.kind, header.number
                ),
            ),
        }
    }

    /// A machine has accepted a frame.
    pub(crate) fn accepted(
        &mut self,
        now: Instant,
        (from, to): (usize, usize),
        header: &Header,
    ) -> Check {
        let Some(accepted) = &mut self.numbers.accepted else {
            return Ok(());
        };
        let pair = from * usize::from(NODES_MAX) + to;
        match header.kind.is_handshake() || accepted.insert((pair, header.session, header.number)) {
            true => Ok(()),
            false => broken(
                now,
                format!(
                    "{to} accepts number {} of {from} twice, a {:?}",
                    header.number, header.kind
                ),
            ),
        }
    }
}
