//! The Debian packages that the build needs: found out by what they bring, installed when missing.
//!
//! Nothing else is downloaded but crates, by Cargo. In particular nothing is asked of rustup: what is built must not depend on the network's state.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use isthmus_process::find_program;
use qemu_machines::Arch;

use crate::toolchain::{LINKER, Part, Toolchain};
use crate::ui::Ui;
use crate::workspace;

/// What a package brings, by which its presence is noticed.
enum Brings {
    /// A program in `PATH`.
    Program(&'static str),
    /// A part of the target's toolchain, of the toolchain's version.
    Toolchain(Part),
    /// A module of the system's Python.
    Python(&'static str),
}

/// What a package is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Building kernel and programs.
    Build(Arch),
    /// Running machines.
    Run(Arch),
    /// Lints of the target's programs.
    Lint,
    /// Looking into a machine that runs, of either architecture.
    Debug,
    /// Reading captures.
    Dissect,
}

struct Package {
    name: &'static str,
    brings: Brings,
    /// Whether it is needed for a purpose.
    needed: fn(Purpose) -> bool,
}

const PACKAGES: &[Package] = &[
    Package {
        name: "gcc",
        brings: Brings::Program("gcc"),
        needed: is_build,
    },
    Package {
        name: "gcc-aarch64-linux-gnu",
        brings: Brings::Program("aarch64-linux-gnu-gcc"),
        needed: |purpose| purpose == Purpose::Build(Arch::Aarch64),
    },
    Package {
        name: "rustc-web",
        brings: Brings::Toolchain(Part::Compiler),
        needed: is_build,
    },
    Package {
        name: "cargo-web",
        brings: Brings::Toolchain(Part::Cargo),
        needed: is_build,
    },
    Package {
        name: "rust-web-src",
        brings: Brings::Toolchain(Part::Library),
        needed: is_build,
    },
    Package {
        name: "lld",
        brings: Brings::Program(LINKER),
        needed: is_build,
    },
    Package {
        name: "rust-web-clippy",
        brings: Brings::Toolchain(Part::Clippy),
        needed: |purpose| purpose == Purpose::Lint,
    },
    Package {
        name: "python3",
        brings: Brings::Program("/usr/bin/python3"),
        needed: is_build,
    },
    Package {
        name: "python3-six",
        brings: Brings::Python("six"),
        needed: is_build,
    },
    Package {
        name: "python3-ply",
        brings: Brings::Python("ply"),
        needed: is_build,
    },
    Package {
        name: "python3-tempita",
        brings: Brings::Python("tempita"),
        needed: is_build,
    },
    Package {
        name: "qemu-system-x86",
        brings: Brings::Program("qemu-system-x86_64"),
        needed: |purpose| purpose == Purpose::Run(Arch::X86_64),
    },
    Package {
        name: "qemu-system-arm",
        brings: Brings::Program("qemu-system-aarch64"),
        needed: |purpose| purpose == Purpose::Run(Arch::Aarch64),
    },
    Package {
        name: "gdb-multiarch",
        brings: Brings::Program("gdb-multiarch"),
        needed: |purpose| purpose == Purpose::Debug,
    },
    Package {
        name: "tshark",
        brings: Brings::Program("tshark"),
        needed: |purpose| purpose == Purpose::Dissect,
    },
];

fn is_build(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Build(_))
}

/// The system's Python: the modules come as Debian packages, so another one that comes first in `PATH` has none of them.
const PYTHON: &str = "/usr/bin/python3";

impl Brings {
    fn is_there(&self) -> bool {
        match self {
            Self::Program(name) => find_program(name.as_ref()).is_some(),
            Self::Toolchain(part) => Toolchain::chosen().has(*part),
            Self::Python(module) => {
                let import = format!("import {module}");
                let status = Command::new(PYTHON)
                    .args(["-c", &import])
                    .stderr(Stdio::null())
                    .status();
                status.is_ok_and(|status| status.success())
            }
        }
    }
}

