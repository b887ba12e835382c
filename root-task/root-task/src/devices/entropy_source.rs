//! The entropy source, if the machine has one. The root task asks it itself, before there are components, because it makes everybody's seeds; no component gets it.

use core::ptr::NonNull;
use core::time::Duration;

use sel4::{FrameObjectType, cap};
use virtio_device::DmaMemory;
use virtio_rng::DMA_BYTES;

use super::{Machine, virtio};
use crate::entropy::{DRAWN_BYTES, counter};
use crate::error::{Error, Result};
use crate::objects::Objects;
use builder::{Access, PAGE, Supply, Window};

/// Random bytes of the machine's entropy source; `None`: it has none.
///
/// # Errors
/// [`Error::NoEntropy`]: it does not answer as it should; or whatever fails on the way. The machine can do without.
pub fn draw(
    machine: &mut Machine,
    objects: &mut Objects,
    window: &mut Window,
) -> Result<Option<[u8; DRAWN_BYTES]>> {
    let Some(registers) = virtio::entropy_source(machine, objects, window)? else {
        return Ok(None);
    };
    let count = DMA_BYTES.div_ceil(PAGE as usize);
    let made = objects.make_all(FrameObjectType::GRANULE.blueprint(), count)?;
    let frames: [cap::Granule; DMA_BYTES / PAGE as usize] =
        core::array::from_fn(|index| made.nth(index).cast());
    let address = window.keep(objects, &frames, Access::Write)?;
    let memory = DmaMemory {
        address: NonNull::new(address as *mut u8).expect("the window does not begin at 0"),
        physical: made.address,
        bytes: DMA_BYTES,
    };
    let hz = u128::from(machine.counter_hz.max(1));
    let clock = || {
        let nanos = u128::from(counter()) * Duration::from_secs(1).as_nanos() / hz;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    };
    // SAFETY: the frames were made together, so they are contiguous; they are mapped for good, and nobody else has them.
    let drawn = unsafe { virtio_rng::draw(registers, memory, clock) };
    drawn.map(Some).map_err(Error::NoEntropy)
}
