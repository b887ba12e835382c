//! The machines' programs: which package has which, and how they are compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use isthmus_testkit::Arch;
use microkernel_config::Prefix;
use serde_json::Value;

use crate::run::run;
use crate::toolchain::{Target, Toolchain};
use crate::ui::{Step, Ui};
use crate::workspace;

/// The profile of `Cargo.toml` that they are compiled with.
const PROFILE: &str = "image";

/// The boot loader's package; it runs before there is a kernel, so its target is the bare machine.
const LOADER: &str = "loader-aarch64";
const LOADER_TARGET: &str = "aarch64-unknown-none";

/// The programs of the workspace: the name of each, and the package that it comes from.
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
    /// Asks Cargo.
    pub fn read() -> Result<Self> {
        let mut command = Command::new("cargo");
        command.current_dir(workspace::root()).args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
        ]);
        let output = command.output().context("cargo cannot be started")?;
        if !output.status.success() {
            bail!(
                "`cargo metadata` failed:\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Self::parse(&output.stdout)
    }

    fn parse(metadata: &[u8]) -> Result<Self> {
        let metadata: Value = serde_json::from_slice(metadata)
            .context("what cargo says of the workspace is no JSON")?;
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
    fn package(&self, program: &str) -> Result<&str> {
        match self.packages.get(program) {
            Some(package) => Ok(package),
            None => bail!(
                "no package of the workspace has a program `{program}` for machines; there are: {}",
                self.for_machines().join(", ")
            ),
        }
    }
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
        let mut cargo = self.toolchain.cargo(verb, &self.target, &self.target_dir);
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
    pub fn build(
        &self,
        ui: &Ui,
        catalogue: &Catalogue,
        programs: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, PathBuf>> {
        let mut cargo = self.cargo("build");
        cargo.args(["--profile", PROFILE]);
        let mut packages = BTreeSet::new();
        for program in programs {
            packages.insert(catalogue.package(program)?);
            cargo.args(["--bin", program]);
        }
        cargo.args(packages.iter().flat_map(|package| ["-p", package]));
        ui.step(
            &format!("compiling {} programs for {}", programs.len(), self.arch),
            |step| compile(step, cargo),
        )?;
        let folder = self.target_dir.join(self.target.folder()).join(PROFILE);
        Ok(programs
            .iter()
            .map(|program| (program.clone(), folder.join(program)))
            .collect())
    }

    /// Compiles the boot loader.
    pub fn loader(&self, ui: &Ui) -> Result<PathBuf> {
        let target = Target::bare(LOADER_TARGET);
        // It knows nothing of the kernel's configuration, so one serves all.
        let target_dir = workspace::built().join("loader");
        let mut cargo = self.toolchain.cargo("build", &target, &target_dir);
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

    #[test]
    fn programs_are_found_by_their_own_name() {
        let metadata = br#"{"packages":[
            {"name":"naming","id":"a","targets":[{"name":"naming","kind":["lib"]},{"name":"naming-server","kind":["bin"]}]},
            {"name":"x","id":"b","targets":[{"name":"x","kind":["lib"]}]}
        ],"workspace_default_members":["b"]}"#;
        let catalogue = Catalogue::parse(metadata).expect("metadata");
        assert_eq!(
            catalogue.package("naming-server").expect("it is there"),
            "naming"
        );
        assert_eq!(
            (catalogue.host_packages(), catalogue.target_packages()),
            (&["x".to_owned()][..], vec!["naming"])
        );
        let error = catalogue
            .package("x")
            .expect_err("a library is no program")
            .to_string();
        assert!(error.contains("naming-server"), "{error}");
    }

    #[test]
    fn the_real_workspace_has_programs() {
        let catalogue = Catalogue::read().expect("this is a workspace");
        assert_eq!(
            catalogue.package("qemu-switch").expect("it is there"),
            "qemu-switch"
        );
    }
}
