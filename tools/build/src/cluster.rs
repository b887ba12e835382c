//! A cluster file with the systems that it names: what each machine is, and what it runs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use isthmus_description::cluster::{Machine, Processor};
use isthmus_description::{Cluster, Description};
use qemu_machines::Arch;

use crate::system::System;

/// A cluster, its systems read and checked for its machines.
#[derive(Clone, Debug)]
pub struct ClusterFile {
    cluster: Cluster,
    /// Each system by the name that the cluster file has for it.
    systems: Vec<(String, Description)>,
}

impl ClusterFile {
    /// Whether a text is a cluster file, and not a system's description.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.lines().any(|line| line.trim() == "[cluster]")
    }

    /// Reads a cluster file and its systems, which lie beside it.
    ///
    /// # Errors
    /// All mistakes of the cluster file, or else all of the systems, each with line, column and remedy.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("the cluster file {} cannot be read", file.display()))?;
        let name = file.display().to_string();
        let cluster = Cluster::read(&text).map_err(|all| anyhow!("{}", all.in_file(&name)))?;
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        let mut systems = Vec::new();
        let mut mistakes = Vec::new();
        for system in cluster.systems() {
            match describe(&cluster, &folder, system)? {
                Ok(description) => systems.push((system.to_owned(), description)),
                Err(all) => mistakes.push(all),
            }
        }
        if !mistakes.is_empty() {
            bail!("{}", mistakes.join("\n"));
        }
        let components = systems.iter().flat_map(|(_, d)| component_names(d));
        let components: Vec<String> = components.collect();
        cluster
            .check_names(components.iter().map(String::as_str))
            .map_err(|all| anyhow!("{}", all.in_file(&name)))?;
        let mut names: Vec<&str> = systems.iter().map(|(_, d)| d.plan.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!(
                "{name}: two of its systems are called `{}`: rename one, since images are called like systems",
                twice[0]
            );
        }
        Ok(Self { cluster, systems })
    }

    /// The cluster's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.cluster.name.as_str()
    }

    /// The machines, in their order, each with its processor and what it runs.
    pub fn machines(&self) -> impl Iterator<Item = (&Machine, Arch, System)> {
        self.cluster.machines.iter().map(|machine| {
            let arch = match machine.processor {
                Processor::X86_64 => Arch::X86_64,
                Processor::Aarch64 => Arch::Aarch64,
            };
            let system = self
                .systems
                .iter()
                .find(|(name, _)| *name == machine.system);
            let (_, system) = system.expect("every machine's system was read");
            (machine, arch, System::of_plan(system.plan.clone()))
        })
    }

    /// The systems, as the file calls them.
    pub fn systems(&self) -> impl Iterator<Item = (&str, &Description)> {
        self.systems.iter().map(|(name, d)| (name.as_str(), d))
    }
}

/// Reads one system; the inner error is its mistakes.
fn describe(cluster: &Cluster, folder: &Path, system: &str) -> Result<Result<Description, String>> {
    let path: PathBuf = folder.join(system);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("the system description {} cannot be read", path.display()))?;
    let name = path.display().to_string();
    let read = isthmus_description::describe_in(cluster, system, &text);
    Ok(read.map_err(|all| all.in_file(&name).to_string()))
}

/// Components by name, and by the name of their description where they are instances of it.
fn component_names(description: &Description) -> impl Iterator<Item = String> {
    description.plan.components.iter().flat_map(|c| {
        let name = c.name.as_str();
        let base = c
            .instance
            .and_then(|index| name.strip_suffix(&format!("-{index}")));
        std::iter::once(name)
            .chain(base)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    })
}
