//! The plan's data: what the root task builds, in numbers.

use alloc::vec::Vec;

use isthmus_abi::badge::OutOfRange;
use isthmus_abi::startup::{Components, Permission};
use isthmus_abi::{
    ComponentId, Directory, EventBit, Name, Slot, SlotRange, limits, memory, scheduler, slots,
};
use serde::{Deserialize, Serialize};

use crate::placement::{Here, Placement};

/// A compiled system description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The system's name.
    pub name: Name,
    /// The components of all machines; the id of each is its position here, plus one.
    pub components: Vec<Component>,
    /// The channels, with their addresses.
    pub channels: Vec<Channel>,
    /// What may go to which other machine: the first rule that fits counts. Without any, everything may.
    pub policy: Vec<Rule>,
}

/// What machines let go to other machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// On which machines the rule holds.
    pub on: Placement,
    /// About which others.
    pub peers: Placement,
    /// Whose capabilities those may import.
    pub exports: Components,
    /// Whether they may ask for names.
    pub names: Permission,
    /// Whether they may hand on what they were given.
    pub hand_on: Permission,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Its name.
    pub name: Name,
    /// The archive's entry with its program.
    pub program: Name,
    /// Which of the instances of its description it is, if the description says `instances`.
    pub instance: Option<u8>,
    /// Its own arguments, `key=value key=value`.
    pub arguments: heapless::String<{ limits::ARGUMENT_BYTES }, u16>,
    /// The machines that it runs on.
    pub on: Placement,
    /// When it starts.
    pub start: Start,
    /// What follows when it fails.
    pub restart: Restart,
    /// How much of the processor it may have before its priority is lowered.
    pub cpu: CpuShare,
    /// Bytes of its account with the memory server: whole pages, or none.
    pub memory_bytes: u64,
    /// The priority of all its threads.
    pub priority: u8,
    /// Bytes of its heap: whole pages, or none.
    pub heap_bytes: u64,
    /// Bytes of memory for DMA: whole large pages, or none.
    pub dma_bytes: u64,
    /// The interfaces that it serves.
    pub serves: Vec<Name>,
    /// The interfaces that it uses.
    pub uses: Vec<Use>,
    /// The notifications that it may signal.
    pub signals: Vec<Signal>,
    /// The sources of events that it hears.
    pub events: Vec<Event>,
    /// What it drives.
    pub devices: Vec<Device>,
    /// Its threads, the main thread first.
    pub threads: Vec<Thread>,
    /// Slots for saved replies.
    pub replies: SlotRange,
    /// Free slots.
    pub free: SlotRange,
    /// Its CNode has 2 to the power of this many slots, and more where the root task adds some.
    pub cnode_bits: u8,
}

/// When a component starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// With the machine.
    Boot,
    /// When the scheduler is asked to start it.
    OnRequest,
}

/// What follows when a component fails: faults, panics, or exits with another code than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// It stays ended.
    Never,
    /// It is started again.
    OnFailure(RestartPolicy),
}

/// How a component is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// Milliseconds before the first restart; doubled for each further one in a row, up to
    /// [`limits::BACK_OFF_MILLISECONDS`].
    pub back_off_milliseconds: u32,
    /// Restarts in a row, after which it stays ended.
    pub restarts: u16,
    /// Who else is started again.
    pub with: RestartWith,
}

/// Who is started again with a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestartWith {
    /// Nobody.
    Nobody,
    /// Everybody who uses what it serves, and so on: [`Plan::dependants`].
    Dependants,
}

/// A share of the processor, in percent of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct CpuShare(u8);

impl CpuShare {
    /// No limit.
    pub const ALL: Self = Self(100);

    /// 1 to 100 percent.
    #[must_use]
    pub const fn new(percent: u8) -> Option<Self> {
        if percent >= 1 && percent <= 100 {
            Some(Self(percent))
        } else {
            None
        }
    }

    /// The percentage.
    #[must_use]
    pub const fn percent(self) -> u8 {
        self.0
    }

    /// Whether there is a limit at all.
    #[must_use]
    pub const fn is_limited(self) -> bool {
        self.0 < 100
    }
}

impl TryFrom<u8> for CpuShare {
    type Error = OutOfRange;

    fn try_from(percent: u8) -> Result<Self, OutOfRange> {
        Self::new(percent).ok_or(OutOfRange)
    }
}

impl From<CpuShare> for u8 {
    fn from(share: CpuShare) -> Self {
        share.0
    }
}

/// The use of an interface. Who serves it may depend on the machine: [`Plan::provider`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// The interface.
    pub interface: Name,
    /// The component that serves it, if the description names one; else whoever does on the machine.
    pub from: Option<ComponentId>,
    /// Whether it must be there.
    pub need: Need,
    /// Who makes the calls.
    pub caller: Caller,
    /// Of naming: where the user's tree of names begins, if not at the root.
    pub directory: Option<Directory>,
    /// Where the capability goes: Write and Grant, badged with the user's id.
    pub slot: Slot,
}

/// Whether a component can do without what it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Need {
    /// It cannot: somebody serves it wherever the component runs.
    Required,
    /// It can: where nobody serves it, the component has no capability.
    Optional,
}

/// Which thread of a component calls an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Caller {
    /// Any: while the call lasts the component answers nobody, so calls go down only.
    Anyone,
    /// A worker, so that the component goes on answering: the call may go up.
    Worker,
}

/// The right to signal another component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The component signalled.
    pub to: ComponentId,
    /// A channel's name, `event`, or `logs`.
    pub about: Name,
    /// Where the capability goes: Write, badged with [`EventBit::badge`].
    pub slot: Slot,
    /// The receiver's bit.
    pub bit: EventBit,
}

