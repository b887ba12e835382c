//! What machines' views of the cluster say to each other: frames of a session, beside its calls.
//!
//! Nothing of it is kept here. What one view says is sealed and sent at once, or lost; what came is read where it lies, in its frame. So
//! a view can neither hold calls up nor fill a table, and what it says is never old.

use netipc_wire::{Header, Message, NodeId, view};

use crate::cipher::Cipher;
use crate::endpoint::{Endpoint, Random};
use crate::time::Instant;

impl<C: Cipher, R: Random, const PEERS: usize, const SLOTS: usize, const ROWS: usize>
    Endpoint<C, R, PEERS, SLOTS, ROWS>
{
    /// Writes a frame for a peer at the start of `buffer`, which says to its view what [`take_frame`](Self::take_frame) gives there: how long it
    /// is. At most [`VIEW_LENGTH_MAX`](crate::VIEW_LENGTH_MAX) bytes, and not none. `None`: it counts as lost, for there is no such peer, or not
    /// enough room, or no session; then one is being opened, so [`poll_transmit`](Self::poll_transmit) is to be asked again.
    pub fn send_view(
        &mut self,
        now: Instant,
        to: NodeId,
        said: &[u8],
        buffer: &mut [u8],
    ) -> Option<usize> {
        if said.is_empty() || said.len() > view::LENGTH_MAX {
            return None;
        }
        let index = self.index(to)?;
        let (peer, mut context) = self.peer(index);
        let (session, number) = peer.next_number(now, &mut context)?;
        let message = Message::View(view::Repr { said });
        let header = Header {
            kind: message.kind(),
            key: self.cipher.key(to, session),
            session,
            number,
        };
        let frame = message.emit(session, header.key, number, buffer)?;
        self.cipher.seal(to, &header, frame);
        let length = frame.len();
        self.renew_key(now, index, to, session);
        Some(length)
    }
}
