//! The receive queue: every buffer is with the device, but for the one whose frame is being looked at.
use virtio_device::Memory;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;

use crate::buffers::Buffers;
use crate::{Broken, HEADER, MAX_FRAME, RECEIVE_BUFFERS};

/// The queue's number (5.1.2).
const QUEUE: u16 = 0;
/// No buffer belongs to this token.
const NONE: u16 = u16::MAX;

/// The card's receive side.
pub struct Receiver {
    queue: VirtQueue<Memory, RECEIVE_BUFFERS>,
    buffers: Buffers,
    /// Which buffer was posted under each token.
    posted: [u16; RECEIVE_BUFFERS],
    kick_due: bool,
}

impl Receiver {
    /// Sets the queue up and posts every buffer.
    pub(crate) fn new(transport: &mut impl Transport) -> Result<Self, virtio_drivers::Error> {
        let mut receiver = Self {
            queue: VirtQueue::new(transport, QUEUE, false, false)?,
            buffers: Buffers::new(RECEIVE_BUFFERS).ok_or(virtio_drivers::Error::DmaError)?,
            posted: [NONE; RECEIVE_BUFFERS],
            kick_due: false,
        };
        for index in 0..RECEIVE_BUFFERS as u16 {
            receiver.post(index)?;
        }
        Ok(receiver)
    }

    /// Gives a buffer that the device does not have to the device.
    fn post(&mut self, index: u16) -> Result<(), virtio_drivers::Error> {
        // SAFETY: the device does not have it (it was never posted, or was just taken back), and the slice is gone before it is taken back.
        let buffer = unsafe { self.buffers.get(index) };
        // SAFETY: the buffer lives as long as the program and is not touched before `receive` takes it back.
        let token = unsafe { self.queue.add(&[], &mut [buffer]) }?;
        self.posted[usize::from(token)] = index;
        self.kick_due = true;
        Ok(())
    }

    /// Hands the oldest received frame to `handle`, and its buffer back to the device. `Ok(None)`: there is none.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn receive<R>(&mut self, handle: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, Broken> {
        let Some(token) = self.queue.peek_used() else {
            return Ok(None);
        };
        let posted = self.posted.get_mut(usize::from(token)).ok_or(Broken)?;
        let index = core::mem::replace(posted, NONE);
        if index == NONE {
            return Err(Broken);
        }
        // SAFETY: the device has returned it.
        let buffer = unsafe { self.buffers.get(index) };
        // SAFETY: it is the buffer that was posted under this token.
        let written = unsafe { self.queue.pop_used(token, &[], &mut [buffer]) };
        let written = written.map_err(|_| Broken)? as usize;
        // SAFETY: as above; the slice that the queue was shown is gone.
        let buffer = unsafe { self.buffers.get(index) };
        // What the device says it wrote bounds the frame, but not beyond a frame's length. Shorter than a header is an empty frame.
        let frame = buffer.get(HEADER..written.min(HEADER + MAX_FRAME));
        let result = handle(frame.unwrap_or(&[]));
        self.post(index).map_err(|_| Broken)?;
        Ok(Some(result))
    }

    /// Whether a frame is waiting.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.queue.can_pop()
    }

    /// Whether the device is to raise interrupts for frames.
    pub(crate) fn interrupts(&mut self, wanted: bool) {
        self.queue.set_dev_notify(wanted);
    }

    /// Tells the device of the buffers that it was given, unless it does not want to know. After a fence.
    pub(crate) fn kick(&mut self, transport: &mut impl Transport) {
        if core::mem::take(&mut self.kick_due) && self.queue.should_notify() {
            transport.notify(QUEUE);
        }
    }
}
