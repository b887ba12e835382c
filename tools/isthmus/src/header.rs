//! `./isthmus header INTERFACE`: the C header of an interface of the workspace that one stands in.
//!
//! An interface is a Rust trait, so only Rust can say what is in it: a program of three lines that depends on the interface's crate is written into the
//! target folder, and run. A client that is built by Cargo makes its header in its build script (`examples/kv/c-client`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use isthmus_build::Project;
use isthmus_build::run::run;

use crate::Ending;
use crate::options;
use crate::ui::Ui;
use crate::workspace;

/// What the packages of interfaces end with.
const SUFFIX: &str = "-interface";

/// An interface: `kv`, `kv-interface`, or, of a package with several, `scheduler::process`.
#[derive(Debug, PartialEq, Eq)]
struct Interface {
    package: String,
    module: String,
}

impl Interface {
    fn parse(text: &str) -> Result<Self> {
        let (package, module) = match text.split_once("::") {
            Some((package, module)) => (package, Some(module)),
            None => (text, None),
        };
        let name = package.strip_suffix(SUFFIX).unwrap_or(package);
        let module = module.map_or_else(|| name.replace('-', "_"), str::to_owned);
        let is_word = |text: &str| {
            let allowed =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
            text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed)
        };
        if !is_word(name) || !is_word(&module) || module.contains('-') {
            bail!(
                "`{text}` is no interface: write its package's name, and `::MODULE` if it has several"
            );
        }
        Ok(Self {
            package: format!("{name}{SUFFIX}"),
            module,
        })
    }

    /// The program that prints the header.
    fn program(&self) -> String {
        let package = self.package.replace('-', "_");
        let module = format!("{package}::{}", self.module);
        format!(
            "fn main() {{\n    print!(\"{{}}\", isthmus_interface::header::of({module}::NAME, {module}::METHODS));\n}}\n"
        )
    }

    /// Its manifest: a workspace of its own, with the crate that lies in `folder`.
    fn manifest(&self, folder: &Path) -> String {
        let package = &self.package;
        let interface = workspace::root().join("component/interface");
        format!(
            "[workspace]\n\n[package]\nname = \"{package}-header\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [dependencies]\nisthmus-interface = {{ path = {interface:?} }}\n{package} = {{ path = {folder:?} }}\n"
        )
    }
}

/// Makes the headers.
pub fn header(ui: &Ui, options: &options::Header) -> Result<Ending> {
    let project = Project::here()?;
    let interfaces = options.interfaces.iter().map(|text| Interface::parse(text));
    for interface in interfaces.collect::<Result<Vec<_>>>()? {
        let text = make(ui, &project, &interface)?;
        match &options.out {
            Some(folder) => {
                let file = folder.join(format!("{}.h", interface.module));
                workspace::write_if_changed(&file, text.as_bytes())?;
                ui.say(&format!("Written: {}", file.display()));
            }
            None => print!("{text}"),
        }
    }
    Ok(Ending::Well)
}

fn make(ui: &Ui, project: &Project, interface: &Interface) -> Result<String> {
    let package = &interface.package;
    let Some(folder) = project.package(package)? else {
        let root = project.root().display();
        bail!("the workspace {root} has no package `{package}`");
    };
    let place: PathBuf = project.target().join("isthmus/headers").join(package);
    let manifest = place.join("Cargo.toml");
    workspace::write_if_changed(&manifest, interface.manifest(&folder).as_bytes())?;
    workspace::write_if_changed(&place.join("src/main.rs"), interface.program().as_bytes())?;
    // In the versions that the workspace uses; Cargo takes out what is not needed.
    let versions = workspace::read(&project.root().join("Cargo.lock"))?;
    workspace::write_if_changed(&place.join("Cargo.lock"), &versions)?;
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--manifest-path"]);
    command.arg(&manifest);
    command.arg("--target-dir").arg(project.target());
    let finished = ui.step(&format!("the header of {package}"), |step| {
        anyhow::Ok(run(step, command)?.check()?)
    })?;
    Ok(finished.output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(package: &str, module: &str) -> Interface {
        Interface {
            package: package.to_owned(),
            module: module.to_owned(),
        }
    }

    #[test]
    fn interfaces_are_named_by_their_packages() {
        for (text, package, module) in [
            ("kv", "kv-interface", "kv"),
            ("kv-interface", "kv-interface", "kv"),
            ("test-two", "test-two-interface", "test_two"),
            ("scheduler::process", "scheduler-interface", "process"),
        ] {
            let parsed = Interface::parse(text).expect(text);
            assert_eq!(parsed, interface(package, module), "{text}");
        }
        for text in [
            "",
            "Kv",
            "../kv",
            "kv::",
            "kv::a-b",
            "kv::x::y",
            "-interface",
        ] {
            assert!(Interface::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_program_names_the_module() {
        let program = interface("test-two-interface", "test_two").program();
        assert!(
            program.contains("test_two_interface::test_two::METHODS"),
            "{program}"
        );
    }
}
