//! The cluster file: which machines there are, and what runs on which.

use std::collections::BTreeSet;

use isthmus_abi::{Name, limits};
use isthmus_plan::{Here, Placement};
use toml::de::{DeTable, DeValue};

use crate::arguments::{self, Arguments};
use crate::mistake::{At, Collector, Mistakes, Span, suggestion};
use crate::read::Reader;
use crate::{placement, source};

/// Which processor a machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// A PC's.
    X86_64,
    /// An Arm's.
    Aarch64,
}

/// Where a machine has its random numbers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Random {
    /// The host: a seed at each start, and a PC's RDRAND.
    Host,
    /// A virtio-rng device, and nothing else.
    VirtioRng,
}

/// One machine of a cluster.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name.
    pub name: Name,
    /// Its processor.
    pub processor: Processor,
    /// Bytes of its memory, if the file says it.
    pub memory_bytes: Option<u64>,
    /// Where it has its random numbers from.
    pub random: Random,
    /// What it is started with, `key=value key=value`.
    pub arguments: String,
    /// The system that it runs: a file, relative to the cluster file.
    pub system: String,
    labels: Vec<Name>,
}

/// A cluster file, read.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The cluster's name.
    pub name: Name,
    /// Its machines; the number of each is its position here, plus one.
    pub machines: Vec<Machine>,
    on: Vec<(At<Name>, Placement)>,
    text: String,
}

/// Megabytes of a machine's memory, at least and at most.
const MEMORY_BYTES: [u64; 2] = [64 << 20, 3 << 30];
const UNNAMED: &str = "unnamed";

impl Cluster {
    /// Reads a cluster file.
    ///
    /// # Errors
    /// Every mistake, with its place and remedy.
    pub fn read(text: &str) -> Result<Self, Mistakes> {
        Self::read_with(text, &mut Collector::new(text))
    }

    fn read_with(text: &str, mistakes: &mut Collector<'_>) -> Result<Self, Mistakes> {
        let root = source::parse(text, mistakes);
        let root = mistakes.stop_if_any(root)?;
        source::only(
            &root,
            "cluster file",
            &["cluster", "machine", "on"],
            mistakes,
        );
        let (name, system) = read_cluster(&root, mistakes);
        let tables = source::tables(&root, "machine", mistakes);
        let mut cluster = Self {
            name,
            machines: Vec::new(),
            on: Vec::new(),
            text: text.to_owned(),
        };
        for (table, span) in &tables {
            let machine = machine(table, span.clone(), system.as_deref(), mistakes);
            if let Some((machine, span)) = machine {
                cluster.add(machine, &span, mistakes);
            }
        }
        if tables.is_empty() {
            mistakes.add(&(0..0), "the cluster has no machine", "add a [[machine]]");
        }
        cluster.read_on(&root, mistakes);
        mistakes.stop_if_any(cluster)
    }

    fn add(&mut self, machine: Machine, span: &Span, mistakes: &mut Collector<'_>) {
        if self.machines.len() == limits::NODES {
            let what = format!("more than {} machines", limits::NODES);
            return mistakes.add(span, what, "leave some out, or raise the limit");
        }
        if self.names().any(|name| name == machine.name.as_str()) {
            let what = format!("`{}` is a machine or a label already", machine.name);
            mistakes.add(span, what, "rename it");
        }
        self.machines.push(machine);
    }

    fn read_on(&mut self, root: &DeTable<'_>, mistakes: &mut Collector<'_>) {
        let Some(value) = root.get("on") else { return };
        let DeValue::Table(table) = value.get_ref() else {
            let remedy = "write `[on]` on a line of its own, below it lines like `kv-server = [\"machine-a\"]`";
            return mistakes.add(&value.span(), "`on` is not a table", remedy);
        };
        for (key, value) in table.iter() {
            let rule = placement::rule("on", value, Some(self), mistakes);
            match Name::new(key.get_ref()) {
                Ok(value) => self.on.push((
                    At {
                        value,
                        span: key.span(),
                    },
                    rule.value,
                )),
                Err(reason) => {
                    let what = format!("{:?} is not a component's name", key.get_ref());
                    mistakes.add(&key.span(), what, reason.to_string());
                }
            }
        }
    }

