//! A plan is checked where it is read, with the same rules by which it was made: the root task trusts nothing that an image
//! brings until then.

use core::fmt;

use isthmus_abi::{ComponentId, layout, limits, slots};

use crate::plan::{Component, Plan, Restart, Use};

/// What is wrong with a plan. It was made by another version, or damaged: a description's mistakes are found earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPlan {
    /// It cannot be decoded.
    Encoding,
    /// Bytes follow its end.
    TrailingBytes,
    /// More than the limit of something.
    TooMany(&'static str, ComponentId),
    /// A size is no whole number of pages, or above its limit.
    BadSize(&'static str, ComponentId),
    /// It names a component or a bit that is not there.
    Dangling(&'static str, ComponentId),
    /// Slots are not in the order of the grants, without gaps, inside the CNode.
    BadSlots(ComponentId),
    /// Two sources have one event bit.
    SharedBit(ComponentId),
}

impl fmt::Display for BadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding => f.write_str("the plan cannot be decoded"),
            Self::TrailingBytes => f.write_str("bytes follow the plan's end"),
            Self::TooMany(what, id) => write!(f, "component {}: too many {what}", id.0),
            Self::BadSize(what, id) => write!(f, "component {}: bad size of its {what}", id.0),
            Self::Dangling(what, id) => write!(f, "component {}: its {what} lead nowhere", id.0),
            Self::BadSlots(id) => write!(f, "component {}: its slots are out of order", id.0),
            Self::SharedBit(id) => write!(f, "component {}: two sources share an event bit", id.0),
        }
    }
}

impl core::error::Error for BadPlan {}

/// The largest CNode, in bits: fixed slots, grants, replies and free slots at their limits.
const CNODE_BITS: u8 = 14;

impl Plan {
    /// The plan's bytes.
    #[must_use]
    pub fn encode(&self) -> alloc::vec::Vec<u8> {
        // Only a writer that runs full fails, and a vector does not.
        postcard::to_allocvec(self).expect("a vector takes every byte")
    }

    /// Reads and checks a plan.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadPlan> {
        let (plan, rest): (Self, _) =
            postcard::take_from_bytes(bytes).map_err(|_| BadPlan::Encoding)?;
        if !rest.is_empty() {
            return Err(BadPlan::TrailingBytes);
        }
        plan.check()?;
        Ok(plan)
    }

    /// Checks what the types do not say.
    pub fn check(&self) -> Result<(), BadPlan> {
        let system = ComponentId::ROOT_TASK;
        at_most(
            self.components.len(),
            limits::COMPONENTS,
            "components",
            system,
        )?;
        at_most(self.channels.len(), limits::CHANNELS, "channels", system)?;
        at_most(
            self.policy.len(),
            limits::POLICY_RULES,
            "rules about other machines",
            system,
        )?;
        let uses = self.components.iter().flat_map(|c| &c.uses);
        let directories = uses.filter(|used| used.directory.is_some()).count();
        at_most(directories, limits::DIRECTORIES, "directories", system)?;
        for (id, component) in self.all() {
            component.check_counts(id)?;
            component.check_sizes(id)?;
            component.check_slots(id)?;
            component.check_bits(id)?;
            let channels = self
                .channels
                .iter()
                .filter(|c| c.between.contains(&id))
                .count();
            at_most(channels, limits::COMPONENT_CHANNELS, "channels", id)?;
            self.check_references(id, component)?;
        }
        for (i, channel) in self.channels.iter().enumerate() {
            let [owner, other] = channel.between;
            if self.component(owner).is_none() || self.component(other).is_none() || owner == other
            {
                return Err(BadPlan::Dangling("channels", owner));
            }
            let address = layout::CHANNELS + i as u64 * limits::CHANNEL_BYTES;
            if !whole_pages(channel.bytes, limits::CHANNEL_BYTES)
                || channel.bytes == 0
                || channel.address != address
            {
                return Err(BadPlan::BadSize("channel", owner));
            }
        }
        Ok(())
    }

    fn check_references(&self, id: ComponentId, component: &Component) -> Result<(), BadPlan> {
        for signal in &component.signals {
            let heard = |to: &Component| {
                to.events
                    .iter()
                    .any(|e| e.bit == signal.bit && e.about == signal.about)
            };
            if !self.component(signal.to).is_some_and(heard) {
                return Err(BadPlan::Dangling("signals", id));
            }
        }
        let known = |from| self.component(from).is_some();
        let serves = |used: &Use| {
            let server = used.from.and_then(|from| self.component(from));
            server.is_some_and(|c| c.serves.contains(&used.interface))
        };
        let named = component.uses.iter().filter(|used| used.from.is_some());
        if !named.clone().all(serves) || named.clone().any(|used| used.from == Some(id)) {
            return Err(BadPlan::Dangling("interfaces used", id));
        }
        if component.events.iter().all(|e| known(e.from)) {
            Ok(())
        } else {
            Err(BadPlan::Dangling("events", id))
        }
    }
}

