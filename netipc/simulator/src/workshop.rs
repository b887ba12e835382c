//! What is used again from one history to the next, so that it need not be made anew.

use netipc_protocol::FRAME_LENGTH_MAX;

use crate::agenda::Agenda;
use crate::machine::SmallEndpoint;

/// Frames on their way, in buffers that are used again.
#[derive(Default)]
pub(crate) struct Frames {
    pub(crate) buffers: Vec<Vec<u8>>,
    pub(crate) spare: Vec<u32>,
}

impl Frames {
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> u32 {
        let index = self.spare.pop().unwrap_or_else(|| {
            self.buffers.push(Vec::with_capacity(FRAME_LENGTH_MAX));
            self.buffers.len() as u32 - 1
        });
        let buffer = &mut self.buffers[index as usize];
        buffer.clear();
        buffer.extend_from_slice(bytes);
        index
    }

    /// Nothing is on its way.
    pub(crate) fn clear(&mut self) {
        self.spare.clear();
        self.spare.extend((0..self.buffers.len() as u32).rev());
    }
}

/// What one history leaves to the next: machines begin as after a start, and what is planned or on its way is forgotten.
#[derive(Default)]
pub(crate) struct Workshop {
    pub(crate) endpoints: Vec<Box<SmallEndpoint>>,
    pub(crate) frames: Frames,
    pub(crate) agenda: Agenda,
}
