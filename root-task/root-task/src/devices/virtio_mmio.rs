//! The network card in a virtio-mmio slot of QEMU's `virt`.
//!
//! Eight slots share a page, so the driver sees its neighbours' registers too. A driver that does DMA is trusted with all memory anyway
//! (`docs/threat-model.md`).

use isthmus_abi::startup;
use sel4::Word;

use super::{Giving, Machine, irq_control};
use crate::error::{Error, Result};
use builder::{Access, PAGE, Supply};

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
/// A network card.
const NETWORK: u32 = 1;

/// Gives the next network card that nobody has yet. QEMU fills the slots from the last one down.
///
/// # Errors
/// [`Error::NoDevice`], or what the kernel refuses.
pub fn give(machine: &mut Machine, giving: &mut Giving<'_>) -> Result<startup::VirtioNet> {
    let mut skip = machine.cards_given;
    for page in (0..COUNT / SLOTS_PER_PAGE).rev() {
        let frame = match machine.virtio_pages[page as usize] {
            Some(frame) => frame,
            None => {
                let frame = giving.objects.device_page(SLOTS + page * PAGE)?;
                machine.virtio_pages[page as usize] = Some(frame);
                frame
            }
        };
        // A copy, because each capability to a frame is mapped once.
        let copy = giving
            .objects
            .copy(frame.cptr(), sel4::CapRights::read_write())?
            .cast();
        let seen = giving
            .window
            .keep(giving.objects, &[copy], Access::Device)?;
        for slot in (0..SLOTS_PER_PAGE).rev() {
            if !is_network(seen + slot * STRIDE) {
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            machine.cards_given += 1;
            let registers = giving.shared_page(frame)? + slot * STRIDE;
            let irq = FIRST_IRQ + page * SLOTS_PER_PAGE + slot;
            let interrupt = giving.interrupt(|place| irq_control().irq_control_get(irq, place))?;
            return Ok(startup::VirtioNet::Mmio {
                registers,
                interrupt,
            });
        }
    }
    Err(Error::NoDevice(
        "virtio network card with the modern interface",
    ))
}

/// Whether there is a modern network card in the slot mapped at `slot`.
fn is_network(slot: u64) -> bool {
    // SAFETY: the slot's page is mapped as device memory by the caller, and these registers have no side effect when read.
    let read = |register: u64| unsafe { ((slot + register) as *const u32).read_volatile() };
    read(MAGIC) == MAGIC_VALUE && read(VERSION) == MODERN && read(DEVICE_ID) == NETWORK
}

/// Pages of slots.
pub const PAGES: usize = (COUNT / SLOTS_PER_PAGE) as usize;
