//! What a description says, beyond how it is written: names that must be known, servers that must be there, limits.

use isthmus_abi::{Name, limits, runs, scheduler, startup};

use crate::component::Component;
use crate::mistake::{At, Collector, suggestion};
use crate::source::System;
use crate::uses;

pub(crate) fn check(system: &System, mistakes: &mut Collector<'_>) {
    counts(system, mistakes);
    unique(
        system.components.iter().map(|c| &c.name),
        "component",
        mistakes,
    );
    unique(system.channels.iter().map(|c| &c.name), "channel", mistakes);
    for component in &system.components {
        unique(component.serves.iter(), "interface in `serves`", mistakes);
    }
    uses::check(system, mistakes);
    check_devices(system, mistakes);
    check_channels(system, mistakes);
    check_events(system, mistakes);
    check_policy(system, mistakes);
    check_runs(system, mistakes);
}

fn counts(system: &System, mistakes: &mut Collector<'_>) {
    let mut too_many = |span: &_, what: &str, count: usize, limit: usize, remedy: &str| {
        if count > limit {
            mistakes.add(
                span,
                format!("{count} {what}: the limit is {limit}"),
                remedy,
            );
        }
    };
    let last = system.components.last().map_or(0..0, |c| c.span.clone());
    too_many(
        &last,
        "components",
        system.components.len(),
        limits::COMPONENTS,
        "join some, or raise the limit",
    );
    let last = system.channels.last().map_or(0..0, |c| c.name.span.clone());
    too_many(
        &last,
        "channels",
        system.channels.len(),
        limits::CHANNELS,
        "join some, or raise the limit",
    );
    let last = system.events.last().map_or(0..0, |e| e.to.span.clone());
    too_many(
        &last,
        "events",
        system.events.len(),
        limits::EVENTS,
        "use channels, which bring their own",
    );
    for c in &system.components {
        let span = &c.name.span;
        too_many(
            span,
            "interfaces served",
            c.serves.len(),
            limits::SERVES,
            "split the component",
        );
        too_many(
            span,
            "interfaces used",
            c.uses.len(),
            limits::USES,
            "split the component",
        );
        too_many(
            span,
            "devices",
            c.devices.len(),
            limits::DEVICES,
            "one driver for each",
        );
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a At<Name>>, what: &str, mistakes: &mut Collector<'_>) {
    let mut seen: Vec<&At<Name>> = Vec::new();
    for name in names {
        if let Some(first) = seen.iter().find(|other| other.value == name.value) {
            let line = mistakes.line_of(&first.span);
            let remedy = format!("the first is on line {line}: rename or remove one");
            mistakes.add(
                &name.span,
                format!("a second {what} `{}`", name.value),
                remedy,
            );
        }
        seen.push(name);
    }
}

fn check_devices(system: &System, mistakes: &mut Collector<'_>) {
    let mut seen: Vec<(&Component, usize)> = Vec::new();
    for component in &system.components {
        for (i, device) in component.devices.iter().enumerate() {
            let kind = device.value;
            let other = seen.iter().find(|(other, j)| {
                other.devices[*j].value == kind
                    && system
                        .meeting(&other.on.value, &component.on.value)
                        .is_some()
            });
            if let Some((other, _)) = other {
                let what = format!("`{}` drives the {} already", other.name.value, kind.name());
                mistakes.add(
                    &device.span,
                    what,
                    "one driver for a device: remove one, or place them apart",
                );
            }
            seen.push((component, i));
        }
    }
}

/// The components at both ends, if they are known, different, and on one machine at least once.
fn ends<'s>(
    system: &'s System,
    a: &At<Name>,
    b: &At<Name>,
    mistakes: &mut Collector<'_>,
) -> Option<[&'s Component; 2]> {
    let mut find = |name: &At<Name>| {
        let found = system
            .components
            .iter()
            .find(|c| c.name.value == name.value);
        if found.is_none() {
            let all = system.components.iter().map(|c| c.name.value.as_str());
            let remedy = suggestion(name.value.as_str(), all, "add a [[component]]");
            mistakes.add(
                &name.span,
                format!("there is no component `{}`", name.value),
                remedy,
            );
        }
        found
    };
    let (first, second) = (find(a), find(b));
    let (first, second) = (first?, second?);
    if first.name.value == second.name.value {
        mistakes.add(
            &b.span,
            format!("both ends are `{}`", a.value),
            "name two components",
        );
        return None;
    }
    if system.meeting(&first.on.value, &second.on.value).is_none() {
        let what = format!(
            "`{}` and `{}` never run on the same machine",
            a.value, b.value
        );
        mistakes.add(
            &b.span,
            what,
            "change `on` of one: memory and events do not cross machines",
        );
        return None;
    }
    Some([first, second])
}

