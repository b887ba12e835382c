//! The network card and the entropy source in virtio-mmio slots of QEMU's `virt`. The card has a driver elsewhere; the entropy source is asked by the root task itself.
//!
//! Eight slots share a page, so the driver sees its neighbours' registers too. A driver that does DMA is trusted with all memory anyway
//! (`docs/threat-model.md`).

use core::ptr::NonNull;

use isthmus_abi::startup;
use sel4::{Word, cap};
use virtio_device::{DeviceType, Registers};

use super::{Giving, Machine, irq_control};
use crate::error::{Error, Result};
use crate::objects::Objects;
use builder::{Access, PAGE, Supply, Window};

/// Physical address of slot 0.
const SLOTS: u64 = 0x0a00_0000;
/// From one slot to the next.
const STRIDE: u64 = 0x200;
/// How many there are.
const COUNT: u64 = 32;
/// Slots in a page.
const SLOTS_PER_PAGE: u64 = PAGE / STRIDE;
/// Slot n has shared peripheral interrupt 16 + n, which is interrupt 48 + n of the controller.
const FIRST_IRQ: Word = 48;

/// The first registers of a slot (Virtual I/O Device 1.2, 4.2.2).
const MAGIC: u64 = 0x000;
const VERSION: u64 = 0x004;
const DEVICE_ID: u64 = 0x008;
/// "virt", little-endian.
const MAGIC_VALUE: u32 = 0x7472_6976;
/// The modern interface.
const MODERN: u32 = 2;
/// A slot with a device in it.
struct Slot {
    /// Its page.
    frame: cap::Granule,
    /// Its first register's place in that.
    offset: u64,
    /// Where the root task sees it.
    seen: u64,
    irq: Word,
}

/// The slot of the device of this kind after `skip` others. QEMU fills the slots from the last one down.
fn find(
    machine: &mut Machine,
    objects: &mut Objects,
    window: &mut Window,
    kind: DeviceType,
    mut skip: usize,
) -> Result<Option<Slot>> {
    for page in (0..COUNT / SLOTS_PER_PAGE).rev() {
        let (frame, seen) = match machine.virtio_pages[page as usize] {
            Some(known) => known,
            None => {
                let frame = objects.device_page(SLOTS + page * PAGE)?;
                // A copy, because each capability to a frame is mapped once.
                let copy = objects.copy(frame.cptr(), sel4::CapRights::read_write())?;
                let seen = window.keep(objects, &[copy.cast()], Access::Device)?;
                machine.virtio_pages[page as usize] = Some((frame, seen));
                (frame, seen)
            }
        };
        for slot in (0..SLOTS_PER_PAGE).rev() {
            let offset = slot * STRIDE;
            if !is_modern(seen + offset, kind) {
                continue;
            }
            if skip == 0 {
                return Ok(Some(Slot {
                    frame,
                    offset,
                    seen: seen + offset,
                    irq: FIRST_IRQ + page * SLOTS_PER_PAGE + slot,
                }));
            }
            skip -= 1;
        }
    }
    Ok(None)
}

/// Gives the next network card that nobody has yet.
///
/// # Errors
/// [`Error::NoDevice`], or what the kernel refuses.
pub fn give(machine: &mut Machine, giving: &mut Giving<'_>) -> Result<startup::VirtioNet> {
    let given = machine.cards_given;
    let (objects, window) = (&mut *giving.objects, &mut *giving.window);
    let found = find(machine, objects, window, DeviceType::Network, given)?;
    let slot = found.ok_or(Error::NoDevice(
        "virtio network card with the modern interface",
    ))?;
    machine.cards_given += 1;
    let registers = giving.shared_page(slot.frame)? + slot.offset;
    let interrupt = giving.interrupt(|place| irq_control().irq_control_get(slot.irq, place))?;
    Ok(startup::VirtioNet::Mmio {
        registers,
        interrupt,
    })
}

/// The registers of the first entropy source, for the root task; `None`: there is none.
///
/// # Errors
/// [`Error::BadRegisters`], or what the kernel refuses.
pub fn entropy_source(
    machine: &mut Machine,
    objects: &mut Objects,
    window: &mut Window,
) -> Result<Option<Registers>> {
    let kind = DeviceType::EntropySource;
    let Some(slot) = find(machine, objects, window, kind, 0)? else {
        return Ok(None);
    };
    let start = NonNull::new(slot.seen as *mut u8).expect("the window does not begin at 0");
    // SAFETY: the slot's page is mapped for good as device memory, and nobody but the root task drives this slot; a slot lies within its page.
    let registers = unsafe { Registers::mmio(kind, start) };
    registers.map(Some).map_err(Error::BadRegisters)
}

/// Whether there is a modern device of this kind in the slot mapped at `slot`.
fn is_modern(slot: u64, kind: DeviceType) -> bool {
    // SAFETY: the slot's page is mapped as device memory by the caller, and these registers have no side effect when read.
    let read = |register: u64| unsafe { ((slot + register) as *const u32).read_volatile() };
    read(MAGIC) == MAGIC_VALUE && read(VERSION) == MODERN && read(DEVICE_ID) == kind as u32
}

/// Pages of slots.
pub const PAGES: usize = (COUNT / SLOTS_PER_PAGE) as usize;
