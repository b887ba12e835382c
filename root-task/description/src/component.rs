//! `[[component]]`, as it is written.

use isthmus_abi::{Directory, Name, layout, limits};
use isthmus_plan::Placement;
use isthmus_plan::plan::{
    Caller, CpuShare, DeviceKind, Need, Restart, RestartPolicy, RestartWith, Start,
};
use toml::de::{DeTable, DeValue};

use crate::arguments::{self, Arguments};
use crate::layers::Layer;
use crate::mistake::{At, Collector, Span, suggestion};
use crate::placement::{self, Scope};
use crate::read::Reader;
use crate::source::whole;

/// `[[component]]`
#[derive(Clone)]
pub(crate) struct Component {
    pub span: Span,
    pub name: At<Name>,
    pub program: At<Name>,
    /// How many of it there are, if that is written.
    pub instances: Option<At<u8>>,
    /// Which of them this is, once they are told apart.
    pub instance: Option<u8>,
    pub arguments: Arguments,
    pub on: At<Placement>,
    pub layer: Option<At<Layer>>,
    pub start: At<Start>,
    pub restart: At<Restart>,
    pub cpu: At<CpuShare>,
    pub priority: u8,
    pub stack_bytes: u32,
    pub heap_bytes: u64,
    pub memory: At<u64>,
    pub extra_threads: u32,
    /// Where that is written.
    pub threads: Option<Span>,
    pub thread_stack_bytes: u32,
    pub serves: Vec<At<Name>>,
    pub uses: Vec<Used>,
    pub devices: Vec<At<DeviceKind>>,
    pub replies: u32,
    pub slots: u32,
    pub dma_bytes: u64,
}

/// An item of `uses`.
#[derive(Clone)]
pub(crate) struct Used {
    pub span: Span,
    pub interface: At<Name>,
    pub from: Option<At<Name>>,
    pub need: Need,
    pub caller: Caller,
    pub directory: Option<At<Directory>>,
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
    /// Milliseconds before the first restart.
    pub const BACK_OFF_MILLISECONDS: u32 = 100;
    /// Restarts in a row.
    pub const RESTARTS: u32 = 10;
}

impl Component {
    /// Reads a table. `None` if what cannot be guessed is missing.
    pub(crate) fn read(
        table: &DeTable<'_>,
        span: Span,
        scope: &Scope<'_>,
        mistakes: &mut Collector<'_>,
    ) -> Option<Self> {
        let mut r = Reader::new(table, span, mistakes);
        let name = r.name("name", "\"kv-server\"");
        let program = r.name("program", "\"kv-server\"");
        let read = Self {
            span: r.span.clone(),
            name: name.clone().unwrap_or_else(|| r.nameless()),
            program: program.clone().unwrap_or_else(|| r.nameless()),
            instances: instances(&mut r),
            instance: None,
            arguments: arguments::read(&mut r),
            on: placement::on(&mut r, scope),
            layer: layer(&mut r),
            start: r.choice(
                "start",
                &[("boot", Start::Boot), ("on-request", Start::OnRequest)],
            ),
            restart: restart(&mut r),
            cpu: cpu(&mut r),
            priority: priority(&mut r),
            stack_bytes: stack(&mut r, "stack", defaults::STACK_BYTES),
            heap_bytes: bytes(&mut r, "heap", limits::HEAP_BYTES, layout::PAGE_BYTES).value,
            memory: bytes(&mut r, "memory", limits::MEMORY_BYTES, layout::PAGE_BYTES),
            threads: r.span_of("threads"),
            extra_threads: r.number("threads", 0, 0, limits::THREADS as u32 - 1).value,
            thread_stack_bytes: stack(&mut r, "thread_stack", defaults::THREAD_STACK_BYTES),
            serves: r.names("serves"),
            uses: uses(&mut r),
            devices: devices(&mut r),
            replies: r.number("replies", 0, 0, limits::REPLIES as u32).value,
            slots: r
                .number("slots", defaults::SLOTS, 0, limits::FREE_SLOTS as u32)
                .value,
            dma_bytes: bytes(&mut r, "dma", limits::DMA_BYTES, layout::LARGE_PAGE_BYTES).value,
        };
        r.finish("component");
        name.and(program).and(Some(read))
    }
}

fn instances(r: &mut Reader<'_, '_, '_>) -> Option<At<u8>> {
    r.has("instances").then(|| {
        let read = r.number("instances", 1, 1, limits::COMPONENTS as u32);
        At {
            value: read.value as u8,
            span: read.span,
        }
    })
}

fn layer(r: &mut Reader<'_, '_, '_>) -> Option<At<Layer>> {
    r.has("layer").then(|| r.choice("layer", &Layer::NAMES))
}

fn priority(r: &mut Reader<'_, '_, '_>) -> u8 {
    let most = u32::from(limits::PRIORITY);
    r.number("priority", defaults::PRIORITY, 1, most).value as u8
}