fn check_policy(system: &System, mistakes: &mut Collector<'_>) {
    let known = |name: &Name| system.components.iter().any(|c| c.name.value == *name);
    for name in system.policy.iter().filter_map(|r| r.exports.as_ref()) {
        for name in name.iter().filter(|name| !known(&name.value)) {
            let all = system.components.iter().map(|c| c.name.value.as_str());
            let remedy = suggestion(name.value.as_str(), all, "add a [[component]]");
            mistakes.add(
                &name.span,
                format!("there is no component `{}`", name.value),
                remedy,
            );
        }
    }
    if let Some(rule) = system.policy.get(limits::POLICY_RULES) {
        mistakes.add(
            &rule.span,
            format!(
                "{} rules: the limit is {}",
                system.policy.len(),
                limits::POLICY_RULES
            ),
            "join some, or raise the limit",
        );
    }
}

fn check_channels(system: &System, mistakes: &mut Collector<'_>) {
    for channel in &system.channels {
        let name = &channel.name;
        if [startup::PLAIN_EVENT, startup::LOGS].contains(&name.value.as_str()) {
            mistakes.add(
                &name.span,
                format!("a channel cannot be called `{}`", name.value),
                "the system uses it: rename it",
            );
        }
        ends(system, &channel.between[0], &channel.between[1], mistakes);
    }
    for component in &system.components {
        let of = |name: &At<Name>| name.value == component.name.value;
        let mut own = system.channels.iter().filter(|c| c.between.iter().any(of));
        if let Some(channel) = own.nth(limits::COMPONENT_CHANNELS) {
            let what = format!("`{}` is an end of too many channels", component.name.value);
            mistakes.add(
                &channel.name.span,
                what,
                format!("at most {}", limits::COMPONENT_CHANNELS),
            );
        }
    }
}

/// Where there is a scheduler it tells netipc whose run has ended: without that, what was imported for a component outlives it.
fn check_runs(system: &System, mistakes: &mut Collector<'_>) {
    let serves = |interface: &'static str| {
        let all = system.components.iter();
        all.filter(move |c| c.serves.iter().any(|served| served.value == interface))
    };
    for (proxy, scheduler) in serves(startup::NETIPC)
        .flat_map(|proxy| serves(scheduler::INTERFACE).map(move |scheduler| (proxy, scheduler)))
    {
        let (own, other) = (&proxy.name, &scheduler.name);
        let joins = |channel: &crate::source::Channel| {
            let ends = |name: &At<Name>| channel.between.iter().any(|end| end.value == name.value);
            channel.name.value == runs::CHANNEL && ends(own) && ends(other)
        };
        let meet = system.meeting(&proxy.on.value, &scheduler.on.value);
        if meet.is_some() && !system.channels.iter().any(joins) {
            let what = format!("nobody tells `{}` when a component has ended", own.value);
            let remedy = format!(
                "add a [[channel]] with name = \"{}\", between = [\"{}\", \"{}\"], size = \"4KiB\": without it imports last as long as their session",
                runs::CHANNEL,
                other.value,
                own.value
            );
            mistakes.add(&own.span, what, remedy);
        }
    }
}

fn check_events(system: &System, mistakes: &mut Collector<'_>) {
    for (i, event) in system.events.iter().enumerate() {
        ends(system, &event.from, &event.to, mistakes);
        let same = |e: &&crate::source::Event| {
            e.from.value == event.from.value && e.to.value == event.to.value
        };
        if let Some(first) = system.events[..i].iter().find(same) {
            let line = mistakes.line_of(&first.from.span);
            let what = format!(
                "a second event from `{}` to `{}`",
                event.from.value, event.to.value
            );
            mistakes.add(
                &event.from.span,
                what,
                format!("the first is on line {line}: remove one"),
            );
        }
    }
}
