//! The machines' programs: which package has which, and how they are compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use microkernel_config::Prefix;
use qemu_machines::Arch;
use serde_json::Value;
use toml::Table;

use crate::run::run;
use crate::toolchain::{Target, Toolchain};
use crate::ui::{Step, Ui};
use crate::workspace::{self, Project};

/// The profile of `Cargo.toml` that they are compiled with.
const PROFILE: &str = "image";

/// The boot loader's package; it runs before there is a kernel, so its target is the bare machine.
const LOADER: &str = "loader-aarch64";
const LOADER_TARGET: &str = "aarch64-unknown-none";

/// The programs of a workspace: the name of each, and the package that it comes from.
#[derive(Debug)]
pub struct Catalogue {
    /// Package by program.
    packages: BTreeMap<String, String>,
    /// The packages that are tested on the host: the workspace's default members.
    host: Vec<String>,
    /// The others.
    target: Vec<String>,
}

impl Catalogue {
    /// Asks Cargo about the workspace that `folder` is in.
    ///
    /// # Errors
    /// If Cargo cannot read it.
    pub fn read(folder: &Path) -> Result<Self> {
        Self::parse(&workspace::metadata(folder)?)
    }

    fn parse(metadata: &Value) -> Result<Self> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut packages = BTreeMap::new();
        let (mut host, mut target) = (Vec::new(), Vec::new());
        let default = list(&metadata["workspace_default_members"]);
        for package in list(&metadata["packages"]) {
            let name = package["name"].as_str().unwrap_or_default().to_owned();
            let members = if default.contains(&package["id"]) {
                &mut host
            } else {
                &mut target
            };
            members.push(name);
            for target in list(&package["targets"]) {
                let is_program = list(&target["kind"]).iter().any(|kind| kind == "bin");
                if let (true, Some(program), Some(package)) = (
                    is_program,
                    target["name"].as_str(),
                    package["name"].as_str(),
                ) {
                    packages.insert(program.to_owned(), package.to_owned());
                }
            }
        }
        Ok(Self {
            packages,
            host,
            target,
        })
    }

    /// The packages that are for the host.
    pub fn host_packages(&self) -> &[String] {
        &self.host
    }

    /// The packages that are for the machines, except the boot loader, which is for the bare machine.
    pub fn target_packages(&self) -> Vec<&str> {
        self.target
            .iter()
            .map(String::as_str)
            .filter(|package| *package != LOADER)
            .collect()
    }

    /// The programs that a machine can run.
    fn for_machines(&self) -> Vec<&str> {
        let mine = |(_, package): &(&String, &String)| !self.host.contains(package);
        let programs = self.packages.iter().filter(mine);
        programs.map(|(program, _)| program.as_str()).collect()
    }

    /// The package that `program` comes from.
    fn package(&self, program: &str) -> Option<&str> {
        self.packages.get(program).map(String::as_str)
    }
}

/// A workspace that has programs for machines.
#[derive(Debug)]
pub struct Source {
    root: PathBuf,
    catalogue: Catalogue,
}

/// The workspaces that programs come from: the user's, if there is one, before this checkout.
#[derive(Debug)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Those of `project`.
    ///
    /// # Errors
    /// If Cargo cannot read one.
    pub fn of_project(project: &Project) -> Result<Self> {
        let users = project.is_users().then(|| project.root());
        let roots = users.into_iter().chain([workspace::root()]);
        let source = |root: &Path| {
            let catalogue = Catalogue::read(root)?;
            Ok(Source {
                root: root.to_owned(),
                catalogue,
            })
        };
        Ok(Self(roots.map(source).collect::<Result<_>>()?))
    }

    /// Sorts programs by where they come from.
    fn of<'s, 'p>(
        &'s self,
        programs: &'p BTreeSet<String>,
    ) -> Result<Vec<(&'s Source, Vec<&'p str>)>> {
        let mut sorted: Vec<_> = self.0.iter().map(|source| (source, Vec::new())).collect();
        for program in programs {
            let has = |(source, _): &&mut (&Source, _)| source.catalogue.package(program).is_some();
            match sorted.iter_mut().find(has) {
                Some((_, programs)) => programs.push(program.as_str()),
                None => bail!(
                    "no package of the workspace has a program `{program}` for machines; there are: {}",
                    self.for_machines().join(", ")
                ),
            }
        }
        sorted.retain(|(_, programs)| !programs.is_empty());
        Ok(sorted)
    }

    fn for_machines(&self) -> Vec<&str> {
        self.0
            .iter()
            .flat_map(|source| source.catalogue.for_machines())
            .collect()
    }
}

