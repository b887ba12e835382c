//! The description as it is written: every key with its place in the text.

use isthmus_abi::startup::Permission;
use isthmus_abi::{Name, layout, limits};
use isthmus_plan::{Here, Placement};
use toml::de::{DeTable, DeValue};

use crate::component::Component;
use crate::mistake::{At, Collector, Span, suggestion};
use crate::placement::{self, Scope};
use crate::read::Reader;

/// A whole description.
pub(crate) struct System {
    pub name: Name,
    /// The machines on which it may find itself.
    pub machines: Vec<Here>,
    pub components: Vec<Component>,
    pub channels: Vec<Channel>,
    pub events: Vec<Event>,
    pub policy: Vec<Rule>,
}

/// `[[channel]]`
#[derive(Clone)]
pub(crate) struct Channel {
    pub name: At<Name>,
    pub between: [At<Name>; 2],
    pub bytes: u64,
}

/// `[[event]]`
#[derive(Clone)]
pub(crate) struct Event {
    pub from: At<Name>,
    pub to: At<Name>,
}

/// `[[policy]]`
#[derive(Clone)]
pub(crate) struct Rule {
    pub span: Span,
    pub on: Placement,
    pub peers: Placement,
    /// `None`: everybody's.
    pub exports: Option<Vec<At<Name>>>,
    pub names: Permission,
    pub hand_on: Permission,
}

/// Reads the text as TOML.
pub(crate) fn parse<'t>(text: &'t str, mistakes: &mut Collector<'_>) -> DeTable<'t> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().collect::<Vec<_>>().join(": ");
        mistakes.add(
            &span,
            message,
            "this is not TOML: compare a file in `systems/`",
        );
    }
    root.into_inner()
}

/// Tables that a file does not have are mistakes.
pub(crate) fn only(
    root: &DeTable<'_>,
    what: &str,
    keys: &[&'static str],
    mistakes: &mut Collector<'_>,
) {
    for key in root
        .keys()
        .filter(|key| !keys.contains(&key.get_ref().as_ref()))
    {
        let remedy = suggestion(key.get_ref(), keys.iter().copied(), "");
        let what = format!("a {what} has no `{}`", key.get_ref());
        mistakes.add(&key.span(), what, remedy);
    }
}

impl System {
    /// Whether two rules hold on one machine, and the first such machine.
    pub(crate) fn meeting(&self, a: &Placement, b: &Placement) -> Option<Here> {
        let mut machines = self.machines.iter().copied();
        machines.find(|&here| a.holds(here) && b.holds(here))
    }

    /// The machines on which a rule holds.
    pub(crate) fn machines_of<'a>(&'a self, on: &'a Placement) -> impl Iterator<Item = Here> + 'a {
        self.machines.iter().copied().filter(|&here| on.holds(here))
    }

    /// Reads a text. What it returns is complete only if no mistake was added.
    pub(crate) fn read(
        root: &DeTable<'_>,
        scope: &Scope<'_>,
        mistakes: &mut Collector<'_>,
    ) -> Self {
        let name = read_system(root, mistakes);
        let components = tables(root, "component", mistakes);
        if components.is_empty() {
            mistakes.add(
                &(0..0),
                "the system has no component",
                "add a [[component]]",
            );
        }
        let components = components
            .iter()
            .filter_map(|(table, span)| Component::read(table, span.clone(), scope, mistakes));
        let components = components.collect();
        let channels = tables(root, "channel", mistakes);
        let channels = channels
            .iter()
            .filter_map(|(table, span)| channel(table, span.clone(), mistakes))
            .collect();
        let events = tables(root, "event", mistakes);
        let events = events
            .iter()
            .filter_map(|(table, span)| event(table, span.clone(), mistakes))
            .collect();
        let policy = tables(root, "policy", mistakes);
        let policy = policy
            .iter()
            .map(|(table, span)| rule(table, span.clone(), scope, mistakes))
            .collect();
        only(
            root,
            "description",
            &["system", "component", "channel", "event", "policy"],
            mistakes,
        );
        Self {
            name,
            machines: scope.machines(),
            components,
            channels,
            events,
            policy,
        }
    }
}

fn read_system(root: &DeTable<'_>, mistakes: &mut Collector<'_>) -> Name {
    let unnamed = || Name::new("unnamed").expect("a well-formed name");
    let Some((table, span)) = the_table(root, "system", mistakes) else {
        return unnamed();
    };
    let mut reader = Reader::new(table, span, mistakes);
    let name = reader.name("name", "\"demo\"");
    reader.finish("system");
    name.map_or_else(unnamed, |name| name.value)
}

/// The table `[key]`, which must be there.
pub(crate) fn the_table<'t>(
    root: &'t DeTable<'t>,
    key: &str,
    mistakes: &mut Collector<'_>,
) -> Option<(&'t DeTable<'t>, Span)> {
    let Some(value) = root.get(key) else {
        let remedy = format!("start with `[{key}]` and `name = \"…\"`");
        mistakes.add(&(0..0), format!("[{key}] is missing"), remedy);
        return None;
    };
    let DeValue::Table(table) = value.get_ref() else {
        let remedy = format!("write `[{key}]` on a line of its own");
        mistakes.add(&value.span(), format!("`{key}` is not a table"), remedy);
        return None;
    };
    Some((table, value.span()))
}

