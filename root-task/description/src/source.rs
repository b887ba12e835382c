//! The description as it is written: every key with its place in the text.

use isthmus_abi::{Name, layout, limits};
use isthmus_plan::Placement;
use isthmus_plan::plan::DeviceKind;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mistake::{At, Collector, Span, suggestion};
use crate::read::Reader;

/// A whole description.
pub(crate) struct System {
    pub name: Name,
    pub components: Vec<Component>,
    pub channels: Vec<Channel>,
    pub events: Vec<Event>,
}

/// `[[component]]`
pub(crate) struct Component {
    pub span: Span,
    pub name: At<Name>,
    pub program: At<Name>,
    pub on: At<Placement>,
    pub priority: u8,
    pub stack_bytes: u32,
    pub heap_bytes: u64,
    pub extra_threads: u32,
    pub thread_stack_bytes: u32,
    pub serves: Vec<At<Name>>,
    pub uses: Vec<At<Name>>,
    pub devices: Vec<At<DeviceKind>>,
    pub replies: u32,
    pub slots: u32,
    pub dma_bytes: u64,
}

/// `[[channel]]`
pub(crate) struct Channel {
    pub name: At<Name>,
    pub between: [At<Name>; 2],
    pub bytes: u64,
}

/// `[[event]]`
pub(crate) struct Event {
    pub from: At<Name>,
    pub to: At<Name>,
}

