//! The compiler for the machines' programs: Debian's, which brings the source of `core`.
//!
//! A target specification is derived from the compiler's own for a bare machine, so that it survives a new compiler: user-space programs, linked
//! statically at fixed addresses, with thread-locals, hardware floating point, and a build id.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use qemu_machines::Arch;
use serde_json::{Value, json};

use crate::workspace;

/// Where cargo and rustc for the machines' programs are.
#[derive(Clone, Debug)]
pub struct Toolchain {
    bin: PathBuf,
}

/// Debian's `lld`: its rustc brings none, `rust-lld` being a link to a package that it does not install.
pub const LINKER: &str = "ld.lld";

/// What a toolchain consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// rustc.
    Compiler,
    /// cargo.
    Cargo,
    /// The source of `core`.
    Library,
    /// cargo-clippy.
    Clippy,
}

/// Rust 1.`minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    minor: u32,
}

impl Version {
    /// From "rustc 1.96.0 (...)", "cargo 1.96.0", "clippy 0.1.96".
    fn of_program(text: &str) -> Option<Self> {
        let number = text.split_whitespace().nth(1)?;
        let number = number.strip_prefix("0.").unwrap_or(number);
        let minor = number.strip_prefix("1.")?.split(['.', '-']).next()?;
        Some(Self {
            minor: minor.parse().ok()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}

/// What programs are compiled for.
#[derive(Clone, Debug)]
pub struct Target {
    /// The compiler's own name of it, or the file of its specification.
    name: PathBuf,
    /// The libraries that are compiled from source.
    libraries: &'static str,
}

impl Target {
    /// What is compiled before there is a kernel: the boot loader, which has no heap.
    pub fn bare(name: &str) -> Self {
        Self {
            name: name.into(),
            libraries: "-Zbuild-std=core,compiler_builtins",
        }
    }

    fn user_space(file: PathBuf) -> Self {
        Self {
            name: file,
            libraries: "-Zbuild-std=core,alloc,compiler_builtins",
        }
    }

    /// What Cargo calls its folder.
    pub fn folder(&self) -> &OsStr {
        self.name.file_stem().unwrap_or_default()
    }
}

/// What a program's own environment may not bring into a build that must give the same bytes everywhere.
const NOT_INHERITED: [&str; 9] = [
    "CARGO",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    // `cargo test` points it to the libraries of another compiler.
    "LD_LIBRARY_PATH",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
];

impl Toolchain {
    /// Chooses another toolchain, by its folder of programs; it must bring the source of `core`.
    pub const VARIABLE: &str = "ISTHMUS_TOOLCHAIN_BIN";

    /// The first whose Cargo takes target specifications as we give them.
    pub const OLDEST: Version = Version { minor: 96 };

    const DEFAULT: &str = "/usr/bin";

    /// The one that the user chose, or Debian's.
    pub fn chosen() -> Self {
        Self {
            bin: std::env::var_os(Self::VARIABLE)
                .map_or_else(|| Self::DEFAULT.into(), PathBuf::from),
        }
    }

    /// Whether it is Debian's.
    pub fn is_default(&self) -> bool {
        self.bin == Path::new(Self::DEFAULT)
    }

    /// One of its programs.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Whether a part is there, and of the compiler's version.
    pub fn has(&self, part: Part) -> bool {
        let Some(compiler) = self.version("rustc") else {
            return false;
        };
        // What the user chose is the user's business.
        let new_enough = compiler >= Self::OLDEST || !self.is_default();
        let same = |tool: &str| self.version(tool) == Some(compiler);
        new_enough
            && match part {
                Part::Compiler => true,
                Part::Cargo => same("cargo"),
                Part::Clippy => same("cargo-clippy"),
                Part::Library => self.has_library(compiler),
            }
    }

    /// Whether the source of `core` is there. Debian's is in a folder that has the version in its name.
    fn has_library(&self, compiler: Version) -> bool {
        let Ok(sysroot) = self.rustc(&["--print", "sysroot"]) else {
            return false;
        };
        let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core");
        let folder = format!("rustc-{compiler}.");
        let of_version = |path: PathBuf| path.to_string_lossy().contains(&folder);
        library.is_dir() && (!self.is_default() || library.canonicalize().is_ok_and(of_version))
    }

    /// The version that one of the programs tells.
    fn version(&self, tool: &str) -> Option<Version> {
        let output = Command::new(self.tool(tool))
            .arg("--version")
            .output()
            .ok()?;
        Version::of_program(&String::from_utf8_lossy(&output.stdout))
    }

    /// What rustc answers.
    fn rustc(&self, arguments: &[&str]) -> Result<String> {
        let rustc = self.tool("rustc");
        let output = Command::new(&rustc)
            .args(arguments)
            .env("RUSTC_BOOTSTRAP", "1")
            .output();
        let output = output.with_context(|| format!("{} cannot be started", rustc.display()))?;
        if !output.status.success() {
            bail!(
                "`{} {}` failed:\n{}",
                rustc.display(),
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Writes the specification of our target.
    pub fn target(&self, arch: Arch) -> Result<Target> {
        let bare = match arch {
            Arch::X86_64 => "x86_64-unknown-none",
            Arch::Aarch64 => "aarch64-unknown-none",
        };
        let text = self.rustc(&[
            "-Zunstable-options",
            "--print",
            "target-spec-json",
            "--target",
            bare,
        ])?;
        let spec =
            serde_json::from_str(&text).context("rustc's target specification is no JSON")?;
        let spec = user_space(arch, spec)?;
        let path = workspace::built().join(format!("targets/{arch}-isthmus.json"));
        workspace::write_if_changed(&path, format!("{spec:#}\n").as_bytes())?;
        Ok(Target::user_space(path))
    }

    /// Cargo for a target, in the workspace at `root`, with `core` compiled from source.
    pub fn cargo(&self, verb: &str, root: &Path, target: &Target, target_dir: &Path) -> Command {
        let mut command = self.command("cargo", verb, target, target_dir);
        command.current_dir(root);
        command
    }

    /// clippy for a target. Cargo would look for it in its own folder first, and find rustup's.
    pub fn clippy(&self, target: &Target, target_dir: &Path) -> Command {
        let mut command = self.command("cargo-clippy", "clippy", target, target_dir);
        command.env("CARGO", self.tool("cargo"));
        command
    }

    fn command(&self, program: &str, verb: &str, target: &Target, target_dir: &Path) -> Command {
        let mut command = Command::new(self.tool(program));
        command.current_dir(workspace::root()).arg(verb);
        command
            .arg(target.libraries)
            .args([
                "-Zbuild-std-features=compiler-builtins-mem",
                "-Zjson-target-spec",
            ])
            .arg("--target")
            .arg(&target.name)
            .arg("--target-dir")
            .arg(target_dir);
        for variable in NOT_INHERITED {
            command.env_remove(variable);
        }
        command
            .env("RUSTC", self.tool("rustc"))
            .env("RUSTDOC", self.tool("rustdoc"))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("DEFMT_LOG", log_level())
            // For the boot loader's target, which is built into the compiler; ours name it themselves.
            .env("CARGO_TARGET_AARCH64_UNKNOWN_NONE_LINKER", LINKER)
            // The ciphers' vector code makes the kernel switch vector registers for whoever seals a frame, and works on four blocks where a
            // message has two.
            .env("CARGO_TARGET_X86_64_ISTHMUS_RUSTFLAGS", SCALAR_CIPHERS);
        command
    }
}

/// What makes the crates of the ciphers use their portable code.
const SCALAR_CIPHERS: &str = "--cfg chacha20_force_soft --cfg poly1305_force_soft";

/// Which of their logs programs keep: what the user says (`DEFMT_LOG`, per crate if need be), else from `info` on. (defmt itself would keep
/// errors only.)
fn log_level() -> OsString {
    std::env::var_os("DEFMT_LOG").unwrap_or_else(|| "info".into())
}

/// Makes a specification for user space out of the compiler's own for a bare machine.
fn user_space(arch: Arch, bare: Value) -> Result<Value> {
    let Value::Object(mut spec) = bare else {
        bail!("rustc's target specification is no JSON object");
    };
    // What makes the bare machine's programs movable, or forbids floating point; and words about that target.
    for key in [
        "code-model",
        "metadata",
        "plt-by-default",
        "position-independent-executables",
        "relro-level",
        "rustc-abi",
        "static-position-independent-executables",
        "supported-sanitizers",
    ] {
        spec.remove(key);
    }
    let features = match arch {
        // SSE2 is part of the baseline; the bare target's features switch it off for the sake of interrupt handlers.
        Arch::X86_64 => "",
        // Without the bare target's `+strict-align`: user space runs with the MMU on.
        Arch::Aarch64 => "+v8a,+neon",
    };
    let mut link_arguments = spec
        .get("pre-link-args")
        .cloned()
        .unwrap_or_else(|| json!({}));
    for flavour in ["gnu", "gnu-lld"] {
        let arguments = link_arguments
            .get(flavour)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        // The log decoder and the archive tell programs apart by it.
        link_arguments[flavour] = arguments
            .into_iter()
            .chain([json!("--build-id=sha1")])
            .collect();
    }
    for (key, value) in [
        ("features", json!(features)),
        ("has-thread-local", json!(true)),
        ("linker", json!(LINKER)),
        ("linker-flavor", json!("gnu-lld")),
        // Integer code that copies through vector registers makes the kernel switch them at each call (`docs/kernel.md`). Floating point that
        // a program asks for it gets.
        ("llvm-args", json!(["-force-attribute=noimplicitfloat"])),
        ("os", json!("none")),
        ("panic-strategy", json!("abort")),
        ("pre-link-args", link_arguments),
        ("relocation-model", json!("static")),
        ("tls-model", json!("local-exec")),
    ] {
        spec.insert(key.to_owned(), value);
    }
    if arch == Arch::X86_64 {
        // Programs are linked in the lowest 2 GiB.
        spec.insert("code-model".to_owned(), json!("small"));
    }
    Ok(Value::Object(spec))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare() -> Value {
        json!({
            "code-model": "kernel",
            "features": "-sse,+soft-float",
            "llvm-target": "x86_64-unknown-none-elf",
            "position-independent-executables": true,
            "pre-link-args": { "gnu-lld": ["--fix"] },
            "rustc-abi": "softfloat",
        })
    }

    #[test]
    fn user_space_is_static_and_has_floating_point() {
        let spec = user_space(Arch::X86_64, bare()).expect("an object");
        assert_eq!(spec["features"], "");
        assert_eq!(spec["code-model"], "small");
        assert_eq!(spec["relocation-model"], "static");
        assert_eq!(spec["llvm-target"], "x86_64-unknown-none-elf");
        assert!(
            spec.get("rustc-abi").is_none()
                && spec.get("position-independent-executables").is_none()
        );
    }

    #[test]
    fn versions_are_read_as_each_tool_tells_them() {
        for text in [
            "rustc 1.96.0 (ac68faa20 2026-05-25)",
            "cargo 1.96.1-beta",
            "clippy 0.1.96 (ac68faa20c 2026)",
        ] {
            assert_eq!(
                Version::of_program(text),
                Some(Version { minor: 96 }),
                "{text}"
            );
        }
        assert_eq!(Version::of_program("rustc"), None);
        assert_eq!(Toolchain::OLDEST.to_string(), "1.96");
    }

    #[test]
    fn link_arguments_are_added_to() {
        let spec = user_space(Arch::Aarch64, bare()).expect("an object");
        assert_eq!(
            spec["pre-link-args"]["gnu-lld"],
            json!(["--fix", "--build-id=sha1"])
        );
        assert_eq!(spec["pre-link-args"]["gnu"], json!(["--build-id=sha1"]));
        assert!(spec.get("code-model").is_none());
    }

    #[test]
    fn what_is_no_specification_is_refused() {
        assert!(user_space(Arch::X86_64, json!([])).is_err());
    }
}