impl Component {
    fn check_counts(&self, id: ComponentId) -> Result<(), BadPlan> {
        at_most(self.serves.len(), limits::SERVES, "interfaces served", id)?;
        at_most(self.uses.len(), limits::USES, "interfaces used", id)?;
        at_most(self.signals.len(), limits::SIGNALS, "signals", id)?;
        at_most(self.events.len(), limits::EVENT_SOURCES, "events", id)?;
        at_most(self.devices.len(), limits::DEVICES, "devices", id)?;
        at_most(self.threads.len(), limits::THREADS, "threads", id)?;
        at_most(self.replies.count as usize, limits::REPLIES, "replies", id)?;
        at_most(self.free.count as usize, limits::FREE_SLOTS, "slots", id)?;
        at_most(
            usize::from(self.priority),
            usize::from(limits::PRIORITY),
            "priority levels",
            id,
        )
    }

    fn check_sizes(&self, id: ComponentId) -> Result<(), BadPlan> {
        if !whole_pages(self.heap_bytes, limits::HEAP_BYTES) {
            return Err(BadPlan::BadSize("heap", id));
        }
        if !whole_pages(self.memory_bytes, limits::MEMORY_BYTES) {
            return Err(BadPlan::BadSize("quota of memory", id));
        }
        if let Restart::OnFailure(policy) = self.restart {
            let back_off = policy.back_off_milliseconds;
            if back_off == 0 || back_off > limits::BACK_OFF_MILLISECONDS {
                return Err(BadPlan::BadSize("back-off", id));
            }
            at_most(
                usize::from(policy.restarts),
                usize::from(limits::RESTARTS),
                "restarts",
                id,
            )?;
        }
        let large_pages = self.dma_bytes.is_multiple_of(layout::LARGE_PAGE_BYTES);
        if !large_pages || self.dma_bytes > limits::DMA_BYTES {
            return Err(BadPlan::BadSize("DMA memory", id));
        }
        let stack = |bytes: u64| {
            whole_pages(bytes, limits::STACK_BYTES) && bytes >= limits::STACK_BYTES_MIN
        };
        if self.threads.is_empty() || !self.threads.iter().all(|t| stack(t.stack_bytes.into())) {
            return Err(BadPlan::BadSize("stacks", id));
        }
        Ok(())
    }

    fn check_slots(&self, id: ComponentId) -> Result<(), BadPlan> {
        let main_thread = self.threads.first().is_some_and(|t| {
            t.tcb == slots::NULL
                && t.notification == slots::NOTIFICATION
                && t.signal_main == slots::NULL
        });
        let mut next = slots::FIRST_GRANT.0;
        let in_order = self.grant_slots().all(|slot| {
            next += 1;
            slot.0 == next - 1
        });
        // Counts were checked before, so the sums below do not overflow.
        let ranges = self.replies.first.0 == next
            && self.free.first.0 == next + self.replies.count
            && self.cnode_bits <= CNODE_BITS
            && self.free.first.0 + self.free.count <= 1 << self.cnode_bits;
        if main_thread && in_order && ranges {
            Ok(())
        } else {
            Err(BadPlan::BadSlots(id))
        }
    }

    fn check_bits(&self, id: ComponentId) -> Result<(), BadPlan> {
        let mut taken = 0u64;
        for bit in self.bits() {
            if taken & bit.badge() & !isthmus_abi::badge::EVENT_MARK != 0 {
                return Err(BadPlan::SharedBit(id));
            }
            taken |= bit.badge();
        }
        Ok(())
    }
}

fn at_most(count: usize, limit: usize, what: &'static str, id: ComponentId) -> Result<(), BadPlan> {
    if count <= limit {
        Ok(())
    } else {
        Err(BadPlan::TooMany(what, id))
    }
}

fn whole_pages(bytes: u64, limit: u64) -> bool {
    bytes.is_multiple_of(layout::PAGE_BYTES) && bytes <= limit
}
