//! Frames with lent memory that have come, and are opened when there is time for it. The prose is in `docs/bulk.md`.

use netipc_protocol::{FRAME_LENGTH_MAX, NodeId};

/// At most N frames, oldest first. Its memory is all in it, and zeroes as long as it is empty.
pub struct Backlog<const N: usize> {
    frames: [Frame; N],
    first: usize,
    count: usize,
}

/// A frame as it came: nobody has looked into it.
struct Frame {
    from: NodeId,
    length: usize,
    bytes: [u8; FRAME_LENGTH_MAX],
}

/// There is no room, or the frame is too long: it is as good as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl<const N: usize> Backlog<N> {
    /// Nothing has come.
    #[must_use]
    pub const fn new() -> Self {
        const EMPTY: Frame = Frame {
            from: NodeId(0),
            length: 0,
            bytes: [0; FRAME_LENGTH_MAX],
        };
        Self {
            frames: [EMPTY; N],
            first: 0,
            count: 0,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Keeps a copy of a frame.
    ///
    /// # Errors
    /// [`Lost`]
    pub fn keep(&mut self, from: NodeId, frame: &[u8]) -> Result<(), Lost> {
        if self.count == N {
            return Err(Lost);
        }
        let kept = &mut self.frames[(self.first + self.count) % N];
        let bytes = kept.bytes.get_mut(..frame.len()).ok_or(Lost)?;
        bytes.copy_from_slice(frame);
        (kept.from, kept.length) = (from, frame.len());
        self.count += 1;
        Ok(())
    }

    /// Gives the oldest frame out, to be opened in place. It is kept no longer.
    pub fn take(&mut self) -> Option<(NodeId, &mut [u8])> {
        self.count = self.count.checked_sub(1)?;
        let first = self.first;
        self.first = (first + 1) % N;
        let Frame {
            from,
            length,
            bytes,
        } = &mut self.frames[first];
        Some((*from, &mut bytes[..*length]))
    }
}

impl<const N: usize> Default for Backlog<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_in_order_and_what_finds_no_room_is_lost() {
        let mut backlog = Backlog::<3>::new();
        assert!(backlog.is_empty());
        let mut next = 0_u8;
        for round in 0..10_u8 {
            // The ring is entered at every place.
            let kept = usize::from(round % 4);
            for number in 0..kept as u8 {
                let frame = [round ^ number; 7];
                assert_eq!(backlog.keep(NodeId(number), &frame), Ok(()));
                next += 1;
            }
            if kept == 3 {
                assert_eq!(backlog.keep(NodeId(9), &[1]), Err(Lost));
            }
            for number in 0..kept as u8 {
                let (from, frame) = backlog.take().expect("it was kept");
                assert_eq!((from, &*frame), (NodeId(number), &[round ^ number; 7][..]));
            }
            assert!(backlog.is_empty() && backlog.take().is_none());
        }
        assert!(next > 10);
        assert_eq!(
            backlog.keep(NodeId(1), &[0; FRAME_LENGTH_MAX + 1]),
            Err(Lost)
        );
        assert!(backlog.is_empty());
    }
}