/// Sees to it that everything is there for `purposes`.
pub fn ensure(ui: &Ui, purposes: &[Purpose]) -> Result<()> {
    let missing = missing(purposes);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !Toolchain::chosen().is_default() {
        ui.say(&format!(
            "note: {} is set; if the target's toolchain is what is missing, it is missing there",
            Toolchain::VARIABLE
        ));
    }
    if find_program("apt-get".as_ref()).is_none() {
        bail!(
            "this machine lacks what the Debian packages {list} bring, and has no apt-get to install them: install their equivalents by hand"
        );
    }
    ui.say(&format!("Installing Debian packages: {list}"));
    // The lists that are there may be old, and name a toolchain that is too old. Without the network they may still do.
    let updated = ui.step("updating the package lists", |_| apt(&["update"]));
    ui.step("installing packages", |_| install(&missing))
        .map_err(|error| {
            updated.err().map_or(error, |update| {
                update.context("the package lists could not be updated")
            })
        })?;
    let missing = self::missing(purposes);
    if !missing.is_empty() {
        bail!(
            "these packages are installed and do not bring what they should (Rust at least {}): {}",
            Toolchain::OLDEST,
            missing.join(" ")
        );
    }
    Ok(())
}

/// Sees to it that machines of `archs` can be built and run: all at once, for each installation takes its time.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_machines(ui: &Ui, archs: &[Arch]) -> Result<()> {
    ensure(ui, &machines(archs))
}

/// Says what is missing for machines of `archs`, and installs nothing: for tests, which should not.
///
/// # Errors
/// What is missing, and what to do.
pub fn check_machines(archs: &[Arch]) -> Result<()> {
    let missing = missing(&machines(archs));
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "this machine lacks what the Debian packages {} bring: `{} setup` installs them",
        missing.join(" "),
        workspace::root().join("isthmus").display()
    );
}

fn machines(archs: &[Arch]) -> Vec<Purpose> {
    let both = |arch: &Arch| [Purpose::Build(*arch), Purpose::Run(*arch)];
    archs.iter().flat_map(both).collect()
}

/// Sees to it that everything is there for every command; the debugger is installed by the one that waits for it.
pub fn everything(ui: &Ui) -> Result<()> {
    let purposes: Vec<Purpose> = Arch::ALL
        .into_iter()
        .flat_map(|arch| [Purpose::Build(arch), Purpose::Run(arch)])
        .chain([Purpose::Lint])
        .collect();
    ensure(ui, &purposes)?;
    ui.say("Everything is installed.");
    Ok(())
}

/// The packages to install. The parts of the toolchain must be of one version, so where one is missing all are installed anew.
fn missing(purposes: &[Purpose]) -> Vec<&'static str> {
    let needed = |package: &&Package| purposes.iter().any(|purpose| (package.needed)(*purpose));
    let missing: Vec<&Package> = PACKAGES
        .iter()
        .filter(needed)
        .filter(|package| !package.brings.is_there())
        .collect();
    let is_toolchain = |package: &Package| matches!(package.brings, Brings::Toolchain(_));
    let renewed = missing.iter().any(|package| is_toolchain(package));
    let asked = |package: &&Package| {
        missing.iter().any(|missing| missing.name == package.name)
            || renewed && is_toolchain(package) && (package.needed)(Purpose::Build(Arch::X86_64))
    };
    PACKAGES
        .iter()
        .filter(asked)
        .map(|package| package.name)
        .collect()
}

/// Recommended packages stay out: they are hundreds, and some conflict with what other people have installed.
fn install(packages: &[&str]) -> Result<()> {
    apt(&[&["install", "-y", "--no-install-recommends"][..], packages].concat())
}

/// Runs apt-get as root. It may ask for a password, so it stays in the terminal's own process group.
fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else if find_program("sudo".as_ref()).is_some() {
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    } else {
        bail!(
            "not allowed to install packages, and there is no sudo: run `apt-get {}` as root",
            arguments.join(" ")
        );
    };
    let output = command
        .arg("-qq")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::inherit())
        .output();
    let output = output.context("apt-get cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`apt-get {}` failed:\n{}",
            arguments.join(" "),
            crate::run::tail(&said)
        );
    }
    Ok(())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // Every process owns its own folder there.
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|process| process.uid() == 0)
}
