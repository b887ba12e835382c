//! What the root task gives away at the end of its start: to the memory server all memory that is left, to the scheduler what it starts the
//! other components with. `docs/processes.md` says who owns what from then on.

use alloc::vec::Vec;

use builder::{Access, Body, Lasting, PAGE, Supply, Undertaker};
use isthmus_abi::scheduler::{self, SharedFrames};
use isthmus_abi::{ComponentId, Slot, SlotRange, layout, limits, memory, slots};
use isthmus_plan::plan::Plan;
use sel4::{CPtr, CapRights, cap};

use crate::error::{Error, Result};
use crate::objects::{Objects, place};
use crate::system::SharedChannel;

/// The slots of a component for what is handed over, one after the other.
struct Slots {
    range: SlotRange,
    used: u32,
}

impl Slots {
    const fn of(range: SlotRange) -> Self {
        Self { range, used: 0 }
    }

    fn take(&mut self) -> Result<Slot> {
        let slot = self.range.get(self.used);
        self.used += 1;
        slot.ok_or(Error::HandOver("slots"))
    }

    /// What is left.
    const fn rest(&self) -> SlotRange {
        SlotRange {
            first: Slot(self.range.first.0 + self.used),
            count: self.range.count - self.used,
        }
    }
}

/// A copy of `from` in the next slot.
fn give(body: &Body, slots: &mut Slots, from: CPtr) -> Result<Slot> {
    let slot = slots.take()?;
    body.copy(slot, from, CapRights::all())?;
    Ok(slot)
}

/// Copies of frames side by side; answers the first.
fn give_frames(body: &Body, slots: &mut Slots, frames: &[cap::Granule]) -> Result<Slot> {
    let mut first = slots::NULL;
    for (index, frame) in frames.iter().enumerate() {
        let slot = give(body, slots, frame.cptr())?;
        if index == 0 {
            first = slot;
        }
    }
    Ok(first)
}

/// What is handed over to the scheduler.
pub struct Processes<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What lasts of every component of this machine.
    pub all: &'a [Lasting],
    /// The channels of this machine.
    pub channels: &'a [SharedChannel],
    /// Who answers for the dead.
    pub undertaker: &'a Undertaker,
    /// The frames of this program's image; the first is mapped at `image_start`.
    pub image: core::ops::Range<usize>,
    /// The boot archive.
    pub archive: &'a [u8],
}

/// Where this program's image begins: its linker script says so.
const IMAGE_START: u64 = 0x20_0000;

impl Processes<'_> {
    /// Hands them over to the scheduler. `is_base` tells whom the root task starts itself.
    pub fn hand_over(
        &self,
        objects: &mut Objects,
        body: &mut Body,
        is_base: impl Fn(ComponentId) -> bool,
    ) -> Result<scheduler::HandOver> {
        let planned = self.plan.component(body.id());
        let range = planned.map_or(SlotRange::empty(slots::NULL), |c| c.hand_over());
        let slots = &mut Slots::of(range);
        let grave = self.undertaker.silent_grave(objects)?;
        body.space.reserve(objects, layout::WINDOW)?;
        let asid_pool = give(body, slots, objects.asid_pool().cptr())?;
        let space = give(body, slots, body.space.root().cptr())?;
        let undertaker = give(body, slots, grave.space.cptr())?;
        let grave = give(body, slots, grave.cnode.cptr())?;

        let mut components = heapless::Vec::new();
        for lasting in self.all {
            let base = is_base(lasting.id);
            let service = match lasting.service {
                Some(service) => give(body, slots, service.cptr())?,
                None => slots::NULL,
            };
            let deputy = match lasting.service {
                Some(_) if !base => {
                    let deputy = self.undertaker.deputy(objects, lasting)?;
                    give(body, slots, deputy.cptr())?
                }
                _ => slots::NULL,
            };
            let entry = scheduler::Lasting {
                component: lasting.id,
                service,
                notification: give(body, slots, lasting.notification.cptr())?,
                deputy,
                logs: match base {
                    true => slots::NULL,
                    false => give_frames(body, slots, &lasting.logs)?,
                },
            };
            components
                .push(entry)
                .map_err(|_| Error::HandOver("components"))?;
        }
        let mut channels = heapless::Vec::new();
        for channel in self.channels {
            for component in channel.between.into_iter().filter(|&end| !is_base(end)) {
                let shared = SharedFrames {
                    component,
                    channel: channel.index,
                    first: give_frames(body, slots, &channel.frames)?,
                };
                channels
                    .push(shared)
                    .map_err(|_| Error::HandOver("channels"))?;
            }
        }
        let archive = self.map_archive(objects, body)?;
        Ok(scheduler::HandOver {
            asid_pool,
            space,
            undertaker,
            grave,
            archive,
            components,
            channels,
            empty: slots.rest(),
        })
    }

    /// Maps the boot archive for the scheduler to read.
    fn map_archive(&self, objects: &mut Objects, body: &mut Body) -> Result<scheduler::Archive> {
        let bytes = self.archive.len() as u64;
        if bytes > limits::ARCHIVE_BYTES {
            return Err(Error::HandOver("archive"));
        }
        let start = self.archive.as_ptr() as u64;
        let first = self.image.start + ((start - IMAGE_START) / PAGE) as usize;
        for page in 0..bytes.div_ceil(PAGE) {
            let frame = first + page as usize;
            if !self.image.contains(&frame) {
                return Err(Error::HandOver("archive"));
            }
            let frame = CPtr::from_bits(frame as sel4::Word);
            let copy = objects.copy(frame, CapRights::read_only())?.cast();
            body.space
                .map(objects, copy, layout::ARCHIVE + page * PAGE, Access::Read)?;
        }
        Ok(scheduler::Archive {
            address: layout::ARCHIVE,
            bytes,
        })
    }
}

/// Hands all memory that is left over to the memory server, and the accounts of the components in `bodies`. Nothing can be made of memory
/// afterwards.
pub fn memory(
    objects: &mut Objects,
    plan: &Plan,
    bodies: &[Body],
    server: &Body,
) -> Result<memory::HandOver> {
    let planned = plan.component(server.id());
    let range = planned.map_or(SlotRange::empty(slots::NULL), |c| c.hand_over());
    let slots = &mut Slots::of(range);
    let mut accounts = heapless::Vec::new();
    let mut scheduler = None;
    for body in bodies {
        let Some(component) = plan.component(body.id()) else {
            continue;
        };
        if component.owns_processes() {
            scheduler = Some(body.id());
        }
        let quota_bytes = component.memory_bytes;
        if quota_bytes == 0 {
            continue;
        }
        let account = memory::Account {
            component: body.id(),
            space: give(server, slots, body.space.root().cptr())?,
            quota_bytes,
        };
        accounts
            .push(account)
            .map_err(|_| Error::HandOver("accounts"))?;
    }
    let mut left = objects.take_memory()?;
    left.sort_by_key(|&(_, bits)| core::cmp::Reverse(bits));
    let mut untyped = heapless::Vec::new();
    for (from, bits) in left.into_iter().take(limits::UNTYPED_OBJECTS) {
        let slot = slots.take()?;
        server.receive(slot, &place(from))?;
        let object = memory::UntypedObject {
            slot,
            size_bits: bits as u8,
        };
        untyped
            .push(object)
            .map_err(|_| Error::HandOver("untyped objects"))?;
    }
    Ok(memory::HandOver {
        untyped,
        accounts,
        scheduler,
        empty: slots.rest(),
    })
}

/// Untyped memory that nothing was made of: its capability, and the bits of its size.
pub type Left = Vec<(CPtr, usize)>;