impl Source {
    /// A file for Cargo with the profile of the machines' programs, for a workspace that does not say its own.
    fn profile(&self) -> Result<Option<PathBuf>> {
        if profile_in(&self.root.join(MANIFEST))?.is_some() {
            return Ok(None);
        }
        let ours = profile_in(&workspace::root().join(MANIFEST))?
            .with_context(|| format!("the checkout's {MANIFEST} has no profile `{PROFILE}`"))?;
        let mut profiles = Table::new();
        profiles.insert(PROFILE.to_owned(), ours);
        let mut whole = Table::new();
        whole.insert("profile".to_owned(), profiles.into());
        let file = workspace::built().join("profile.toml");
        workspace::write_if_changed(&file, whole.to_string().as_bytes())?;
        Ok(Some(file))
    }
}

/// A workspace's own description for Cargo.
const MANIFEST: &str = "Cargo.toml";

/// The profile of the machines' programs, if `manifest` has it.
fn profile_in(manifest: &Path) -> Result<Option<toml::Value>> {
    let text = String::from_utf8(workspace::read(manifest)?)?;
    let whole: Table = text
        .parse()
        .with_context(|| format!("{} is not TOML", manifest.display()))?;
    let profile = whole.get("profile").and_then(|all| all.get(PROFILE));
    Ok(profile.cloned())
}

/// Compiles programs for one kernel.
pub struct Compiler<'a> {
    arch: Arch,
    prefix: &'a Prefix,
    toolchain: Toolchain,
    target: Target,
    target_dir: PathBuf,
}

impl<'a> Compiler<'a> {
    /// For programs that run on the kernel in `prefix`, which is called `name`.
    pub fn new(arch: Arch, prefix: &'a Prefix, name: &str) -> Result<Self> {
        let toolchain = Toolchain::chosen();
        let target = toolchain.target(arch)?;
        Ok(Self {
            arch,
            prefix,
            toolchain,
            target,
            target_dir: workspace::built().join(name),
        })
    }

    /// The kernel that programs are compiled against.
    pub fn prefix(&self) -> &Prefix {
        self.prefix
    }

    /// Cargo with one of its verbs, for the target and against the kernel.
    pub fn cargo(&self, verb: &str) -> Command {
        let mut cargo =
            self.toolchain
                .cargo(verb, workspace::root(), &self.target, &self.target_dir);
        cargo.env("SEL4_PREFIX", self.prefix.path());
        cargo
    }

    /// clippy, for the target and against the kernel.
    pub fn clippy(&self) -> Command {
        let mut clippy = self.toolchain.clippy(&self.target, &self.target_dir);
        clippy.env("SEL4_PREFIX", self.prefix.path());
        clippy
    }

