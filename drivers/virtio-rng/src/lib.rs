//! Driver for a virtio entropy source (Virtual I/O Device 1.2, 5.4), over PCI or MMIO. It is asked once, at the machine's start, by whoever makes the seeds (the root
//! task): [`draw`] brings the device up, looks at it until it has answered, and resets it, so that it never touches memory afterwards.
//!
//! What it never does: judge how good the bytes are, wait for ever, use an interrupt, or believe a length that the device wrote without checking it.
//!
//! Read next: [`draw`]; `docs/threat-model.md`, Random numbers; `virtio-device` for the registers.
#![no_std]

#[cfg(test)]
mod tests;

use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{Ordering, fence};
use core::time::Duration;

use virtio_device::{
    DmaMemory, FEATURE_VERSION_1, Memory, MemoryError, PciFault, Refusal, Registers, memory,
    negotiate, reset,
};
use virtio_drivers::PAGE_SIZE;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;

/// The only queue's number (5.4.2).
const QUEUE: u16 = 0;
/// One buffer is with the device at a time; a queue has at least so many places.
const QUEUE_SIZE: usize = 2;
/// Bytes of memory for DMA that it needs: the queue's two pages, and one for the bytes.
pub const DMA_BYTES: usize = 3 * PAGE_SIZE;
/// How long the device is waited for. One on a host that has random numbers answers in less than a millisecond; one that is throttled, later.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Why there are no random bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DrawError {
    /// Its memory cannot be used.
    Memory(MemoryError),
    /// The device does not come up.
    Refused(Refusal),
    /// It has no queue of that size, or the memory for DMA is too small.
    Queue(virtio_drivers::Error),
    /// Its registers make no sense.
    Registers(PciFault),
    /// It has not answered within [`PATIENCE`].
    Silent,
    /// It says that it has written more than it was given room for, or nothing, or somewhere else.
    Broken,
}

impl fmt::Display for DrawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(error) => error.fmt(f),
            Self::Refused(Refusal::Reset) => f.write_str("it does not come out of reset"),
            Self::Refused(Refusal::Features) => {
                f.write_str("it lacks the modern interface, or refuses it")
            }
            Self::Queue(error) => write!(f, "its queue: {error}"),
            Self::Registers(PciFault::NotifyOutside) => {
                f.write_str("its notification area is elsewhere than mapped")
            }
            Self::Registers(PciFault::NoVector) => {
                f.write_str("it insists on an interrupt that nobody takes")
            }
            Self::Silent => write!(f, "it has not answered within {} s", PATIENCE.as_secs()),
            Self::Broken => f.write_str("it answers with lengths that cannot be"),
        }
    }
}

impl core::error::Error for DrawError {}

/// Draws `N` random bytes, at most a page, with `memory`, of which it needs [`DMA_BYTES`]. `clock` says the time since any moment.
///
/// # Errors
/// [`DrawError`]; the device is reset then, too.
///
/// # Safety
/// `memory` must be mapped for ever, physically contiguous, and used by nobody else.
pub unsafe fn draw<const N: usize>(
    mut registers: Registers,
    memory: DmaMemory,
    clock: impl FnMut() -> Duration,
) -> Result<[u8; N], DrawError> {
    // SAFETY: the caller's promise.
    unsafe { memory::give(memory) }.map_err(DrawError::Memory)?;
    let drawn = draw_by(&mut registers, clock);
    match registers.fault() {
        Some(fault) => Err(DrawError::Registers(fault)),
        None => drawn,
    }
}

/// The same with the memory given already.
fn draw_by<const N: usize>(
    transport: &mut impl Transport,
    clock: impl FnMut() -> Duration,
) -> Result<[u8; N], DrawError> {
    const { assert!(N <= PAGE_SIZE, "there is one page for the bytes") };
    let drawn = ask(transport, clock);
    // Whatever became of it: from here on the device has no memory of ours.
    let over = reset(transport).map_err(DrawError::Refused);
    let drawn = drawn?;
    over.map(|()| drawn)
}

fn ask<const N: usize>(
    transport: &mut impl Transport,
    mut clock: impl FnMut() -> Duration,
) -> Result<[u8; N], DrawError> {
    negotiate(transport, FEATURE_VERSION_1).map_err(DrawError::Refused)?;
    let queue = VirtQueue::<Memory, QUEUE_SIZE>::new(transport, QUEUE, false, false);
    let mut queue = queue.map_err(DrawError::Queue)?;
    // It is looked at.
    queue.set_dev_notify(false);
    let (_, page) = memory::pages(1).ok_or(DrawError::Queue(virtio_drivers::Error::DmaError))?;
    transport.finish_init();
    let mut drawn = [0; N];
    let mut have = 0;
    let end = clock() + PATIENCE;
    // It may give less than there is room for (5.4.6.1).
    while have < N {
        let rest = &mut drawn[have..];
        // SAFETY: the page was dealt for this alone; the last slice of it is gone, and the device has given it back, or has never had it.
        let room = unsafe { room(page, rest.len()) };
        // SAFETY: the page lives as long as the program, and is not touched before the device has given it back, or was reset.
        let token = unsafe { queue.add(&[], &mut [room]) }.map_err(DrawError::Queue)?;
        fence(Ordering::SeqCst);
        transport.notify(QUEUE);
        while !queue.can_pop() {
            if clock() >= end {
                return Err(DrawError::Silent);
            }
            core::hint::spin_loop();
        }
        // SAFETY: as above: the same bytes, which the device has just given back.
        let room = unsafe { self::room(page, rest.len()) };
        // SAFETY: it is the buffer that was added under this token.
        let written = unsafe { queue.pop_used(token, &[], &mut [&mut *room]) };
        let written = written.map_err(|_| DrawError::Broken)? as usize;
        if written == 0 || written > rest.len() {
            return Err(DrawError::Broken);
        }
        rest[..written].copy_from_slice(&room[..written]);
        // The seed comes from them: they stay nowhere.
        room.fill(0);
        have += written;
    }
    Ok(drawn)
}

/// The first bytes of a page.
///
/// # Safety
/// It must be a page of the region for DMA that nobody else uses, and the device must not have it.
unsafe fn room<'p>(page: NonNull<u8>, length: usize) -> &'p mut [u8] {
    // SAFETY: the caller's promise; `length` is at most a page, as `draw_by` has asserted.
    unsafe { core::slice::from_raw_parts_mut(page.as_ptr(), length) }
}
