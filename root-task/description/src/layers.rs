//! Blocking calls go down only. Who waits for somebody above could be waited for by him; so an upward call is a mistake, and so is a
//! circle of calls inside a layer. A worker may call up: its component goes on answering.

use std::fmt;

use isthmus_abi::Name;
use isthmus_plan::Here;
use isthmus_plan::base::{MEMORY, NAMING, SCHEDULER};
use isthmus_plan::plan::Caller;

use crate::component::{Component, Used};
use crate::mistake::Collector;
use crate::source::System;

/// A layer, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Drivers: the network, the timer, and every component with a device.
    Device,
    /// Who serves `netipc`.
    Netipc,
    /// Who serves `memory`.
    Memory,
    /// Who serves `naming` or `scheduler`.
    System,
    /// Everybody else.
    Application,
}

impl Layer {
    /// All, the lowest first, as the description calls them.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("device", Self::Device),
        ("netipc", Self::Netipc),
        ("memory", Self::Memory),
        ("system", Self::System),
        ("application", Self::Application),
    ];

    /// The layer that serves an interface of the system's own.
    fn of_interface(interface: &str) -> Option<Self> {
        match interface {
            "timer" | "network" => Some(Self::Device),
            "netipc" => Some(Self::Netipc),
            MEMORY => Some(Self::Memory),
            NAMING | SCHEDULER => Some(Self::System),
            _ => None,
        }
    }

    /// What the description says, or else what the component serves and drives.
    pub(crate) fn of(component: &Component) -> Self {
        if let Some(layer) = &component.layer {
            return layer.value;
        }
        let served = component.serves.iter();
        let device = (!component.devices.is_empty()).then_some(Self::Device);
        served
            .filter_map(|served| Self::of_interface(served.value.as_str()))
            .chain(device)
            .min()
            .unwrap_or(Self::Application)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::NAMES.iter().find(|(_, layer)| layer == self);
        f.pad(found.map_or("", |(name, _)| name))
    }
}

/// A call for which the component waits: from, to, and what says so.
struct Call<'s> {
    from: usize,
    to: usize,
    used: &'s Used,
}

pub(crate) fn check(system: &System, mistakes: &mut Collector<'_>) {
    let mut circles: Vec<Vec<usize>> = Vec::new();
    for &here in &system.machines {
        let (down, up): (Vec<Call<'_>>, Vec<Call<'_>>) = calls(system, here)
            .into_iter()
            .partition(|call| layer(system, call.to) <= layer(system, call.from));
        for call in up {
            upward(system, &call, mistakes);
        }
        for call in &down {
            let Some(mut circle) = way(&down, call.to, call.from) else {
                continue;
            };
            let names: Vec<&str> = circle.iter().map(|&i| name(system, i).as_str()).collect();
            let names = names.join(" -> ");
            circle.sort_unstable();
            if !circles.contains(&circle) {
                circles.push(circle);
                let what = format!("a circle of calls: {} -> {names}", name(system, call.from));
                let remedy = "each could wait for the next for ever: let one of them call by a worker (`by = \"worker\"`), or signal by an [[event]]";
                mistakes.add(&call.used.span, what, remedy);
            }
        }
    }
}

fn layer(system: &System, index: usize) -> Layer {
    Layer::of(&system.components[index])
}

fn name(system: &System, index: usize) -> &Name {
    &system.components[index].name.value
}

/// Every call on this machine for which a component waits.
fn calls(system: &System, here: Here) -> Vec<Call<'_>> {
    let runs = |c: &&Component| c.on.value.holds(here);
    let mut calls = Vec::new();
    for (from, user) in system.components.iter().enumerate() {
        let blocking = user.uses.iter().filter(|u| u.caller == Caller::Anyone);
        for used in blocking.filter(|_| runs(&user)) {
            let serves = |c: &Component| match &used.from {
                Some(from) => c.name.value == from.value,
                None => c.serves.iter().any(|s| s.value == used.interface.value),
            };
            let to = system.components.iter().position(|c| runs(&c) && serves(c));
            calls.extend(to.map(|to| Call { from, to, used }));
        }
    }
    calls
}

fn upward(system: &System, call: &Call<'_>, mistakes: &mut Collector<'_>) {
    let interface = &call.used.interface.value;
    let what = format!(
        "`{}` (layer {}) calls up and waits: `{}` is of layer {}",
        name(system, call.from),
        layer(system, call.from),
        name(system, call.to),
        layer(system, call.to),
    );
    let remedy = format!(
        "calls go down only: let a worker call, {{ interface = \"{interface}\", by = \"worker\" }}, or signal by an [[event]]"
    );
    mistakes.add(&call.used.span, what, remedy);
}

/// The components on the way from one to another, both included.
fn way(calls: &[Call<'_>], from: usize, to: usize) -> Option<Vec<usize>> {
    let mut ways = vec![vec![from]];
    let mut seen = vec![from];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way.last().copied();
            if last == Some(to) {
                return Some(way);
            }
            for call in calls.iter().filter(|call| Some(call.from) == last) {
                if !seen.contains(&call.to) {
                    seen.push(call.to);
                    longer.push([way.as_slice(), &[call.to]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}
