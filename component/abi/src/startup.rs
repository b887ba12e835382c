//! The start-up block: what a component was given, and where it lies. Written by the root task in a page that the
//! component can only read.
//!
//! Encoded with postcard, behind a little-endian `u32` length ([`crate::layout::STARTUP`]).

use core::fmt;

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::badge::{ComponentId, EventBit};
use crate::limits;
use crate::memory::HandOver;
use crate::names::{Directory, Name};
use crate::scheduler;
use crate::slots::{Slot, SlotRange};

/// Everything that a component is told at its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Startup {
    /// Its number on this machine.
    pub id: ComponentId,
    /// Its name in the description.
    pub name: Name,
    /// Which of the instances of its description it is, from 0; 0 too if the description has no `instances`.
    pub instance: u8,
    /// Its own arguments, `key=value key=value`: [`Startup::argument`].
    pub arguments: heapless::String<{ limits::ARGUMENT_BYTES }, u16>,
    /// The machine it runs on.
    pub machine: Machine,
    /// The interfaces that it serves, all on the endpoint in [`crate::slots::SERVICE`].
    pub serves: Vec<Name, { limits::SERVES }, u8>,
    /// The interfaces that it uses.
    pub endpoints: Vec<Endpoint, { limits::USES }, u8>,
    /// The notifications that it may signal.
    pub signals: Vec<Signal, { limits::SIGNALS }, u8>,
    /// The sources of events that it may hear of. Interrupts and its own threads have their bits there.
    pub events: Vec<Event, { limits::EVENT_SOURCES }, u8>,
    /// What it drives.
    pub devices: Vec<Device, { limits::DEVICES }, u8>,
    /// Its memory, other than program, stacks, thread blocks and this block.
    pub regions: Vec<Region, { limits::REGIONS }, u8>,
    /// Its threads; the first is the main thread.
    pub threads: Vec<Thread, { limits::THREADS }, u8>,
    /// Slots for saved reply capabilities; the root task answers the callers in them when the component dies.
    pub replies: SlotRange,
    /// Slots for the component's own use.
    pub free: SlotRange,
    /// In the naming server: where the trees of its clients begin, if not at the root.
    pub roots: Vec<Root, { limits::DIRECTORIES }, u8>,
    /// In the component that serves [`NETIPC`]: what may go to which other machine. `None`: the description has no rule about that, and everything may.
    pub policy: Option<Vec<PeerPolicy, { limits::NODES }, u8>>,
    /// In the component that serves [`NETIPC`], and in the scheduler, which may start that one: the machine's keys, if it has any.
    pub keys: Option<ClusterKeys>,
    /// In the memory server: the memory.
    pub hand_over: Option<HandOver>,
    /// In the scheduler: what it starts the others with.
    pub processes: Option<scheduler::HandOver>,
}

/// Facts about the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// This machine's number in the cluster, from 1.
    pub node: u8,
    /// Machines of the cluster.
    pub nodes: u8,
    /// Ticks a second of the counter that user space reads (`CNTVCT` on aarch64, the time-stamp counter on x86_64).
    pub counter_hz: u64,
    /// The component's own seed for random numbers.
    pub seed: Seed,
    /// How good the seed is.
    pub randomness: Randomness,
    /// `key=value key=value`.
    pub arguments: heapless::String<{ limits::ARGUMENT_BYTES }, u16>,
}

/// What random numbers are made from: new at each start of the machine, another one for each component, and known to nobody
/// else but the root task. How good it is says `docs/threat-model.md`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed(pub [u8; SEED_BYTES]);

/// Bytes of a seed.
pub const SEED_BYTES: usize = 32;

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever knows it knows what will be drawn.
        f.write_str("Seed(..)")
    }
}

/// Where a machine's seeds come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Randomness {
    /// From a generator that nobody foresees: the processor's, a device's, or what the host drew for this start.
    Genuine,
    /// From the times at which things happen alone: not to be trusted with keys.
    Guessable,
}

/// The interface of the component that speaks to other machines.
pub const NETIPC: &str = "netipc";

/// What a machine is given to know its cluster by: `netipc-crypto` reads it. Nobody else can be asked for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterKeys(pub Vec<u8, { limits::CLUSTER_KEYS_BYTES }, u16>);

impl fmt::Debug for ClusterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever knows them is this machine.
        f.write_str("ClusterKeys(..)")
    }
}

