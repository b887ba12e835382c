//! From a checked description to the plan: slots, addresses and event bits are given out here, and only here.

use isthmus_abi::startup::Components;
use isthmus_abi::{ComponentId, EventBit, Name, Slot, SlotRange, layout, limits, slots, startup};
use isthmus_plan::plan::{
    Channel, Component, Device, DeviceKind, Event, Plan, Rule, Signal, Thread, Use,
};

use crate::component::Component as Source;
use crate::mistake::{Collector, Span};
use crate::source::System;

/// One kind of signal, between two components.
struct Wire {
    from: usize,
    to: usize,
    about: Name,
    /// What says so.
    span: Span,
}

pub(crate) fn compile(system: &System, mistakes: &mut Collector<'_>) -> Plan {
    let wires = wires(system);
    let heard: Vec<Vec<Event>> = (0..system.components.len())
        .map(|to| events(to, &wires, system))
        .collect();
    let components = system.components.iter().enumerate();
    let components = components
        .map(|(index, c)| component(index, c, system, &wires, &heard, mistakes))
        .collect();
    Plan {
        name: system.name.clone(),
        components,
        channels: channels(system),
        policy: policy(system),
    }
}

fn policy(system: &System) -> Vec<Rule> {
    let rules = system.policy.iter().map(|rule| Rule {
        on: rule.on.clone(),
        peers: rule.peers.clone(),
        exports: rule.exports.as_ref().map_or(Components::ALL, |names| {
            let ids = names.iter().map(|name| id(at(system, &name.value)));
            ids.fold(Components::NONE, Components::with)
        }),
        names: rule.names,
        hand_on: rule.hand_on,
    });
    rules.collect()
}

fn id(index: usize) -> ComponentId {
    // The number of components was checked.
    ComponentId(index as u8 + 1)
}

fn at(system: &System, name: &Name) -> usize {
    let found = system.components.iter().position(|c| c.name.value == *name);
    found.expect("names of components were checked")
}

fn well_known(name: &str) -> Name {
    Name::new(name).expect("the system's own names are well-formed")
}

fn drains_logs(component: &Source) -> bool {
    component
        .devices
        .iter()
        .any(|d| d.value == DeviceKind::Console)
}

/// What makes a component the console server.
fn console_line(console: &Source) -> Span {
    let mut devices = console.devices.iter();
    let device = devices.find(|d| d.value == DeviceKind::Console);
    device.map_or_else(|| console.span.clone(), |d| d.span.clone())
}

/// Where it is written what a component may signal, in the order of [`Component::signals`].
pub(crate) fn signal_spans(system: &System, index: usize) -> Vec<Span> {
    let wires = wires(system).into_iter();
    wires
        .filter(|wire| wire.from == index)
        .map(|wire| wire.span)
        .collect()
}

/// Who may signal whom: everybody the console about logs, then events, then channels, each in the description's order.
fn wires(system: &System) -> Vec<Wire> {
    let mut wires = Vec::new();
    for (to, console) in system
        .components
        .iter()
        .enumerate()
        .filter(|(_, c)| drains_logs(c))
    {
        let loggers = system.components.iter().enumerate();
        let loggers = loggers.filter(|(from, c)| {
            *from != to && system.meeting(&c.on.value, &console.on.value).is_some()
        });
        wires.extend(loggers.map(|(from, _)| Wire {
            from,
            to,
            about: well_known(startup::LOGS),
            span: console_line(console),
        }));
    }
    for event in &system.events {
        let (from, to) = (at(system, &event.from.value), at(system, &event.to.value));
        wires.push(Wire {
            from,
            to,
            about: well_known(startup::PLAIN_EVENT),
            span: event.from.span.clone(),
        });
    }
    for channel in &system.channels {
        let [owner, other] = channel.between.each_ref().map(|end| at(system, &end.value));
        let about = &channel.name.value;
        wires.push(Wire {
            from: owner,
            to: other,
            about: about.clone(),
            span: channel.name.span.clone(),
        });
        wires.push(Wire {
            from: other,
            to: owner,
            about: about.clone(),
            span: channel.name.span.clone(),
        });
    }
    wires
}

/// What component `to` hears. Bits count up from 0; one that does not exist is a mistake found later, in [`component`].
fn events(to: usize, wires: &[Wire], system: &System) -> Vec<Event> {
    let mut events = Vec::new();
    let mut next = 0;
    if drains_logs(&system.components[to]) {
        events.push(Event {
            from: id(to),
            about: well_known(startup::LOGS),
            bit: bit(&mut next),
        });
    }
    for wire in wires
        .iter()
        .filter(|w| w.to == to && w.about != startup::LOGS)
    {
        events.push(Event {
            from: id(wire.from),
            about: wire.about.clone(),
            bit: bit(&mut next),
        });
    }
    events
}

