//! The ends of those who have registered something, by the scheduler's watch, if the description gives one. Who is not a process of the scheduler, or has no
//! watch, is known by its leases only.

use heapless::Vec;
use isthmus_runtime::abi::limits::{COMPONENTS, EVENT_BITS};
use isthmus_runtime::abi::slots::NOTIFICATION;
use isthmus_runtime::abi::{ComponentId, EventBit};
use isthmus_runtime::interface::{Cap, Notification};
use isthmus_runtime::sel4::CapRightsBuilder;
use isthmus_runtime::{Kernel, Slot, Startup, slots};
use scheduler_interface::{Condition, ProcessClient, Report, SchedulerClient};

struct Owner {
    component: ComponentId,
    process: ProcessClient<Kernel>,
    /// The run that has registered something.
    start: u32,
}

/// Who is watched.
pub struct Owners {
    scheduler: Option<(Slot, EventBit)>,
    watched: Vec<Owner, COMPONENTS>,
}

impl Owners {
    pub fn new(startup: &Startup) -> Self {
        let scheduler = startup.endpoint(SchedulerClient::<Kernel>::INTERFACE);
        Self {
            scheduler: scheduler.ok().zip(spare_bits(startup).next()),
            watched: Vec::new(),
        }
    }

    /// The event that tells that somebody has ended.
    pub fn event(&self) -> Option<EventBit> {
        self.scheduler.map(|(_, bell)| bell)
    }

    /// A component has registered something. The scheduler answers at once.
    pub fn note(&mut self, component: ComponentId) {
        let Some((scheduler, bell)) = self.scheduler else {
            return;
        };
        if let Some(owner) = self.watched.iter_mut().find(|o| o.component == component) {
            if let Ok(report) = owner.process.report() {
                owner.start = report.starts;
            }
            return;
        }
        // Of the base, or the scheduler's tables are full: its leases will do.
        let Ok(process) = SchedulerClient::new(Kernel, scheduler).of_client(component.0) else {
            return;
        };
        let process = ProcessClient::new(Kernel, process);
        let Some(bell) = mint(bell) else { return };
        if let (Ok(()), Ok(report)) = (process.watch(bell), process.report()) {
            // No more than there are components.
            let _ = self.watched.push(Owner {
                component,
                process,
                start: report.starts,
            });
        }
    }

    /// Those whose run is over. Each is told once; its next run is known when it registers something.
    pub fn ended(&mut self) -> impl Iterator<Item = ComponentId> + '_ {
        self.watched.iter_mut().filter_map(|owner| {
            let now = owner.process.report().ok()?;
            let runs = |report: &Report| report.condition == Condition::Running;
            (!runs(&now) || now.starts != owner.start).then_some(owner.component)
        })
    }
}

/// Bits that no other source of events has: the first is for the scheduler's watch, the second for the view's.
pub fn spare_bits(startup: &Startup) -> impl Iterator<Item = EventBit> {
    let taken = |bit: &EventBit| {
        let bit = *bit;
        startup.events.iter().any(|event| event.bit == bit)
            || startup
                .threads
                .iter()
                .skip(1)
                .any(|thread| thread.event == bit)
    };
    (0..EVENT_BITS as u8)
        .rev()
        .filter_map(EventBit::new)
        .filter(move |bit| !taken(bit))
}

/// A capability to signal that event.
pub fn mint(bell: EventBit) -> Option<Cap<Notification>> {
    let slot = slots::allocate().ok()?;
    let minted = Kernel::owned(slot);
    let signalled = CapRightsBuilder::none().write(true).build();
    slots::absolute(slot)
        .mint(&slots::absolute(NOTIFICATION), signalled, bell.badge())
        .ok()?;
    Some(Cap::new(minted))
}