fn stack(r: &mut Reader<'_, '_, '_>, key: &'static str, default: u64) -> u32 {
    let read = r.size(key, default, limits::STACK_BYTES_MIN, limits::STACK_BYTES);
    whole(read.value, layout::PAGE_BYTES) as u32
}

fn bytes(r: &mut Reader<'_, '_, '_>, key: &'static str, most: u64, unit: u64) -> At<u64> {
    let read = r.size(key, 0, 0, most);
    At {
        value: whole(read.value, unit),
        span: read.span,
    }
}

/// `restart`, and the keys that say how.
fn restart(r: &mut Reader<'_, '_, '_>) -> At<Restart> {
    const HOW: [&str; 3] = ["back_off", "restarts", "with_dependants"];
    let rule = r.choice("restart", &[("never", false), ("on-failure", true)]);
    let back_off = r.milliseconds(
        "back_off",
        defaults::BACK_OFF_MILLISECONDS,
        limits::BACK_OFF_MILLISECONDS,
    );
    let most = u32::from(limits::RESTARTS);
    let restarts = r.number("restarts", defaults::RESTARTS, 1, most);
    let with_dependants = r.flag("with_dependants");
    let policy = RestartPolicy {
        back_off_milliseconds: back_off.value,
        restarts: restarts.value as u16,
        with: if with_dependants {
            RestartWith::Dependants
        } else {
            RestartWith::Nobody
        },
    };
    if !rule.value {
        for key in HOW {
            if let Some(span) = r.span_of(key) {
                r.mistakes().add(
                    &span,
                    format!("`{key}` says how to restart a component that is never restarted"),
                    format!("add `restart = \"on-failure\"`, or remove `{key}`"),
                );
            }
        }
    }
    At {
        value: if rule.value {
            Restart::OnFailure(policy)
        } else {
            Restart::Never
        },
        span: rule.span,
    }
}

/// `cpu = "25%"`
fn cpu(r: &mut Reader<'_, '_, '_>) -> At<CpuShare> {
    let Some(value) = r.raw("cpu") else {
        return At {
            value: CpuShare::ALL,
            span: r.span.clone(),
        };
    };
    let share = match value.get_ref() {
        DeValue::String(text) => text
            .strip_suffix('%')
            .and_then(|number| number.trim_end().parse().ok())
            .and_then(CpuShare::new),
        _ => None,
    };
    if share.is_none() {
        let remedy = "write \"1%\" to \"100%\", in quotes";
        r.mistakes().add(
            &value.span(),
            "`cpu` is not a share of the processor",
            remedy,
        );
    }
    At {
        value: share.unwrap_or(CpuShare::ALL),
        span: value.span(),
    }
}

/// `uses = ["timer", { interface = "kv", from = "kv-2" }]`
fn uses(r: &mut Reader<'_, '_, '_>) -> Vec<Used> {
    let items = r.list("uses");
    items
        .iter()
        .filter_map(|item| match item.get_ref() {
            DeValue::Table(table) => Used::read(table, item.span(), r.mistakes()),
            _ => r.as_name(item).map(|interface| Used {
                span: interface.span.clone(),
                interface,
                from: None,
                need: Need::Required,
                caller: Caller::Anyone,
                directory: None,
            }),
        })
        .collect()
}

impl Used {
    fn read(table: &DeTable<'_>, span: Span, mistakes: &mut Collector<'_>) -> Option<Self> {
        let mut r = Reader::new(table, span, mistakes);
        let interface = r.name("interface", "\"kv\"");
        let from = r.has("from").then(|| r.name("from", "\"kv-server\""));
        let caller = r.choice(
            "by",
            &[("anyone", Caller::Anyone), ("worker", Caller::Worker)],
        );
        let need = if r.flag("optional") {
            Need::Optional
        } else {
            Need::Required
        };
        let directory = directory(&mut r);
        let span = r.span.clone();
        r.finish("use");
        Some(Self {
            span,
            interface: interface?,
            from: from.flatten(),
            need,
            caller: caller.value,
            directory,
        })
    }
}

/// `directory = "/apps/kv"`
fn directory(r: &mut Reader<'_, '_, '_>) -> Option<At<Directory>> {
    let value = r.raw("directory")?;
    let read = match value.get_ref() {
        DeValue::String(text) => Directory::new(text).map_err(|why| why.to_string()),
        _ => Err("write it in quotes, like \"/apps\"".to_owned()),
    };
    match read {
        Ok(directory) => Some(At {
            value: directory,
            span: value.span(),
        }),
        Err(remedy) => {
            r.mistakes().add(
                &value.span(),
                "`directory` is no directory of names",
                remedy,
            );
            None
        }
    }
}

fn devices(r: &mut Reader<'_, '_, '_>) -> Vec<At<DeviceKind>> {
    let names = r.names("devices");
    names
        .into_iter()
        .filter_map(|name| device(name, r.mistakes()))
        .collect()
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
