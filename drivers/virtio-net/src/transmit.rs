//! The transmit queue: buffers come back when new ones are wanted, without interrupts unless the queue was full.
use heapless::Vec;
use virtio_device::Memory;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;

use crate::buffers::Buffers;
use crate::{Broken, HEADER, MAX_FRAME, TRANSMIT_BUFFERS};

/// The queue's number (5.1.2).
const QUEUE: u16 = 1;
/// No buffer belongs to this token.
const NONE: u16 = u16::MAX;

/// Every transmit buffer is with the device (or the frame is longer than a frame may be).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The card's transmit side.
pub struct Transmitter {
    queue: VirtQueue<Memory, TRANSMIT_BUFFERS>,
    buffers: Buffers,
    free: Vec<u16, TRANSMIT_BUFFERS>,
    /// What was given to the device under each token: the buffer, and how many bytes of it.
    sent: [(u16, u16); TRANSMIT_BUFFERS],
    kick_due: bool,
    broken: bool,
}

impl Transmitter {
    /// Sets the queue up; every buffer is free.
    pub(crate) fn new(transport: &mut impl Transport) -> Result<Self, virtio_drivers::Error> {
        let mut queue = VirtQueue::new(transport, QUEUE, false, false)?;
        queue.set_dev_notify(false);
        Ok(Self {
            queue,
            buffers: Buffers::new(TRANSMIT_BUFFERS).ok_or(virtio_drivers::Error::DmaError)?,
            free: (0..TRANSMIT_BUFFERS as u16).collect(),
            sent: [(NONE, 0); TRANSMIT_BUFFERS],
            kick_due: false,
            broken: false,
        })
    }

    /// Whether there is a free buffer, after taking back what the device is done with.
    pub fn has_room(&mut self) -> bool {
        if self.free.is_empty() {
            self.reclaim();
        }
        !self.free.is_empty() && !self.broken
    }

    /// Frames that the device has and is not done with.
    pub fn under_way(&mut self) -> usize {
        self.reclaim();
        TRANSMIT_BUFFERS - self.free.len()
    }

    /// Gives the device a frame of `length` bytes, at most [`MAX_FRAME`], that `fill` writes. The device learns of it with the next
    /// [`kick`](crate::Card::kick).
    ///
    /// # Errors
    /// [`Full`]; `fill` was not called.
    pub fn transmit(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), Full> {
        if length > MAX_FRAME || !self.has_room() {
            return Err(Full);
        }
        let index = self.free.pop().ok_or(Full)?;
        let bytes = HEADER + length;
        // SAFETY: the device does not have a buffer that is free.
        let buffer = unsafe { &mut self.buffers.get(index)[..bytes] };
        // The header asks for nothing: no checksum, no segmentation.
        let (header, frame) = buffer.split_at_mut(HEADER);
        header.fill(0);
        fill(frame);
        // SAFETY: the buffer lives as long as the program and is not touched before `reclaim` takes it back.
        match unsafe { self.queue.add(&[buffer], &mut []) } {
            Ok(token) => self.sent[usize::from(token)] = (index, bytes as u16),
            // Cannot be: there are as many descriptors as buffers. The frame is lost and the buffer with it; a network may lose frames.
            Err(_) => self.broken = true,
        }
        self.kick_due = true;
        Ok(())
    }

    /// Takes back the buffers that the device is done with.
    fn reclaim(&mut self) {
        while let Some(token) = self.queue.peek_used() {
            if self.take_back(token).is_err() {
                self.broken = true;
                return;
            }
        }
    }

    fn take_back(&mut self, token: u16) -> Result<(), Broken> {
        let sent = self.sent.get_mut(usize::from(token)).ok_or(Broken)?;
        let (index, bytes) = core::mem::replace(sent, (NONE, 0));
        if index == NONE {
            return Err(Broken);
        }
        // SAFETY: the device has returned it.
        let buffer = unsafe { &self.buffers.get(index)[..usize::from(bytes)] };
        // SAFETY: it is what was given under this token.
        let popped = unsafe { self.queue.pop_used(token, &[buffer], &mut []) };
        popped.map_err(|_| Broken)?;
        self.free.push(index).map_err(|_| Broken)
    }

    /// Whether the device broke the rules; nothing is sent any more.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether the device is to raise interrupts for buffers that it is done with.
    pub(crate) fn interrupts(&mut self, wanted: bool) {
        self.queue.set_dev_notify(wanted);
    }

    /// Tells the device of the frames that it was given, unless it does not want to know. After a fence.
    pub(crate) fn kick(&mut self, transport: &mut impl Transport) {
        if core::mem::take(&mut self.kick_due) && self.queue.should_notify() {
            transport.notify(QUEUE);
        }
    }
}
