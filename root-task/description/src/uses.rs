//! Who uses whom: every use leads to exactly one server on every machine where its user runs.

use isthmus_abi::{Name, limits};
use isthmus_plan::base::{MEMORY, NAMING, SCHEDULER};
use isthmus_plan::plan::{Caller, Need};

use crate::component::{Component, Used};
use crate::mistake::{At, Collector, suggestion};
use crate::source::System;

/// The system's own interfaces, which one component of a machine serves.
const SINGLE: [&str; 2] = [SCHEDULER, MEMORY];

pub(crate) fn check(system: &System, mistakes: &mut Collector<'_>) {
    for component in &system.components {
        check_unique(component, mistakes);
        for used in &component.uses {
            check_caller(component, used, mistakes);
            check_directory(used, mistakes);
            match &used.from {
                Some(from) => check_named(system, component, used, from, mistakes),
                None => check_use(system, component, used, mistakes),
            }
        }
        check_quota(component, mistakes);
    }
    for interface in SINGLE {
        check_single(system, interface, mistakes);
    }
    let uses = system.components.iter().flat_map(|c| &c.uses);
    let mut directories = uses.filter_map(|used| used.directory.as_ref());
    if let Some(directory) = directories.nth(limits::DIRECTORIES) {
        let what = format!("more uses with a `directory` than {}", limits::DIRECTORIES);
        let remedy = "let some begin at the root, and open what they need themselves";
        mistakes.add(&directory.span, what, remedy);
    }
}

fn serves(component: &Component, interface: &str) -> bool {
    component
        .serves
        .iter()
        .any(|served| served.value == *interface)
}

fn servers<'s>(system: &'s System, interface: &Name) -> Vec<&'s Component> {
    let all = system.components.iter();
    all.filter(|c| serves(c, interface.as_str())).collect()
}

fn check_unique(component: &Component, mistakes: &mut Collector<'_>) {
    let key = |used: &Used| {
        let from = used.from.as_ref().map(|from| from.value.clone());
        (used.interface.value.clone(), from)
    };
    for (i, used) in component.uses.iter().enumerate() {
        if let Some(first) = component.uses[..i].iter().find(|u| key(u) == key(used)) {
            let line = mistakes.line_of(&first.span);
            mistakes.add(
                &used.span,
                format!("a second interface in `uses` `{}`", used.interface.value),
                format!(
                    "the first is on line {line}: remove one, or name another server by `from`"
                ),
            );
        }
    }
}

/// Only a thread that answers nobody may wait for those above.
fn check_caller(user: &Component, used: &Used, mistakes: &mut Collector<'_>) {
    if used.caller == Caller::Worker && user.extra_threads == 0 {
        let what = format!(
            "`{}` has no worker: its only thread answers calls",
            user.name.value
        );
        mistakes.add(
            &used.span,
            what,
            "add `threads = 1`, or remove `by = \"worker\"`",
        );
    }
}

/// Only names have directories.
fn check_directory(used: &Used, mistakes: &mut Collector<'_>) {
    let interface = &used.interface.value;
    if let Some(directory) = &used.directory
        && *interface != *NAMING
    {
        let what =
            format!("`directory` says where a tree of names begins, and `{interface}` has none");
        let remedy = format!("remove it, or use `{NAMING}`");
        mistakes.add(&directory.span, what, remedy);
    }
}