    /// The system files, each once, in the order of the machines.
    #[must_use]
    pub fn systems(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for machine in &self.machines {
            if !all.contains(&machine.system.as_str()) {
                all.push(&machine.system);
            }
        }
        all
    }

    /// Checks that every component of `[on]` is in one of the systems.
    ///
    /// # Errors
    /// Those that are not.
    pub fn check_names<'n>(
        &self,
        components: impl Iterator<Item = &'n str>,
    ) -> Result<(), Mistakes> {
        let known: Vec<&str> = components.collect();
        let mut mistakes = Collector::new(&self.text);
        for (name, _) in &self.on {
            if !known.contains(&name.value.as_str()) {
                let what = format!("no system of the cluster has a component `{}`", name.value);
                let remedy = suggestion(name.value.as_str(), known.iter().copied(), "");
                mistakes.add(&name.span, what, remedy);
            }
        }
        mistakes.stop_if_any(())
    }

    pub(crate) fn placement_of(&self, component: &Name) -> Option<&Placement> {
        let found = self.on.iter().find(|(name, _)| name.value == *component);
        found.map(|(_, rule)| rule)
    }

    pub(crate) fn machines_with(&self, system: &str) -> Vec<Here> {
        let nodes = self.machines.len() as u8;
        let numbered = (1..=nodes).zip(&self.machines);
        numbered
            .filter(|(_, machine)| machine.system == system)
            .map(|(node, _)| Here { node, nodes })
            .collect()
    }

    pub(crate) fn nodes_called(&self, name: &str) -> Vec<u8> {
        let is_it = |m: &Machine| m.name == name || m.labels.iter().any(|label| label == name);
        let numbered = (1..).zip(&self.machines);
        numbered
            .filter(|(_, machine)| is_it(machine))
            .map(|(node, _)| node)
            .collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.machines
            .iter()
            .flat_map(|m| std::iter::once(&m.name).chain(&m.labels))
            .map(Name::as_str)
    }
}

/// The keys of a cluster file, by table.
pub(crate) fn keys() -> BTreeSet<(&'static str, &'static str)> {
    const TEXT: &str = "[cluster]\n[[machine]]\n";
    let mut mistakes = Collector::new(TEXT);
    // What is missing is of no interest.
    let _ = Cluster::read_with(TEXT, &mut mistakes);
    mistakes.keys()
}

fn read_cluster(root: &DeTable<'_>, mistakes: &mut Collector<'_>) -> (Name, Option<String>) {
    let unnamed = || Name::new(UNNAMED).expect("a well-formed name");
    let Some((table, span)) = source::the_table(root, "cluster", mistakes) else {
        return (unnamed(), None);
    };
    let mut r = Reader::new(table, span, mistakes);
    let name = r.name("name", "\"pair\"");
    let system = r.text("system");
    r.finish("cluster");
    (name.map_or_else(unnamed, |n| n.value), system)
}

fn machine(
    table: &DeTable<'_>,
    span: Span,
    system: Option<&str>,
    mistakes: &mut Collector<'_>,
) -> Option<(Machine, Span)> {
    let mut r = Reader::new(table, span, mistakes);
    let name = r.name("name", "\"machine-a\"");
    let processor = r.choice(
        "arch",
        &[
            ("x86_64", Processor::X86_64),
            ("aarch64", Processor::Aarch64),
        ],
    );
    let [least, most] = MEMORY_BYTES;
    let memory = r
        .has("memory")
        .then(|| r.size("memory", least, least, most));
    let random = r.choice(
        "random",
        &[("host", Random::Host), ("virtio-rng", Random::VirtioRng)],
    );
    let arguments: Arguments = arguments::read(&mut r);
    let labels = r.names("labels");
    let own = r.text("system");
    let system = own.or_else(|| system.map(str::to_owned));
    if system.is_none() {
        let span = r.span.clone();
        let remedy = "add `system = \"FILE\"` here, or below [cluster] for all machines";
        r.mistakes()
            .add(&span, "nothing says what the machine runs", remedy);
    }
    r.finish("machine");
    let name = name?;
    let machine = Machine {
        name: name.value,
        processor: processor.value,
        memory_bytes: memory.map(|bytes| bytes.value),
        random: random.value,
        arguments: arguments.as_str().to_owned(),
        system: system?,
        labels: labels.into_iter().map(|label| label.value).collect(),
    };
    Some((machine, name.span))
}