/// The tables of `[[key]]`.
pub(crate) fn tables<'t>(
    root: &'t DeTable<'t>,
    key: &str,
    mistakes: &mut Collector<'_>,
) -> Vec<(&'t DeTable<'t>, Span)> {
    let Some(value) = root.get(key) else {
        return Vec::new();
    };
    let remedy = format!("write `[[{key}]]`, with two brackets, on a line of its own");
    let DeValue::Array(list) = value.get_ref() else {
        mistakes.add(
            &value.span(),
            format!("`{key}` is not a list of tables"),
            remedy,
        );
        return Vec::new();
    };
    let mut all = Vec::new();
    for item in list.iter() {
        match item.get_ref() {
            DeValue::Table(table) => all.push((table, item.span())),
            _ => mistakes.add(
                &item.span(),
                format!("`{key}` is not a list of tables"),
                remedy.clone(),
            ),
        }
    }
    all
}

/// Sizes are rounded up to whole pages: nobody should have to know the size of a page.
pub(crate) fn whole(bytes: u64, unit: u64) -> u64 {
    bytes.checked_next_multiple_of(unit).unwrap_or(0)
}

fn channel(table: &DeTable<'_>, span: Span, mistakes: &mut Collector<'_>) -> Option<Channel> {
    let mut r = Reader::new(table, span, mistakes);
    let name = r.name("name", "\"datagrams\"");
    let between = r.required_names("between", "[\"network\", \"netipc\"]");
    let size = r.size("size", 64 << 10, layout::PAGE_BYTES, limits::CHANNEL_BYTES);
    let between = between.and_then(|(ends, at)| {
        let count = ends.len();
        let two = <[At<Name>; 2]>::try_from(ends).ok();
        if two.is_none() {
            let what = format!("a channel has two ends, not {count}");
            let remedy = "name its owner and the other end, like [\"network\", \"netipc\"]";
            r.mistakes().add(&at, what, remedy);
        }
        two
    });
    r.finish("channel");
    Some(Channel {
        name: name?,
        between: between?,
        bytes: whole(size.value, layout::PAGE_BYTES),
    })
}

fn event(table: &DeTable<'_>, span: Span, mistakes: &mut Collector<'_>) -> Option<Event> {
    let mut r = Reader::new(table, span, mistakes);
    let from = r.name("from", "\"timer\"");
    let to = r.name("to", "\"netipc\"");
    r.finish("event");
    Some(Event {
        from: from?,
        to: to?,
    })
}

fn rule(table: &DeTable<'_>, span: Span, scope: &Scope<'_>, mistakes: &mut Collector<'_>) -> Rule {
    const WHETHER: [(&str, Permission); 2] =
        [("all", Permission::Granted), ("none", Permission::Refused)];
    let mut r = Reader::new(table, span.clone(), mistakes);
    let rule = Rule {
        span,
        on: placement::on(&mut r, scope).value,
        peers: placement::machines(&mut r, "peers", scope).value,
        exports: exports(&mut r),
        names: r.choice("names", &WHETHER).value,
        hand_on: r.choice("hand_on", &WHETHER).value,
    };
    r.finish("policy");
    rule
}

/// Whose capabilities may go: a word, or components.
fn exports(r: &mut Reader<'_, '_, '_>) -> Option<Vec<At<Name>>> {
    match r
        .raw("exports")
        .map(|value| (value.get_ref(), value.span()))
    {
        None => None,
        Some((DeValue::String(word), _)) if word == "all" => None,
        Some((DeValue::String(word), _)) if word == "none" => Some(Vec::new()),
        Some((DeValue::Array(_), _)) => Some(r.names("exports")),
        Some((_, span)) => {
            let remedy = "write \"all\", \"none\", or a list of components like [\"kv-server\"]";
            r.mistakes()
                .add(&span, "`exports` has no such value", remedy);
            None
        }
    }
}