/// A use that names its server.
fn check_named(
    system: &System,
    user: &Component,
    used: &Used,
    from: &At<Name>,
    mistakes: &mut Collector<'_>,
) {
    let interface = &used.interface.value;
    let all = || {
        servers(system, interface)
            .into_iter()
            .map(|c| c.name.value.as_str())
    };
    let none = format!("add a component that serves `{interface}`");
    let Some(server) = system
        .components
        .iter()
        .find(|c| c.name.value == from.value)
    else {
        let remedy = suggestion(from.value.as_str(), all(), &none);
        let what = format!("there is no component `{}`", from.value);
        return mistakes.add(&from.span, what, remedy);
    };
    if server.name.value == user.name.value {
        let what = format!(
            "`{}` uses `{interface}`, which it serves itself",
            user.name.value
        );
        return mistakes.add(
            &from.span,
            what,
            "name another component: a call to itself would wait for ever",
        );
    }
    if !serves(server, interface.as_str()) {
        let what = format!("`{}` does not serve `{interface}`", from.value);
        return mistakes.add(
            &from.span,
            what,
            suggestion(from.value.as_str(), all(), &none),
        );
    }
    let mut machines = system.machines_of(&user.on.value);
    let lonely = machines.find(|&here| !server.on.value.holds(here));
    if let Some(here) = lonely.filter(|_| used.need == Need::Required) {
        let what = format!(
            "`{}` runs on machine {} of {}, where `{}` does not",
            user.name.value, here.node, here.nodes, from.value
        );
        mistakes.add(&from.span, what, elsewhere(&from.value));
    }
}

fn elsewhere(server: &Name) -> String {
    format!("place `{server}` there too, add `optional = true`, or look it up by name instead")
}

/// A use of whoever serves the interface.
fn check_use(system: &System, user: &Component, used: &Used, mistakes: &mut Collector<'_>) {
    let interface = &used.interface.value;
    let span = &used.interface.span;
    if serves(user, interface.as_str()) {
        let what = format!(
            "`{}` uses `{interface}`, which it serves itself",
            user.name.value
        );
        let remedy = "remove it from `uses`: a call to itself would wait for ever";
        return mistakes.add(span, what, remedy);
    }
    let servers = servers(system, interface);
    if servers.is_empty() && used.need == Need::Required {
        let all = system.components.iter().flat_map(|c| &c.serves);
        let remedy = suggestion(
            interface.as_str(),
            all.map(|s| s.value.as_str()),
            "add a component that serves it",
        );
        return mistakes.add(span, format!("no component serves `{interface}`"), remedy);
    }
    for here in system.machines_of(&user.on.value) {
        let mut there = servers.iter().filter(|s| s.on.value.holds(here));
        let machine = format!("machine {} of {}", here.node, here.nodes);
        match (there.next(), there.next()) {
            (None, _) if used.need == Need::Required => {
                let what = format!(
                    "`{}` runs on {machine}, where nobody serves `{interface}`",
                    user.name.value
                );
                return mistakes.add(span, what, elsewhere(&servers[0].name.value));
            }
            (Some(a), Some(b)) if !SINGLE.contains(&interface.as_str()) => {
                let (a, b) = (&a.name.value, &b.name.value);
                let what = format!("both `{a}` and `{b}` serve `{interface}` on {machine}");
                let remedy = format!(
                    "name one: {{ interface = \"{interface}\", from = \"{a}\" }}; or place them apart"
                );
                return mistakes.add(span, what, remedy);
            }
            _ => {}
        }
    }
}

/// A machine has one server of each of [`SINGLE`].
fn check_single(system: &System, interface: &str, mistakes: &mut Collector<'_>) {
    for (i, a) in system.components.iter().enumerate() {
        let others = system.components[i + 1..].iter();
        for b in others.filter(|b| serves(a, interface) && serves(b, interface)) {
            if let Some(here) = system.meeting(&a.on.value, &b.on.value) {
                let what = format!(
                    "both `{}` and `{}` serve `{interface}` on machine {} of {}",
                    a.name.value, b.name.value, here.node, here.nodes
                );
                let remedy = "a machine has one: remove one, or place them apart";
                mistakes.add(&b.name.span, what, remedy);
            }
        }
    }
}

fn check_quota(component: &Component, mistakes: &mut Collector<'_>) {
    let uses_memory = component.uses.iter().any(|u| u.interface.value == *MEMORY);
    if component.memory.value > 0 && !uses_memory {
        let what = format!(
            "`{}` has a quota and nobody to ask for memory",
            component.name.value
        );
        let remedy = format!(
            "add \"{MEMORY}\" to `uses`, or remove `memory`; a heap of fixed size is `heap`"
        );
        mistakes.add(&component.memory.span, what, remedy);
    }
}
