//! `./isthmus system`: a description checked and drawn, without building anything.

mod graph;
mod layout;
mod svg;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use isthmus_abi::layout as addresses;
use isthmus_build::{ClusterFile, Project};
use isthmus_description::{Description, Here};
use isthmus_plan::plan::{Component, Restart, Start};
use isthmus_plan::{Placement, Starter};

use crate::Ending;
use crate::options;
use crate::ui::Ui;

/// `./isthmus system check` and `./isthmus system graph`.
pub fn command(ui: &Ui, options: &options::System) -> Result<Ending> {
    match options {
        options::System::Check { file } => check(ui, file),
        options::System::Graph { file, out } => draw(ui, file, out.as_deref()),
    }
}

/// A description as it was written, with its name.
pub struct Source {
    /// Its file, as the user knows it.
    pub name: String,
    text: String,
}

impl Source {
    /// Finds and reads a file.
    pub fn read(file: Option<&Path>) -> Result<Self> {
        let path: PathBuf = Project::here()?.system(file);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("the system description {} cannot be read", path.display()))?;
        Ok(Self {
            name: path.display().to_string(),
            text,
        })
    }

    /// Checks it. All mistakes have been said if there is nothing.
    pub fn describe(&self) -> Option<Description> {
        match isthmus_description::describe(&self.text) {
            Ok(description) => Some(description),
            Err(mistakes) => {
                eprintln!("{}", mistakes.in_file(&self.name));
                None
            }
        }
    }
}

fn check(ui: &Ui, file: &Path) -> Result<Ending> {
    let source = Source::read(Some(file))?;
    if ClusterFile::is_one(&source.text) {
        let cluster = ClusterFile::read(Path::new(&source.name))?;
        for (number, (machine, arch, system)) in (1..).zip(cluster.machines()) {
            println!(
                "machine {number} {}: {arch}, system `{}`",
                machine.name,
                system.name()
            );
        }
        for (name, description) in cluster.systems() {
            print!("\n{name}\n{}", summary(description));
        }
        ui.say(&format!("The cluster `{}` is right.", cluster.name()));
        return Ok(Ending::Well);
    }
    let Some(description) = source.describe() else {
        return Ok(Ending::Wanting);
    };
    print!("{}", summary(&description));
    ui.say(&format!("{} is right.", source.name));
    Ok(Ending::Well)
}

fn draw(ui: &Ui, file: &Path, out: Option<&Path>) -> Result<Ending> {
    let Some(description) = Source::read(Some(file))?.describe() else {
        return Ok(Ending::Wanting);
    };
    let drawing = svg::draw(&graph::Graph::of(&description));
    match out {
        None => println!("{drawing}"),
        Some(path) => {
            std::fs::write(path, drawing)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            ui.say(&format!(
                "The drawing of `{}` is in {}.",
                description.plan.name,
                path.display()
            ));
        }
    }
    Ok(Ending::Well)
}

/// What the system is made of: a line for each component, then the memory of the fullest machine.
fn summary(description: &Description) -> String {
    let plan = &description.plan;
    let mut text = format!(
        "system {}: {} components, {} channels\n\n{:<24} {:<12} {:<10} {:<12} {:>9}  {}\n",
        plan.name,
        plan.components.len(),
        plan.channels.len(),
        "component",
        "layer",
        "on",
        "started by",
        "memory",
        "lives"
    );
    for ((id, component), layer) in plan.all().zip(&description.layers) {
        let starters = description
            .machines
            .iter()
            .filter(|&&here| plan.runs(id, here));
        let mut starters: Vec<&str> = starters
            .map(|&here| match plan.starter(id, here) {
                Starter::RootTask => "root task",
                Starter::Scheduler => "scheduler",
            })
            .collect();
        starters.dedup();
        // A vector of bytes takes every byte.
        let _ = writeln!(
            text,
            "{:<24} {layer:<12} {:<10} {:<12} {:>9}  {}",
            component.name,
            placement(&component.on),
            starters.first().unwrap_or(&"nobody"),
            kibibytes(bytes(component)),
            life(component),
        );
    }
    let full = description
        .machines
        .iter()
        .max_by_key(|&&here| need(description, here));
    if let Some(&here) = full {
        let _ = writeln!(
            text,
            "\nmachine {} of {} needs most: {}, beside programs, page tables and the kernel",
            here.node,
            here.nodes,
            kibibytes(need(description, here)),
        );
    }
    text
}

fn placement(on: &Placement) -> String {
    match on {
        Placement::All => "all".into(),
        Placement::First => "first".into(),
        Placement::Last => "last".into(),
        Placement::Nodes(nodes) => {
            let numbers: Vec<String> = nodes.iter().map(u8::to_string).collect();
            numbers.join(", ")
        }
    }
}

fn life(component: &Component) -> String {
    let mut all = Vec::new();
    if component.start == Start::OnRequest {
        all.push("starts on request".to_owned());
    }
    if let Restart::OnFailure(policy) = component.restart {
        all.push(format!("restarts up to {} times", policy.restarts));
    }
    if component.cpu.is_limited() {
        all.push(format!("{}% of the processor", component.cpu.percent()));
    }
    if component.memory_bytes > 0 {
        all.push(format!("quota {}", kibibytes(component.memory_bytes)));
    }
    all.join(", ")
}

/// Bytes that a component has from its start, beside its program and its channels.
fn bytes(c: &Component) -> u64 {
    let stacks: u64 = c.threads.iter().map(|t| u64::from(t.stack_bytes)).sum();
    let threads = c.threads.len() as u64 * addresses::THREAD_BLOCK_BYTES;
    const SLOT_BYTES: u64 = 32;
    let slots = SLOT_BYTES << c.cnode_bits;
    let own = addresses::STARTUP_BYTES + c.log_bytes() + slots;
    own + stacks + threads + c.heap_bytes + c.dma_bytes
}

/// Bytes that a machine needs for its components, their channels and their quotas.
fn need(description: &Description, here: Here) -> u64 {
    let plan = &description.plan;
    let components = plan.on(here).map(|(_, c)| bytes(c) + c.memory_bytes);
    let channels = plan.channels_on(here).map(|channel| channel.bytes);
    components.chain(channels).sum()
}

fn kibibytes(bytes: u64) -> String {
    match bytes >> 10 {
        kib if kib < 10_240 => format!("{kib} KiB"),
        kib => format!("{} MiB", kib >> 10),
    }
}

/// Texts by number of appearances, for tests.
#[cfg(test)]
fn count(text: &str, needle: &str) -> usize {
    text.matches(needle).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demo() -> Description {
        let file = isthmus_build::workspace::root().join("systems/demo.toml");
        let text = std::fs::read_to_string(file).expect("the demonstration");
        isthmus_description::describe(&text).expect("it is right")
    }

    #[test]
    fn a_summary_names_every_component_and_who_starts_it() {
        let text = summary(&demo());
        for name in [
            "console",
            "timer",
            "netipc",
            "naming",
            "kv-server",
            "kv-client",
        ] {
            let line = text.lines().find(|line| line.starts_with(name));
            assert!(
                line.is_some_and(|line| line.contains("KiB") || line.contains("MiB")),
                "{text}"
            );
        }
        assert_eq!(count(&text, "root task"), 6, "{text}");
        assert!(text.contains("machine 1 of 1 needs most"), "{text}");
    }
}
