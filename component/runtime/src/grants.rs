//! What the description granted, by name, as typed capabilities and memory.

use core::ptr::NonNull;

use isthmus_abi::Name;
use isthmus_abi::layout::LOG_STRIDE;
use isthmus_abi::startup::{Interrupt, Missing, Region, RegionKind};
use sel4::cap;
use shared_memory::SharedMemory;

use crate::{slots, startup};

/// The server of `interface` (from `uses`).
pub fn endpoint(interface: &str) -> Result<cap::Endpoint, Missing<'_>> {
    startup().endpoint(interface).map(slots::cap)
}

/// The server of `interface` that is called `server` (from `uses` with `from`), for who uses several.
pub fn endpoint_from<'a>(interface: &'a str, server: &str) -> Result<cap::Endpoint, Missing<'a>> {
    startup().endpoint_from(interface, server).map(slots::cap)
}

/// To signal component `to` (from an `[[event]]`).
pub fn signal(to: &str) -> Result<cap::Notification, Missing<'_>> {
    startup().signal(to).map(slots::cap)
}

/// To signal the other end of `channel`.
pub fn channel_signal(channel: &str) -> Result<cap::Notification, Missing<'_>> {
    startup().channel_signal(channel).map(slots::cap)
}

/// The memory of `channel`. Shared with another component, which is not to be trusted: use it through `shared-memory`.
pub fn channel(channel: &str) -> Result<NonNull<[u8]>, Missing<'_>> {
    startup().channel(channel).map(memory)
}

/// The memory of `channel`, as memory that another component may write at any time.
///
/// # Panics
/// If the root task maps a channel elsewhere than on a page boundary, which it does not.
pub fn shared_memory(channel: &str) -> Result<SharedMemory<'static>, Missing<'_>> {
    let memory = self::channel(channel)?;
    // SAFETY: the root task has mapped it, for ever and for nothing else, and without `unsafe` there is no other way to it.
    let shared = unsafe { SharedMemory::from_raw(memory.cast(), memory.len()) };
    Ok(shared.expect("channels are whole pages"))
}

/// A log ring that this component may read: its own, and in the console server everybody's.
#[derive(Clone, Copy, Debug)]
pub struct LogRing {
    /// Whose it is.
    pub component: &'static Name,
    /// Of which thread.
    pub thread: u8,
    /// The ring.
    pub memory: SharedMemory<'static>,
}

/// All log rings that this component may read.
///
/// # Panics
/// If the root task maps a ring elsewhere than on a page boundary, which it does not.
pub fn log_rings() -> impl Iterator<Item = LogRing> {
    let regions = startup()
        .regions
        .iter()
        .filter(|r| r.kind == RegionKind::Log);
    regions.flat_map(|region| {
        (0..region.bytes / LOG_STRIDE).map(move |thread| {
            let start = memory(region).cast::<u8>();
            // SAFETY: the root task has mapped `bytes` bytes there, for ever; all this component's accesses are through `SharedMemory`.
            let ring = unsafe {
                let start = start.add((thread * LOG_STRIDE) as usize);
                SharedMemory::from_raw(start, LOG_STRIDE as usize)
            };
            LogRing {
                component: &region.name,
                thread: thread as u8,
                memory: ring.expect("log rings are whole pages"),
            }
        })
    })
}

/// The handler of `interrupt`, to acknowledge with.
#[must_use]
pub const fn interrupt_handler(interrupt: Interrupt) -> cap::IrqHandler {
    slots::cap(interrupt.handler)
}

/// In the scheduler, the boot archive.
#[must_use]
pub fn archive() -> Option<&'static [u8]> {
    let archive = startup().processes.as_ref()?.archive;
    let start = NonNull::new(archive.address as *mut u8)?;
    // SAFETY: the root task has mapped it there, read-only and for ever, and nobody writes to its frames.
    Some(unsafe { core::slice::from_raw_parts(start.as_ptr(), archive.bytes as usize) })
}

/// A region's memory.
#[must_use]
pub fn memory(region: &Region) -> NonNull<[u8]> {
    let start = NonNull::new(region.address as *mut u8).expect("no region lies at address 0");
    NonNull::slice_from_raw_parts(start, region.bytes as usize)
}
