//! `instances`: one description becomes several components, `NAME-0`, `NAME-1`, and so on.
//!
//! An `[[event]]`, `[[channel]]` or `[[policy]]` that names the description means each of them; a name with its number means that one.

use isthmus_abi::Name;

use crate::component::Component;
use crate::mistake::{At, Collector};
use crate::source::{Channel, Event, Rule, System};

/// The system with every instance a component of its own.
pub(crate) fn tell_apart(system: System, mistakes: &mut Collector<'_>) -> System {
    let counts: Vec<(Name, u8)> = system
        .components
        .iter()
        .filter_map(|c| Some((c.name.value.clone(), c.instances.as_ref()?.value)))
        .collect();
    let count = |name: &Name| counts.iter().find(|(n, _)| n == name).map(|(_, n)| *n);
    let components = system
        .components
        .iter()
        .flat_map(|c| of_component(c, mistakes))
        .collect();
    let events = system
        .events
        .iter()
        .flat_map(|e| of_event(e, &count, mistakes))
        .collect();
    let channels = system
        .channels
        .iter()
        .flat_map(|c| of_channel(c, &count, mistakes))
        .collect();
    let policy = system
        .policy
        .iter()
        .map(|rule| of_rule(rule, &count, mistakes))
        .collect();
    System {
        name: system.name,
        machines: system.machines,
        components,
        channels,
        events,
        policy,
    }
}

/// `NAME-INDEX`.
fn numbered(name: &At<Name>, index: u8, mistakes: &mut Collector<'_>) -> At<Name> {
    let text = format!("{}-{index}", name.value);
    let value = Name::new(&text).unwrap_or_else(|reason| {
        mistakes.add(
            &name.span,
            format!("{text:?} is not a name"),
            format!("{reason}, the instance's number included"),
        );
        name.value.clone()
    });
    At {
        value,
        span: name.span.clone(),
    }
}

fn of_component(c: &Component, mistakes: &mut Collector<'_>) -> Vec<Component> {
    let Some(count) = c.instances.as_ref().map(|count| count.value) else {
        return vec![c.clone()];
    };
    (0..count)
        .map(|index| Component {
            name: numbered(&c.name, index, mistakes),
            instance: Some(index),
            ..c.clone()
        })
        .collect()
}

/// All that a name means at an end of an event or channel.
fn ends(
    name: &At<Name>,
    count: &impl Fn(&Name) -> Option<u8>,
    mistakes: &mut Collector<'_>,
) -> Vec<At<Name>> {
    match count(&name.value) {
        None => vec![name.clone()],
        Some(count) => (0..count)
            .map(|index| numbered(name, index, mistakes))
            .collect(),
    }
}

fn of_event(
    event: &Event,
    count: &impl Fn(&Name) -> Option<u8>,
    mistakes: &mut Collector<'_>,
) -> Vec<Event> {
    let (from, to) = (
        ends(&event.from, count, mistakes),
        ends(&event.to, count, mistakes),
    );
    let each = |from: &At<Name>| {
        let from = from.clone();
        to.iter().map(move |to| Event {
            from: from.clone(),
            to: to.clone(),
        })
    };
    from.iter().flat_map(each).collect()
}

fn of_rule(
    rule: &Rule,
    count: &impl Fn(&Name) -> Option<u8>,
    mistakes: &mut Collector<'_>,
) -> Rule {
    let exports = rule.exports.as_ref().map(|names| {
        let each = names.iter().flat_map(|name| ends(name, count, mistakes));
        each.collect()
    });
    Rule {
        exports,
        ..rule.clone()
    }
}

fn of_channel(
    channel: &Channel,
    count: &impl Fn(&Name) -> Option<u8>,
    mistakes: &mut Collector<'_>,
) -> Vec<Channel> {
    let [owner, other] = &channel.between;
    let many = match (count(&owner.value), count(&other.value)) {
        (None, None) => return vec![channel.clone()],
        (Some(_), Some(_)) => {
            mistakes.add(
                &channel.name.span,
                format!("both ends of `{}` have instances", channel.name.value),
                format!(
                    "name one of them, like `{}-0`, in a channel of its own",
                    owner.value
                ),
            );
            return Vec::new();
        }
        (Some(n), None) | (None, Some(n)) => n,
    };
    let at = |end: &At<Name>, index, mistakes: &mut Collector<'_>| match count(&end.value) {
        Some(_) => numbered(end, index, mistakes),
        None => end.clone(),
    };
    (0..many)
        .map(|index| Channel {
            name: numbered(&channel.name, index, mistakes),
            between: [at(owner, index, mistakes), at(other, index, mistakes)],
            bytes: channel.bytes,
        })
        .collect()
}