/// The next event bit; the last one again when there are no more, which is counted in `next`.
fn bit(next: &mut usize) -> EventBit {
    let last = limits::EVENT_BITS - 1;
    let bit = EventBit::new((*next).min(last) as u8).expect("at most the last bit");
    *next += 1;
    bit
}

/// Gives out slots, from the first grant up.
struct Slots(u32);

impl Slots {
    fn take(&mut self) -> Slot {
        self.run(1).first
    }

    fn run(&mut self, count: u32) -> SlotRange {
        let first = Slot(self.0);
        self.0 += count;
        SlotRange { first, count }
    }
}

fn component(
    index: usize,
    c: &Source,
    system: &System,
    wires: &[Wire],
    heard: &[Vec<Event>],
    mistakes: &mut Collector<'_>,
) -> Component {
    let mut slots = Slots(slots::FIRST_GRANT.0);
    let uses = c
        .uses
        .iter()
        .map(|used| Use {
            interface: used.interface.value.clone(),
            from: used.from.as_ref().map(|from| id(at(system, &from.value))),
            need: used.need,
            caller: used.caller,
            directory: used.directory.as_ref().map(|d| d.value.clone()),
            slot: slots.take(),
        })
        .collect();
    let signals: Vec<Signal> = wires
        .iter()
        .filter(|w| w.from == index)
        .map(|w| signal(w, &heard[w.to], slots.take()))
        .collect();
    let events = heard[index].clone();
    let mut next_bit = events.len();
    let devices = c.devices.iter().map(|device| Device {
        kind: device.value,
        handler: slots.take(),
        ports: slots.take(),
        bit: bit(&mut next_bit),
    });
    let devices = devices.collect();
    let threads = threads(c, &mut slots, &mut next_bit);
    let replies = slots.run(c.replies);
    let free = slots.run(c.slots);
    let span = &c.name.span;
    if next_bit > limits::EVENT_BITS {
        let what = format!(
            "`{}` has {next_bit} sources of events: the limit is {}",
            c.name.value,
            limits::EVENT_BITS
        );
        mistakes.add(
            span,
            what,
            "each event, channel, device and extra thread is one: leave some out",
        );
    }
    if events.len() > limits::EVENT_SOURCES {
        let what = format!(
            "`{}` hears {} others: the limit is {}",
            c.name.value,
            events.len(),
            limits::EVENT_SOURCES
        );
        mistakes.add(
            span,
            what,
            "each [[event]] to it and each of its channels is one: leave some out",
        );
    }
    if signals.len() > limits::SIGNALS {
        let what = format!(
            "`{}` signals {} others: the limit is {}",
            c.name.value,
            signals.len(),
            limits::SIGNALS
        );
        mistakes.add(
            span,
            what,
            "each [[event]] from it and each of its channels is one: leave some out",
        );
    }
    Component {
        name: c.name.value.clone(),
        program: c.program.value.clone(),
        instance: c.instance,
        arguments: c.arguments.clone(),
        on: c.on.value.clone(),
        start: c.start.value,
        restart: c.restart.value,
        cpu: c.cpu.value,
        memory_bytes: c.memory.value,
        priority: c.priority,
        heap_bytes: c.heap_bytes,
        dma_bytes: c.dma_bytes,
        serves: c.serves.iter().map(|s| s.value.clone()).collect(),
        uses,
        signals,
        events,
        devices,
        threads,
        replies,
        free,
        cnode_bits: free.end().0.next_power_of_two().trailing_zeros() as u8,
    }
}

fn signal(wire: &Wire, heard: &[Event], slot: Slot) -> Signal {
    // Of the events about logs there is one for all who signal.
    let from = |e: &&Event| {
        e.about == wire.about && (wire.about == startup::LOGS || e.from == id(wire.from))
    };
    let event = heard
        .iter()
        .find(from)
        .expect("every wire ends in an event");
    Signal {
        to: id(wire.to),
        about: wire.about.clone(),
        slot,
        bit: event.bit,
    }
}

fn threads(c: &Source, slots: &mut Slots, next_bit: &mut usize) -> Vec<Thread> {
    let main = Thread {
        tcb: slots::NULL,
        notification: slots::NOTIFICATION,
        signal_main: slots::NULL,
        bit: EventBit::new(0).expect("bit 0 exists"),
        stack_bytes: c.stack_bytes,
    };
    let extra = (0..c.extra_threads).map(|_| Thread {
        tcb: slots.take(),
        notification: slots.take(),
        signal_main: slots.take(),
        bit: bit(next_bit),
        stack_bytes: c.thread_stack_bytes,
    });
    std::iter::once(main).chain(extra).collect()
}

fn channels(system: &System) -> Vec<Channel> {
    let channels = system
        .channels
        .iter()
        .enumerate()
        .map(|(i, channel)| Channel {
            name: channel.name.value.clone(),
            between: channel
                .between
                .each_ref()
                .map(|end| id(at(system, &end.value))),
            address: layout::CHANNELS + i as u64 * limits::CHANNEL_BYTES,
            bytes: channel.bytes,
        });
    channels.collect()
}