    /// Compiles `programs` and says where each is.
    ///
    /// # Errors
    /// What the compiler says.
    pub fn build(
        &self,
        ui: &Ui,
        sources: &Sources,
        programs: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, PathBuf>> {
        let mut all = BTreeMap::new();
        for (source, programs) in sources.of(programs)? {
            let what = format!("compiling {} programs for {}", programs.len(), self.arch);
            let cargo = self.build_command(source, &programs)?;
            ui.step(&what, |step| compile(step, cargo))?;
            let folder = self.target_dir.join(self.target.folder()).join(PROFILE);
            all.extend(
                programs
                    .into_iter()
                    .map(|program| (program.to_owned(), folder.join(program))),
            );
        }
        Ok(all)
    }

    fn build_command(&self, source: &Source, programs: &[&str]) -> Result<Command> {
        let mut cargo = self
            .toolchain
            .cargo("build", &source.root, &self.target, &self.target_dir);
        cargo.env("SEL4_PREFIX", self.prefix.path());
        cargo.args(["--profile", PROFILE]);
        if let Some(file) = source.profile()? {
            cargo.arg("--config").arg(file);
        }
        let packages: BTreeSet<&str> = programs
            .iter()
            .filter_map(|program| source.catalogue.package(program))
            .collect();
        cargo.args(packages.iter().flat_map(|package| ["-p", package]));
        cargo.args(programs.iter().flat_map(|program| ["--bin", program]));
        Ok(cargo)
    }

    /// Compiles the boot loader.
    pub fn loader(&self, ui: &Ui) -> Result<PathBuf> {
        let target = Target::bare(LOADER_TARGET);
        // It knows nothing of the kernel's configuration, so one serves all.
        let target_dir = workspace::built().join("loader");
        let mut cargo = self
            .toolchain
            .cargo("build", workspace::root(), &target, &target_dir);
        cargo.args(["--profile", PROFILE, "-p", LOADER, "--bin", LOADER]);
        ui.step("compiling the boot loader", |step| compile(step, cargo))?;
        Ok(target_dir.join(target.folder()).join(PROFILE).join(LOADER))
    }
}

fn compile(step: &Step, cargo: Command) -> Result<()> {
    run(step, cargo)?.check()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(metadata: &str) -> Catalogue {
        Catalogue::parse(&serde_json::from_str(metadata).expect("JSON")).expect("metadata")
    }

    fn sources() -> Sources {
        let mine = catalogue(
            r#"{"packages":[{"name":"mine","id":"a","targets":[{"name":"naming-server","kind":["bin"]}]}]}"#,
        );
        let ours = catalogue(
            r#"{"packages":[
            {"name":"naming","id":"a","targets":[{"name":"naming","kind":["lib"]},{"name":"naming-server","kind":["bin"]}]},
            {"name":"root-task","id":"c","targets":[{"name":"root-task","kind":["bin"]}]},
            {"name":"x","id":"b","targets":[{"name":"x","kind":["lib"]}]}
        ],"workspace_default_members":["b"]}"#,
        );
        assert_eq!(ours.host_packages(), ["x"]);
        assert_eq!(ours.target_packages(), ["naming", "root-task"]);
        let source = |root: &str, catalogue| Source {
            root: root.into(),
            catalogue,
        };
        Sources(vec![source("mine", mine), source("ours", ours)])
    }

    #[test]
    fn the_users_programs_come_before_the_systems() {
        let sources = sources();
        let wanted = ["naming-server", "root-task"].map(str::to_owned).into();
        let sorted = sources.of(&wanted).expect("all are there");
        let found: Vec<_> = sorted
            .iter()
            .map(|(source, programs)| (source.root.to_str(), programs.as_slice()))
            .collect();
        assert_eq!(
            found,
            [
                (Some("mine"), &["naming-server"][..]),
                (Some("ours"), &["root-task"][..])
            ]
        );
    }

    #[test]
    fn a_library_is_no_program() {
        let wanted = BTreeSet::from(["x".to_owned()]);
        let error = sources().of(&wanted).expect_err("a library").to_string();
        assert!(
            error.contains("naming-server, naming-server, root-task"),
            "{error}"
        );
    }

    #[test]
    fn the_real_workspace_has_programs_and_their_profile() {
        let sources = Sources::of_project(&Project::checkout()).expect("this is a workspace");
        let wanted = BTreeSet::from(["qemu-switch".to_owned()]);
        let sorted = sources.of(&wanted).expect("it is there");
        assert_eq!(sorted.len(), 1);
        assert_eq!(sorted[0].0.profile().expect("it can be read"), None);
    }

    #[test]
    fn a_workspace_without_the_profile_gets_ours() {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = folder.path().join(MANIFEST);
        std::fs::write(&manifest, "[workspace]\n").expect("a file");
        assert_eq!(profile_in(&manifest).expect("TOML"), None);
        let ours = profile_in(&workspace::root().join(MANIFEST)).expect("TOML");
        assert_eq!(ours.expect("it has one")["panic"].as_str(), Some("abort"));
    }
}