/// A source of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The component that signals; for `logs` the receiver itself.
    pub from: ComponentId,
    /// A channel's name, `event`, or `logs`.
    pub about: Name,
    /// Its bit.
    pub bit: EventBit,
}

/// Kinds of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeviceKind {
    /// The serial line.
    Console,
    /// The timer that user space owns.
    Timer,
    /// A virtio network card.
    VirtioNet,
    /// A general-purpose pin: a PL061's, or a PC's speaker's.
    Gpio,
}

impl DeviceKind {
    /// The names of the description.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("console", Self::Console),
        ("timer", Self::Timer),
        ("virtio-net", Self::VirtioNet),
        ("gpio", Self::Gpio),
    ];

    /// Its name in the description.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| name)
    }
}

/// A device, with room for what it may need on any architecture; what a machine has no use for stays empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What it is.
    pub kind: DeviceKind,
    /// For a capability to its I/O ports.
    pub ports: Slot,
    /// For its interrupt's handler capability.
    pub handler: Slot,
    /// For its interrupt.
    pub bit: EventBit,
}

/// A thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// For its TCB; null for the main thread.
    pub tcb: Slot,
    /// For its own notification, all rights.
    pub notification: Slot,
    /// For the capability by which it signals the main thread; null for the main thread.
    pub signal_main: Slot,
    /// The bit of that signal; 0 and unused for the main thread.
    pub bit: EventBit,
    /// Bytes of its stack: whole pages.
    pub stack_bytes: u32,
}

/// Shared memory of two components. On a machine where one of them does not run it does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: Name,
    /// Owner and other end.
    pub between: [ComponentId; 2],
    /// Its address in both.
    pub address: u64,
    /// Bytes: whole pages.
    pub bytes: u64,
}

impl Plan {
    /// The component with this id.
    #[must_use]
    pub fn component(&self, id: ComponentId) -> Option<&Component> {
        self.components.get(usize::from(id.0).checked_sub(1)?)
    }

    /// The component with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(ComponentId, &Component)> {
        self.all().find(|(_, c)| c.name == name)
    }

    /// All components, with their ids.
    pub fn all(&self) -> impl Iterator<Item = (ComponentId, &Component)> {
        self.components
            .iter()
            .enumerate()
            .map(|(i, c)| (ComponentId(i as u8 + 1), c))
    }

    /// The components that run on this machine.
    pub fn on(&self, here: Here) -> impl Iterator<Item = (ComponentId, &Component)> {
        self.all().filter(move |(_, c)| c.on.holds(here))
    }

    /// The component whose endpoint a use leads to on this machine.
    #[must_use]
    pub fn provider(&self, used: &Use, here: Here) -> Option<(ComponentId, &Component)> {
        match used.from {
            Some(id) => {
                let server = self.component(id).filter(|c| c.on.holds(here))?;
                Some((id, server))
            }
            None => self.server(used.interface.as_str(), here),
        }
    }

    /// A component that serves `interface` on this machine: the only one, unless every use there names one.
    #[must_use]
    pub fn server(&self, interface: &str, here: Here) -> Option<(ComponentId, &Component)> {
        self.on(here)
            .find(|(_, c)| c.serves.iter().any(|s| s == interface))
    }

    /// Whether a component runs on this machine.
    #[must_use]
    pub fn runs(&self, id: ComponentId, here: Here) -> bool {
        self.component(id).is_some_and(|c| c.on.holds(here))
    }

    /// The channels of this machine: both ends run here.
    pub fn channels_on(&self, here: Here) -> impl Iterator<Item = &Channel> {
        self.channels
            .iter()
            .filter(move |c| c.between.iter().all(|&end| self.runs(end, here)))
    }
}

impl Component {
    /// One past the last slot that has a use.
    #[must_use]
    pub fn slots_end(&self) -> Slot {
        self.hand_over().end()
    }

    /// Whether it is the memory server, to which the root task hands the memory over.
    #[must_use]
    pub fn owns_memory(&self) -> bool {
        self.serves.iter().any(|served| served == memory::INTERFACE)
    }

    /// Whether it is the scheduler, to which the root task hands the processes over.
    #[must_use]
    pub fn owns_processes(&self) -> bool {
        let interface = scheduler::INTERFACE;
        self.serves.iter().any(|served| served == interface)
    }

    /// Where what is handed over goes, behind the free slots; empty but in the memory server and the scheduler.
    #[must_use]
    pub fn hand_over(&self) -> SlotRange {
        SlotRange {
            first: self.free.end(),
            count: match (self.owns_memory(), self.owns_processes()) {
                (false, false) => 0,
                (true, false) => memory::HAND_OVER_SLOTS,
                (_, true) => scheduler::HAND_OVER_SLOTS,
            },
        }
    }

    /// Every slot that the root task puts a grant into, in order.
    pub fn grant_slots(&self) -> impl Iterator<Item = Slot> {
        let uses = self.uses.iter().map(|u| u.slot);
        let signals = self.signals.iter().map(|s| s.slot);
        let devices = self.devices.iter().flat_map(|d| [d.handler, d.ports]);
        let threads = self
            .threads
            .iter()
            .skip(1)
            .flat_map(|t| [t.tcb, t.notification, t.signal_main]);
        uses.chain(signals).chain(devices).chain(threads)
    }

    /// Every event bit that is taken.
    pub fn bits(&self) -> impl Iterator<Item = EventBit> {
        let events = self.events.iter().map(|e| e.bit);
        let devices = self.devices.iter().map(|d| d.bit);
        let threads = self.threads.iter().skip(1).map(|t| t.bit);
        events.chain(devices).chain(threads)
    }

    /// The slots that have a fixed place in every component.
    pub const FIXED_SLOTS: u32 = slots::FIRST_GRANT.0;
}