/// A capability to a server's endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The interface it serves.
    pub interface: Name,
    /// The component that serves it here: to know its own calls by.
    pub server: ComponentId,
    /// That component's name.
    pub server_name: Name,
    /// Where the capability lies.
    pub slot: Slot,
}

/// Where the tree of names of one of naming's clients begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// The client: the number that is in the badge of its calls.
    pub client: ComponentId,
    /// The directory.
    pub directory: Directory,
}

/// What may go to one other machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerPolicy {
    /// Which.
    pub node: u8,
    /// Whose capabilities it may import: what these components let out.
    pub exports: Components,
    /// Whether it may ask this machine's naming.
    pub names: Permission,
    /// Whether it may hand on to a third machine what it was given.
    pub hand_on: Permission,
}

/// Whether something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permission {
    /// It may.
    Granted,
    /// It may not.
    Refused,
}

/// Components of one system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Components(u32);

const _: () = assert!(limits::COMPONENTS <= u32::BITS as usize);

impl Components {
    /// None.
    pub const NONE: Self = Self(0);
    /// All that there may be.
    pub const ALL: Self = Self(u32::MAX);

    /// With one more. A number that no component has changes nothing.
    #[must_use]
    pub const fn with(self, id: ComponentId) -> Self {
        Self(self.0 | Self::bit(id))
    }

    /// Whether a component is one of them.
    #[must_use]
    pub const fn contains(self, id: ComponentId) -> bool {
        self.0 & Self::bit(id) != 0
    }

    const fn bit(id: ComponentId) -> u32 {
        match id.0 {
            0 => 0,
            id if id as usize > limits::COMPONENTS => 0,
            id => 1 << (id - 1),
        }
    }
}

/// A capability to signal another component's notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The component that hears it.
    pub to: Name,
    /// Its number, which is also in the badge of its calls.
    pub id: ComponentId,
    /// What the signal is about: the channel's name, [`PLAIN_EVENT`] for a plain `[[event]]`, [`LOGS`].
    pub about: Name,
    /// Where the capability lies.
    pub slot: Slot,
}

/// A source of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The component that signals; for [`LOGS`], which everybody signals, the console server itself.
    pub from: Name,
    /// What the signal is about: the channel's name, [`PLAIN_EVENT`] for a plain `[[event]]`, [`LOGS`].
    pub about: Name,
    /// Its bit in the badge.
    pub bit: EventBit,
}

/// An interrupt: its handler's capability, and the bit by which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupt {
    /// The handler capability, to acknowledge with.
    pub handler: Slot,
    /// Its bit in the badge.
    pub bit: EventBit,
}

/// A device that the component drives, found and switched on by the root task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// The serial line.
    Console(Console),
    /// The timer.
    Timer(Timer),
    /// The network card.
    VirtioNet(VirtioNet),
    /// A pin.
    Gpio(Gpio),
}

/// The serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Console {
    /// A PL011, its registers mapped at `registers`.
    Pl011 {
        /// Virtual address of its registers.
        registers: u64,
        /// Its interrupt, when something was received; level-triggered.
        interrupt: Interrupt,
    },
    /// COM1, by a capability to its I/O ports.
    Com1 {
        /// The I/O port capability.
        ports: Slot,
        /// Its interrupt, when something was received.
        interrupt: Interrupt,
    },
}

impl Console {
    /// Its interrupt.
    #[must_use]
    pub const fn interrupt(&self) -> Interrupt {
        match self {
            Self::Pl011 { interrupt, .. } | Self::Com1 { interrupt, .. } => *interrupt,
        }
    }
}

/// The timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// The PIT, by a capability to its I/O ports.
    Pit {
        /// The I/O port capability.
        ports: Slot,
        /// Its interrupt.
        interrupt: Interrupt,
    },
    /// The ARM physical timer, by the processor's own registers.
    ArmPhysical {
        /// Its interrupt.
        interrupt: Interrupt,
    },
}

/// A general-purpose pin, for the driver to do with as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gpio {
    /// Those of a PL061, its registers mapped at `registers`.
    Pl061 {
        /// Virtual address of its registers.
        registers: u64,
    },
    /// The speaker's of a PC, by a capability to system control port B.
    PortB {
        /// The I/O port capability.
        ports: Slot,
    },
}

