//! From the plan to a component's start-up block.

use core::fmt;

use isthmus_abi::startup::{
    Components, Endpoint, Event, Machine, NETIPC, PeerPolicy, Permission, Region, RegionKind, Root,
    Signal, Startup, Thread,
};
use isthmus_abi::{ComponentId, Name, layout, limits};

use crate::base::SCHEDULER;
use crate::placement::Here;
use crate::plan::{Component, DeviceKind, Plan, Rule};

/// A start-up block has no room for all of this. A plan that was checked never causes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom(pub &'static str);

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the start-up block has no room for all its {}", self.0)
    }
}

impl core::error::Error for NoRoom {}

impl Plan {
    /// The start-up block of a component on this machine. The root task adds what only the machine knows: the `devices`,
    /// the physical address of the region `dma`, the `keys`, and the `hand_over` of the memory server or `processes` of the scheduler.
    pub fn startup(
        &self,
        id: ComponentId,
        here: Here,
        machine: Machine,
    ) -> Result<Startup, NoRoom> {
        let component = self.component(id).ok_or(NoRoom("components"))?;
        let name_of = |id| {
            self.component(id)
                .map_or_else(|| component.name.clone(), |c| c.name.clone())
        };
        let endpoints = component.uses.iter().filter_map(|used| {
            let (server, c) = self.provider(used, here)?;
            Some(Endpoint {
                interface: used.interface.clone(),
                server,
                server_name: c.name.clone(),
                slot: used.slot,
            })
        });
        let signals = component
            .signals
            .iter()
            .filter(|s| self.runs(s.to, here))
            .map(|s| Signal {
                to: name_of(s.to),
                id: s.to,
                about: s.about.clone(),
                slot: s.slot,
            });
        let events = component
            .events
            .iter()
            .filter(|e| self.runs(e.from, here))
            .map(|e| Event {
                from: name_of(e.from),
                about: e.about.clone(),
                bit: e.bit,
            });
        Ok(Startup {
            id,
            name: component.name.clone(),
            instance: component.instance.unwrap_or(0),
            arguments: component.arguments.clone(),
            machine,
            serves: collect(component.serves.iter().cloned(), "interfaces served")?,
            endpoints: collect(endpoints, "interfaces used")?,
            signals: collect(signals, "signals")?,
            events: collect(events, "events")?,
            devices: heapless::Vec::new(),
            regions: collect(self.regions(id, component, here), "regions")?,
            threads: collect(threads(component), "threads")?,
            replies: component.replies,
            free: component.free,
            roots: collect(self.roots(id, here), "roots of names")?,
            policy: match component.serves.iter().any(|served| served == NETIPC) {
                true if !self.policy.is_empty() => {
                    Some(collect(self.policy_on(here), "rules about other machines")?)
                }
                _ => None,
            },
            keys: None,
            hand_over: None,
            processes: None,
        })
    }

    /// What may go to each other machine: by the first rule that fits, and nothing where none does.
    fn policy_on(&self, here: Here) -> impl Iterator<Item = PeerPolicy> {
        let others = (1..=here.nodes).filter(move |node| *node != here.node);
        others.map(move |node| {
            let peer = Here { node, ..here };
            let mut rules = self.policy.iter();
            let rule = rules.find(|rule| rule.on.holds(here) && rule.peers.holds(peer));
            let permission = |of: fn(&Rule) -> Permission| rule.map_or(Permission::Refused, of);
            PeerPolicy {
                node,
                exports: rule.map_or(Components::NONE, |rule| rule.exports),
                names: permission(|rule| rule.names),
                hand_on: permission(|rule| rule.hand_on),
            }
        })
    }

    /// Where the trees of names of a naming server's clients begin, if not at the root.
    fn roots(&self, server: ComponentId, here: Here) -> impl Iterator<Item = Root> {
        self.on(here).flat_map(move |(client, component)| {
            let uses = component.uses.iter();
            uses.filter_map(move |used| {
                let directory = used.directory.clone()?;
                let (provider, _) = self.provider(used, here)?;
                (provider == server).then_some(Root { client, directory })
            })
        })
    }

    fn regions<'a>(
        &'a self,
        id: ComponentId,
        component: &'a Component,
        here: Here,
    ) -> impl Iterator<Item = Region> + 'a {
        let region = |name, kind, address, bytes| Region {
            name,
            kind,
            address,
            bytes,
            physical: 0,
        };
        let own_logs = region(
            component.name.clone(),
            RegionKind::Log,
            layout::LOGS,
            component.log_bytes(),
        );
        let named = move |name: &str, kind, address, bytes| {
            // Both names that are passed below are well-formed.
            Name::new(name)
                .ok()
                .filter(|_| bytes > 0)
                .map(|name| region(name, kind, address, bytes))
        };
        let heap = named("heap", RegionKind::Heap, layout::HEAP, component.heap_bytes);
        let dma = named("dma", RegionKind::Dma, layout::DMA, component.dma_bytes);
        let channels = self
            .channels_on(here)
            .filter(move |c| c.between.contains(&id))
            .map(move |c| region(c.name.clone(), RegionKind::Channel, c.address, c.bytes));
        let drains = component.drains_logs();
        let others = self
            .on(here)
            .filter(move |(other, _)| drains && *other != id)
            .map(move |(other, c)| {
                region(
                    c.name.clone(),
                    RegionKind::Log,
                    console_log_address(other),
                    c.log_bytes(),
                )
            });
        core::iter::once(own_logs)
            .chain(heap)
            .chain(dma)
            .chain(channels)
            .chain(others)
    }
}

impl Component {
    /// Bytes of its log rings: one for each thread.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.threads.len() as u64 * layout::LOG_STRIDE
    }

    /// Whether it is told the machine's keys: it speaks to other machines, or starts who does.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        let mut served = self.serves.iter();
        served.any(|served| served == NETIPC || served == SCHEDULER)
    }

    /// Whether it is the console server, which has everybody's log rings.
    #[must_use]
    pub fn drains_logs(&self) -> bool {
        self.devices.iter().any(|d| d.kind == DeviceKind::Console)
    }
}

/// Where the console server finds the log rings of a component.
#[must_use]
pub fn console_log_address(of: ComponentId) -> u64 {
    layout::CONSOLE_LOGS + u64::from(of.0.saturating_sub(1)) * layout::CONSOLE_LOG_STRIDE
}

fn threads(component: &Component) -> impl Iterator<Item = Thread> {
    component
        .threads
        .iter()
        .enumerate()
        .map(|(index, t)| Thread {
            tcb: t.tcb,
            notification: t.notification,
            signal_main: t.signal_main,
            event: t.bit,
            stack_top: layout::stack_top(index),
            stack_bytes: t.stack_bytes,
            ipc_buffer: layout::thread_block(index),
        })
}

fn collect<T, const N: usize>(
    items: impl Iterator<Item = T>,
    what: &'static str,
) -> Result<heapless::Vec<T, N, u8>, NoRoom> {
    let mut all = heapless::Vec::new();
    for item in items {
        all.push(item).map_err(|_| NoRoom(what))?;
    }
    Ok(all)
}

const _: () = assert!(
    limits::COMPONENTS + limits::COMPONENT_CHANNELS + 2 <= limits::REGIONS,
    "everybody's logs, channels, heap and DMA memory"
);