/// What a component gets that its description does not mention.
mod defaults {
    /// Priority of applications and their servers.
    pub const PRIORITY: u32 = 100;
    /// Bytes of the main thread's stack.
    pub const STACK_BYTES: u64 = 32 << 10;
    /// Bytes of an extra thread's stack.
    pub const THREAD_STACK_BYTES: u64 = 16 << 10;
    /// Free slots.
    pub const SLOTS: u32 = 64;
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

impl System {
    /// Reads a text. What it returns is complete only if no mistake was added.
    pub(crate) fn read(root: &DeTable<'_>, mistakes: &mut Collector<'_>) -> Self {
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
            .filter_map(|(table, span)| component(table, span.clone(), mistakes));
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
        const KEYS: [&str; 4] = ["system", "component", "channel", "event"];
        for key in root
            .keys()
            .filter(|key| !KEYS.contains(&key.get_ref().as_ref()))
        {
            let remedy = suggestion(key.get_ref(), KEYS.into_iter(), "");
            mistakes.add(
                &key.span(),
                format!("a description has no `{}`", key.get_ref()),
                remedy,
            );
        }
        Self {
            name,
            components,
            channels,
            events,
        }
    }
}

fn read_system(root: &DeTable<'_>, mistakes: &mut Collector<'_>) -> Name {
    let unnamed = || Name::new("unnamed").expect("a well-formed name");
    let Some(value) = root.get("system") else {
        mistakes.add(
            &(0..0),
            "[system] is missing",
            "start with `[system]` and `name = \"…\"`",
        );
        return unnamed();
    };
    let DeValue::Table(table) = value.get_ref() else {
        mistakes.add(
            &value.span(),
            "`system` is not a table",
            "write `[system]` on a line of its own",
        );
        return unnamed();
    };
    let mut reader = Reader::new(table, value.span(), mistakes);
    let name = reader.name("name", "\"demo\"");
    reader.finish("system");
    name.map_or_else(unnamed, |name| name.value)
}

/// The tables of `[[key]]`.
fn tables<'t>(
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

fn component(table: &DeTable<'_>, span: Span, mistakes: &mut Collector<'_>) -> Option<Component> {
    let mut r = Reader::new(table, span, mistakes);
    let name = r.name("name", "\"kv-server\"");
    let program = r.name("program", "\"kv-server\"");
    let on = placement(&mut r);
    let priority = r.number(
        "priority",
        defaults::PRIORITY,
        1,
        u32::from(limits::PRIORITY),
    );
    let stack = r.size(
        "stack",
        defaults::STACK_BYTES,
        limits::STACK_BYTES_MIN,
        limits::STACK_BYTES,
    );
    let heap = r.size("heap", 0, 0, limits::HEAP_BYTES);
    let threads = r.number("threads", 0, 0, limits::THREADS as u32 - 1);
    let thread_stack = r.size(
        "thread_stack",
        defaults::THREAD_STACK_BYTES,
        limits::STACK_BYTES_MIN,
        limits::STACK_BYTES,
    );
    let serves = r.names("serves");
    let uses = r.names("uses");
    let devices = r.names("devices");
    let devices = devices
        .into_iter()
        .filter_map(|name| device(name, r.mistakes()))
        .collect();
    let replies = r.number("replies", 0, 0, limits::REPLIES as u32);
    let slots = r.number("slots", defaults::SLOTS, 0, limits::FREE_SLOTS as u32);
    let dma = r.size("dma", 0, 0, limits::DMA_BYTES);
    let span = r.span.clone();
    r.finish("component");
    Some(Component {
        span,
        name: name?,
        program: program?,
        on,
        priority: priority.value as u8,
        stack_bytes: whole(stack.value, layout::PAGE_BYTES) as u32,
        heap_bytes: whole(heap.value, layout::PAGE_BYTES),
        extra_threads: threads.value,
        thread_stack_bytes: whole(thread_stack.value, layout::PAGE_BYTES) as u32,
        serves,
        uses,
        devices,
        replies: replies.value,
        slots: slots.value,
        dma_bytes: whole(dma.value, layout::LARGE_PAGE_BYTES),
    })
}

/// Sizes are rounded up to whole pages: nobody should have to know the size of a page.
fn whole(bytes: u64, unit: u64) -> u64 {
    bytes.checked_next_multiple_of(unit).unwrap_or(0)
}

fn device(name: At<Name>, mistakes: &mut Collector<'_>) -> Option<At<DeviceKind>> {
    let found = DeviceKind::NAMES
        .iter()
        .find(|(known, _)| name.value == *known);
    if found.is_none() {
        let remedy = suggestion(
            name.value.as_str(),
            DeviceKind::NAMES.iter().map(|(known, _)| *known),
            "",
        );
        mistakes.add(
            &name.span,
            format!("there is no device `{}`", name.value),
            remedy,
        );
    }
    found.map(|(_, kind)| At {
        value: *kind,
        span: name.span,
    })
}

fn placement(r: &mut Reader<'_, '_, '_>) -> At<Placement> {
    const REMEDY: &str = "write \"all\", \"first\", \"last\", or a list of machines like [1, 3]";
    let Some(value) = r.raw("on") else {
        return At {
            value: Placement::All,
            span: r.span.clone(),
        };
    };
    let span = value.span();
    let rule = match value.get_ref() {
        DeValue::String(text) => match text.as_ref() {
            "all" => Some(Placement::All),
            "first" => Some(Placement::First),
            "last" => Some(Placement::Last),
            _ => None,
        },
        DeValue::Array(list) if !list.is_empty() => list
            .iter()
            .map(node)
            .collect::<Option<Vec<u8>>>()
            .and_then(|mut nodes| {
                nodes.sort_unstable();
                nodes.dedup();
                heapless::Vec::from_slice(&nodes).ok().map(Placement::Nodes)
            }),
        _ => None,
    };
    if rule.is_none() {
        let most = limits::NODES;
        r.mistakes().add(
            &span,
            format!("`on` is no placement (machines are numbered 1 to {most})"),
            REMEDY,
        );
    }
    At {
        value: rule.unwrap_or(Placement::All),
        span,
    }
}

fn node(value: &Spanned<DeValue<'_>>) -> Option<u8> {
    let DeValue::Integer(number) = value.get_ref() else {
        return None;
    };
    let number = u8::from_str_radix(number.as_str(), number.radix()).ok()?;
    (1..=limits::NODES as u8)
        .contains(&number)
        .then_some(number)
}

fn channel(table: &DeTable<'_>, span: Span, mistakes: &mut Collector<'_>) -> Option<Channel> {
    let mut r = Reader::new(table, span, mistakes);
    let name = r.name("name", "\"datagrams\"");
    let between = r.required_names("between", "[\"network\", \"netipc\"]");
    let size = r.size("size", 64 << 10, layout::PAGE_BYTES, limits::CHANNEL_BYTES);
    let (ends, at) = between?;
    let count = ends.len();
    let between = <[At<Name>; 2]>::try_from(ends).ok();
    if between.is_none() {
        let what = format!("a channel has two ends, not {count}");
        r.mistakes().add(
            &at,
            what,
            "name its owner and the other end, like [\"network\", \"netipc\"]",
        );
    }
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