/// A virtio network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VirtioNet {
    /// On PCI, with MSI-X: one vector for the receive queue, which needs no acknowledgement.
    Pci {
        /// Virtual address of the common configuration.
        common: u64,
        /// Virtual address of the notification area.
        notify: u64,
        /// What a queue's notification offset is multiplied by, in bytes.
        notify_multiplier: u32,
        /// Virtual address of the interrupt status.
        isr: u64,
        /// Virtual address of the device's own configuration.
        device: u64,
        /// Entry of the MSI-X table that raises the interrupt.
        msix_entry: u16,
        /// Its interrupt.
        interrupt: Interrupt,
    },
    /// A virtio-mmio slot (modern interface).
    Mmio {
        /// Virtual address of its registers.
        registers: u64,
        /// Its interrupt, level-triggered.
        interrupt: Interrupt,
    },
}

/// What a region is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegionKind {
    /// The component's heap.
    Heap,
    /// The log rings of a component: its own, or (in the console server) another's, which its name then says.
    Log,
    /// A channel shared with another component.
    Channel,
    /// Physically contiguous memory for DMA.
    Dma,
}

/// A piece of the component's memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// The channel's name; the component's for `Log`; `heap`, `dma`.
    pub name: Name,
    /// What it is for.
    pub kind: RegionKind,
    /// Its virtual address.
    pub address: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its physical address, for `Dma`; else 0.
    pub physical: u64,
}

/// One thread's place. The main thread (the first) runs already; the others are started by the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its TCB; [`crate::slots::NULL`] for the main thread, which nobody but the supervisor controls.
    pub tcb: Slot,
    /// Its own notification, all rights: it waits there, another thread signals it. For the main thread
    /// [`crate::slots::NOTIFICATION`].
    pub notification: Slot,
    /// A capability by which it signals the main thread; [`crate::slots::NULL`] for the main thread.
    pub signal_main: Slot,
    /// The bit of that signal; meaningless for the main thread.
    pub event: EventBit,
    /// One past the highest address of its stack.
    pub stack_top: u64,
    /// Bytes of its stack.
    pub stack_bytes: u32,
    /// Address of its IPC buffer; its thread-locals lie in the same block.
    pub ipc_buffer: u64,
}

/// Something that the description did not grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing<'a> {
    /// What kind of thing.
    pub what: What,
    /// Its name.
    pub name: &'a str,
}

/// Kinds of grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An interface, by `uses`.
    Endpoint,
    /// A notification to signal, by `[[event]]` or `[[channel]]`.
    Signal,
    /// A source of events, by `[[event]]` or `[[channel]]`.
    Event,
    /// Memory: `heap`, `dma`, or a `[[channel]]`.
    Region,
    /// A device, by `devices`.
    Device,
}

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, how) = match self.what {
            What::Endpoint => ("interface", "add it to `uses`"),
            What::Signal => ("notification", "add an [[event]] or a [[channel]]"),
            What::Event => ("source of events", "add an [[event]] or a [[channel]]"),
            What::Region => ("memory", "add `heap`, `dma` or a [[channel]]"),
            What::Device => ("device", "add it to `devices`"),
        };
        write!(
            f,
            "the system description grants no {what} `{}`: {how}",
            self.name
        )
    }
}

impl core::error::Error for Missing<'_> {}

impl Machine {
    /// The value of `key` in the argument line.
    #[must_use]
    pub fn argument(&self, key: &str) -> Option<&str> {
        pairs(&self.arguments)
            .find(|(k, _)| *k == key)
            .map(|(_, value)| value)
    }
}

/// The pairs of an argument line. What is no pair is passed over.
fn pairs(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split_ascii_whitespace()
        .filter_map(|pair| pair.split_once('='))
}

impl Startup {
    /// The value of `key`: from the machine's arguments, where `NAME.key` (this component's name) comes before `key`; else
    /// from the component's own, which the description gives. What is typed at a start thus goes before what is written.
    #[must_use]
    pub fn argument(&self, key: &str) -> Option<&str> {
        let for_this = |(k, value)| {
            let rest = str::strip_prefix(k, self.name.as_str())?.strip_prefix('.')?;
            (rest == key).then_some(value)
        };
        pairs(&self.machine.arguments)
            .find_map(for_this)
            .or_else(|| self.machine.argument(key))
            .or_else(|| {
                pairs(&self.arguments)
                    .find(|(k, _)| *k == key)
                    .map(|(_, value)| value)
            })
    }

