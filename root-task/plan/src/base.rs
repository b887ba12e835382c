//! Who starts what: the *base* is the root task's, the rest is the scheduler's. The rule, in `docs/processes.md`:
//!
//! the base is every component that drives a device, the scheduler, and what a component of the base depends on: the servers
//! that it uses and the owners of channels of which it is the other end. Where no component serves `scheduler`, everything is.

use alloc::vec::Vec;

use isthmus_abi::{ComponentId, limits};

use crate::placement::Here;
use crate::plan::{Component, Plan};

/// The interface of the component that starts what is not of the base.
pub const SCHEDULER: &str = "scheduler";
/// The interface of the component that owns the memory.
pub const MEMORY: &str = isthmus_abi::memory::INTERFACE;

/// The interface of the component that knows the names, for which a use may have a `directory`.
pub const NAMING: &str = "naming";

/// Who starts a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// The root task: it is of the base, and never restarted.
    RootTask,
    /// The scheduler.
    Scheduler,
}

/// A set of components.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ComponentSet(u64);

const _: () = assert!(limits::COMPONENTS < 64, "numbers from 1 fit the bits");

impl ComponentSet {
    /// Whether `id` is one of them.
    #[must_use]
    pub const fn contains(self, id: ComponentId) -> bool {
        id.0 < 64 && self.0 & (1 << id.0) != 0
    }

    /// Adds one; whether it is new. A number that no component has is none.
    pub const fn insert(&mut self, id: ComponentId) -> bool {
        if id.0 as usize > limits::COMPONENTS || self.contains(id) {
            return false;
        }
        self.0 |= 1 << id.0;
        true
    }

    /// Each of them, in the plan's order.
    pub fn iter(self) -> impl Iterator<Item = ComponentId> {
        (0..64u8)
            .map(ComponentId)
            .filter(move |&id| self.contains(id))
    }
}

impl Plan {
    /// Who starts a component on this machine.
    #[must_use]
    pub fn starter(&self, id: ComponentId, here: Here) -> Starter {
        if self.base(here).contains(id) {
            Starter::RootTask
        } else {
            Starter::Scheduler
        }
    }

    /// The components that the root task starts on this machine.
    #[must_use]
    pub fn base(&self, here: Here) -> ComponentSet {
        let is_root = |c: &Component| {
            !c.devices.is_empty() || c.serves.iter().any(|served| served == SCHEDULER)
        };
        let everything = self.server(SCHEDULER, here).is_none();
        let roots = self
            .on(here)
            .filter(|(_, c)| everything || is_root(c))
            .map(|(id, _)| id);
        self.closure(roots.collect(), |id, visit| {
            let Some(component) = self.component(id) else {
                return;
            };
            let servers = component
                .uses
                .iter()
                .filter_map(|used| self.provider(used, here));
            servers.for_each(|(server, _)| visit(server));
            let other_end = self.channels_on(here).filter(|c| c.between[1] == id);
            other_end.for_each(|c| visit(c.between[0]));
        })
    }

    /// Who depends on a component on this machine: everybody who uses what it serves and needs it, and who depends on these. Not the
    /// component itself, even where it depends on what depends on it.
    #[must_use]
    pub fn dependants(&self, of: ComponentId, here: Here) -> ComponentSet {
        let mut all = self.closure(alloc::vec![of], |id, visit| {
            for (user, component) in self.on(here) {
                let leads_there = component
                    .uses
                    .iter()
                    .filter(|used| used.need == crate::plan::Need::Required)
                    .filter_map(|used| self.provider(used, here))
                    .any(|(server, _)| server == id);
                if leads_there {
                    visit(user);
                }
            }
        });
        all.0 &= !(1 << of.0);
        all
    }

    /// Everything that can be reached from `start`.
    fn closure(
        &self,
        start: Vec<ComponentId>,
        next: impl Fn(ComponentId, &mut dyn FnMut(ComponentId)),
    ) -> ComponentSet {
        let mut all = ComponentSet::default();
        let mut to_visit = start;
        to_visit.retain(|&id| all.insert(id));
        while let Some(id) = to_visit.pop() {
            next(id, &mut |found| {
                if all.insert(found) {
                    to_visit.push(found);
                }
            });
        }
        all
    }
}
