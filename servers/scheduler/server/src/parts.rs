//! What the root task handed over, by component.

use alloc::vec::Vec;

use builder::{Grave, Lasting, PAGE};
use isthmus_abi::scheduler::{HandOver, Lasting as HandedOver};
use isthmus_abi::{ComponentId, Slot, slots::NULL};
use isthmus_plan::Plan;
use isthmus_plan::plan::Channel;
use isthmus_runtime::sel4::{CPtr, Word, cap};
use isthmus_runtime::slots;

/// What lasts of one component.
pub struct Part {
    /// Its endpoint, notification and log rings.
    pub lasting: Lasting,
    /// Who answers in its place while it does not run.
    pub deputy: Option<cap::Tcb>,
    /// Its channels, with their frames.
    pub channels: Vec<(Channel, Vec<cap::Granule>)>,
}

/// The frames from `first` on, side by side.
fn frames(first: Slot, bytes: u64) -> Vec<cap::Granule> {
    let count = bytes.div_ceil(PAGE);
    let nth = |index| CPtr::from_bits(first.bits() + index as Word).cast();
    (0..count).map(nth).collect()
}

const fn some(slot: Slot) -> Option<Slot> {
    if slot.0 == NULL.0 { None } else { Some(slot) }
}

impl Part {
    /// What was handed over of `entry`'s component; `None` if the plan has no such component.
    pub fn of(entry: &HandedOver, handed: &HandOver, plan: &Plan) -> Option<Self> {
        let id = entry.component;
        let component = plan.component(id)?;
        let lasting = Lasting {
            id,
            name: component.name.clone(),
            service: some(entry.service).map(slots::cap),
            notification: slots::cap(entry.notification),
            logs: match some(entry.logs) {
                Some(first) => frames(first, component.log_bytes()),
                None => Vec::new(),
            },
        };
        let own = handed.channels.iter().filter(|c| c.component == id);
        let channels = own.filter_map(|shared| {
            let channel = plan.channels.get(usize::from(shared.channel))?;
            Some((channel.clone(), frames(shared.first, channel.bytes)))
        });
        Some(Self {
            lasting,
            deputy: some(entry.deputy).map(slots::cap),
            channels: channels.collect(),
        })
    }

    /// All frames that its processes map.
    pub fn frames(&self) -> impl Iterator<Item = cap::Granule> + '_ {
        let channels = self.channels.iter().flat_map(|(_, frames)| frames);
        self.lasting.logs.iter().chain(channels).copied()
    }
}

/// Where the dead go who have answered whom they owed.
pub fn grave(handed: &HandOver) -> Grave {
    Grave {
        cnode: slots::cap(handed.grave),
        space: slots::cap(handed.undertaker),
    }
}

/// The part of component `id`.
pub fn find(parts: &[Part], id: ComponentId) -> Option<&Part> {
    parts.iter().find(|part| part.lasting.id == id)
}
