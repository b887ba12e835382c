//! Imports that a peer has offered, until a message names them.

use isthmus_abi::NotExecuted;
use netipc_wire::{Grant, NodeId, SessionId, grant};

use super::{Admitted, Imports, Row, State};
use crate::limits::OFFER_LIFE;
use crate::time::Instant;
use crate::types::ImportId;

impl<const ROWS: usize> Imports<ROWS> {
    /// Keeps what the peer offers until a message names it; again if it is here already.
    pub(crate) fn keep_offer(
        &mut self,
        now: Instant,
        node: NodeId,
        session: SessionId,
        offer: &grant::Offer,
    ) -> Result<(), NotExecuted> {
        let here = |row: &Row| row.state != State::Free && row.descriptor == offer.export;
        if self.rows.iter().any(here) {
            return Ok(());
        }
        match self.admit(node, session, offer.export) {
            Admitted::Import(import) => {
                if let Some(row) = self.row_mut(import) {
                    row.enter(State::Offered);
                    row.offer = Some((offer.grant, offer.session, now + OFFER_LIFE));
                    self.offered += 1;
                }
                Ok(())
            }
            Admitted::Revoked => Err(NotExecuted::Revoked),
            Admitted::Full => Err(NotExecuted::Overload),
        }
    }

    /// A message has named an offer, in this session with the introducer.
    pub(crate) fn claim(
        &mut self,
        node: NodeId,
        grant: Grant,
        session: SessionId,
    ) -> Option<ImportId> {
        let mut rows = self.rows.iter_mut().enumerate();
        let named = |row: &Row| {
            row.state == State::Offered
                && matches!(row.offer, Some((name, bound, _)) if name == grant && bound == session)
        };
        let (index, row) = rows.find(|(_, row)| named(row))?;
        row.enter(State::Live);
        row.offer = None;
        self.offered -= 1;
        Some(ImportId {
            node,
            row: index as u16,
            session: row.session,
            serial: row.serial,
        })
    }

    /// Offers that no message has named are given back.
    // [N38]
    pub(crate) fn expire_offers(&mut self, now: Instant) {
        if self.offered == 0 {
            return;
        }
        for row in &mut self.rows {
            if row.state == State::Offered && row.offer.is_none_or(|(.., until)| until <= now) {
                row.enter(State::Releasing);
                self.offered -= 1;
                self.releasing += 1;
                self.let_go = true;
            }
        }
    }

    /// When the next offer is given back.
    pub(crate) fn offers_end(&self) -> Option<Instant> {
        if self.offered == 0 {
            return None;
        }
        let offered = self.rows.iter().filter(|row| row.state == State::Offered);
        offered.filter_map(|row| Some(row.offer?.2)).min()
    }
}