    /// The capability to the server of `interface`.
    pub fn endpoint<'a>(&self, interface: &'a str) -> Result<Slot, Missing<'a>> {
        let found = self.endpoints.iter().find(|e| e.interface == interface);
        found.map(|e| e.slot).ok_or(Missing {
            what: What::Endpoint,
            name: interface,
        })
    }

    /// The capability to the server of `interface` that is called `server`, for who uses several.
    pub fn endpoint_from<'a>(&self, interface: &'a str, server: &str) -> Result<Slot, Missing<'a>> {
        let found = self
            .endpoints
            .iter()
            .find(|e| e.interface == interface && e.server_name == server);
        found.map(|e| e.slot).ok_or(Missing {
            what: What::Endpoint,
            name: interface,
        })
    }

    /// The capability that signals component `to` of a plain `[[event]]`.
    pub fn signal<'a>(&self, to: &'a str) -> Result<Slot, Missing<'a>> {
        let found = self
            .signals
            .iter()
            .find(|s| s.to == to && s.about == PLAIN_EVENT);
        found.map(|s| s.slot).ok_or(Missing {
            what: What::Signal,
            name: to,
        })
    }

    /// The capability that signals the other end of `channel`.
    pub fn channel_signal<'a>(&self, channel: &'a str) -> Result<Slot, Missing<'a>> {
        let found = self.signals.iter().find(|s| s.about == channel);
        found.map(|s| s.slot).ok_or(Missing {
            what: What::Signal,
            name: channel,
        })
    }

    /// The bit of plain `[[event]]`s from component `from`.
    pub fn event<'a>(&self, from: &'a str) -> Result<EventBit, Missing<'a>> {
        let found = self
            .events
            .iter()
            .find(|e| e.from == from && e.about == PLAIN_EVENT);
        found.map(|e| e.bit).ok_or(Missing {
            what: What::Event,
            name: from,
        })
    }

    /// The bit of events from the other end of `channel`.
    pub fn channel_event<'a>(&self, channel: &'a str) -> Result<EventBit, Missing<'a>> {
        let found = self.events.iter().find(|e| e.about == channel);
        found.map(|e| e.bit).ok_or(Missing {
            what: What::Event,
            name: channel,
        })
    }

    /// A region of this kind and name.
    pub fn region<'a>(&self, kind: RegionKind, name: &'a str) -> Result<&Region, Missing<'a>> {
        let found = self
            .regions
            .iter()
            .find(|r| r.kind == kind && r.name == name);
        found.ok_or(Missing {
            what: What::Region,
            name,
        })
    }

    /// The channel of this name.
    pub fn channel<'a>(&self, name: &'a str) -> Result<&Region, Missing<'a>> {
        self.region(RegionKind::Channel, name)
    }

    /// The serial line.
    pub fn console(&self) -> Result<Console, Missing<'static>> {
        let found = self.devices.iter().find_map(|d| {
            if let Device::Console(c) = d {
                Some(*c)
            } else {
                None
            }
        });
        found.ok_or(Missing {
            what: What::Device,
            name: "console",
        })
    }

    /// The pin.
    pub fn gpio(&self) -> Result<Gpio, Missing<'static>> {
        let found = self.devices.iter().find_map(|d| {
            if let Device::Gpio(g) = d {
                Some(*g)
            } else {
                None
            }
        });
        found.ok_or(Missing {
            what: What::Device,
            name: "gpio",
        })
    }

    /// The timer.
    pub fn timer(&self) -> Result<Timer, Missing<'static>> {
        let found = self.devices.iter().find_map(|d| {
            if let Device::Timer(t) = d {
                Some(*t)
            } else {
                None
            }
        });
        found.ok_or(Missing {
            what: What::Device,
            name: "timer",
        })
    }

    /// The network card.
    pub fn virtio_net(&self) -> Result<VirtioNet, Missing<'static>> {
        let found = self.devices.iter().find_map(|d| {
            if let Device::VirtioNet(v) = d {
                Some(*v)
            } else {
                None
            }
        });
        found.ok_or(Missing {
            what: What::Device,
            name: "virtio-net",
        })
    }
}

/// What a signal is about when it belongs to no channel.
pub const PLAIN_EVENT: &str = "event";
/// What a signal is about that tells the console server of new log records. Every component may give it, and the console
/// server hears of all of them by one bit.
pub const LOGS: &str = "logs";
