//! Configuration files: TOML in, `autoconf.h` and `config.json` out.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Arch, Error, Profile};

/// The value of one kernel setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// Switched on (`#define CONFIG_X 1`) or off (not defined).
    Switch(bool),
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

/// How one architecture's kernel is put together from the tree. All paths are relative to the tree.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The seL4 version that this is for.
    pub version: String,
    /// seL4's name of the architecture family (`x86`, `arm`).
    pub arch: String,
    /// seL4's name of the architecture (`x86_64`, `aarch64`).
    pub sel4_arch: String,
    /// seL4's name of the platform.
    pub platform: String,
    /// Prefix of the compiler's and binutils' names.
    pub compiler_prefix: String,
    /// The Debian package that has them.
    pub compiler_package: String,
    /// Folder in `microkernel-config/` that is laid over the tree.
    pub overlay: Option<String>,
    /// C files, and folders that stand for the C files directly in them.
    pub sources: Vec<String>,
    /// The domain schedule's C file; comes last.
    pub domain_schedule: String,
    /// Assembly files, in link order.
    pub assembly: Vec<String>,
    /// The linker script, which still goes through the preprocessor.
    pub linker_script: String,
    /// Include folders in the tree.
    pub include_directories: Vec<String>,
    /// Include folders among the generated files.
    pub generated_include_directories: Vec<String>,
    /// Bitfield descriptions: source, and generated header without `_gen.h`.
    pub kernel_bitfields: Vec<(String, String)>,
    /// Files of the tree that must not be there.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Preprocessor definitions.
    pub defines: Vec<String>,
    /// Flags for the C compiler.
    pub cflags: Vec<String>,
    /// Flags for the assembler.
    pub assembler_flags: Vec<String>,
    /// `objcopy` format of a second, 32-bit kernel image.
    pub elf32_format: Option<String>,
}

/// One kernel's configuration: a profile's file and the base that it names.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// How it is built.
    pub build: Build,
    /// Every setting, by its name without `CONFIG_`.
    pub settings: BTreeMap<String, Setting>,
    /// The files that were read, with their text: inputs of the build.
    pub(crate) files: Vec<(PathBuf, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    base: Option<String>,
    build: Option<Build>,
    #[serde(default)]
    defines: Vec<String>,
    #[serde(default)]
    cflags: Vec<String>,
    #[serde(default)]
    settings: BTreeMap<String, Setting>,
}

/// A base may not have a base of its own: two files are as far as a reader should have to look.
const MAX_FILES: usize = 2;

impl Configuration {
    /// Reads `<directory>/<arch>-<profile>.toml` and its base.
    pub fn load(directory: &Path, arch: Arch, profile: Profile) -> Result<Configuration, Error> {
        let mut next = Some(format!("{arch}-{profile}.toml"));
        let mut files = Vec::new();
        let mut parsed = Vec::new();
        while let Some(name) = next {
            let path = directory.join(&name);
            if files.len() == MAX_FILES {
                return Err(invalid(&path, "a base cannot have a base"));
            }
            let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
            let file: File =
                toml::from_str(&text).map_err(|error| invalid(&path, &error.to_string()))?;
            next = file.base.clone();
            files.push((PathBuf::from(name), text));
            parsed.push(file);
        }
        let top = directory.join(&files[0].0);
        Self::merge(&top, parsed, files)
    }

    /// Merges from the base to the profile: the profile's settings win, its flags and definitions are added.
    fn merge(
        path: &Path,
        parsed: Vec<File>,
        files: Vec<(PathBuf, String)>,
    ) -> Result<Configuration, Error> {
        let mut build: Option<Build> = None;
        let mut settings = BTreeMap::new();
        let (mut defines, mut cflags) = (Vec::new(), Vec::new());
        for file in parsed.into_iter().rev() {
            build = file.build.or(build);
            settings.extend(file.settings);
            defines.extend(file.defines);
            cflags.extend(file.cflags);
        }
        let mut build = build.ok_or_else(|| invalid(path, "there is no [build] table"))?;
        build.defines.extend(defines);
        build.cflags.extend(cflags);
        for (name, value) in &settings {
            check_setting(name, value).map_err(|reason| invalid(path, &reason))?;
        }
        Ok(Configuration {
            build,
            settings,
            files,
        })
    }

    /// The C header with every setting that is on.
    pub fn autoconf(&self) -> String {
        let mut text = String::from(
            "/* Generated by microkernel-config from the configuration file. */\n#define AUTOCONF_INCLUDED\n",
        );
        for (name, value) in &self.settings {
            // Writing to a `String` cannot fail.
            let _ = match value {
                Setting::Switch(true) => writeln!(text, "#define CONFIG_{name} 1"),
                Setting::Switch(false) => writeln!(text, "/* CONFIG_{name} is not set */"),
                Setting::Number(number) => writeln!(text, "#define CONFIG_{name} {number}"),
                Setting::Text(value) => writeln!(text, "#define CONFIG_{name} \"{value}\""),
            };
        }
        text
    }

    /// Every setting by name, and what the bindings must know about the tree: `SEL4_VERSION`, `SEL4_ARCH`, `ARCH`, `PLAT`.
    pub fn json(&self) -> String {
        let mut all = self.settings.clone();
        for (name, value) in [
            ("SEL4_VERSION", &self.build.version),
            ("SEL4_ARCH", &self.build.sel4_arch),
            ("ARCH", &self.build.arch),
            ("PLAT", &self.build.platform),
        ] {
            all.insert(name.to_owned(), Setting::Text(value.clone()));
        }
        let mut text = serde_json::to_string_pretty(&all)
            .expect("a map from strings to scalars is always JSON");
        text.push('\n');
        text
    }
}

/// A setting becomes a line of C: neither its name nor its text may end that line or the string in it.
fn check_setting(name: &str, value: &Setting) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    // `OPTIMISATION_Os` is Kconfig's own exception.
    if name.is_empty() || !name.replace("_Os", "_OS").chars().all(plain) {
        return Err(format!(
            "`{name}` is not a setting's name: capitals, digits and `_`, without `CONFIG_`"
        ));
    }
    if name.starts_with("CONFIG_") {
        return Err(format!("`{name}`: leave out `CONFIG_`"));
    }
    match value {
        Setting::Text(text)
            if text
                .chars()
                .any(|c| c.is_control() || c == '"' || c == '\\') =>
        {
            Err(format!(
                "`{name}`: quotes, backslashes and control characters cannot be in a setting"
            ))
        }
        _ => Ok(()),
    }
}

fn invalid(path: &Path, reason: &str) -> Error {
    Error::Configuration {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"
[build]
version = "5.0.0"
arch = "x86"
sel4_arch = "x86_64"
platform = "pc99"
compiler_prefix = ""
compiler_package = "gcc"
sources = ["src"]
domain_schedule = "d.c"
assembly = []
linker_script = "l"
include_directories = []
generated_include_directories = []
kernel_bitfields = []
defines = ["A"]
cflags = ["-x"]
assembler_flags = []

[settings]
FASTPATH = true
IOMMU = false
TIME_SLICE = 5
"#;

    fn load(base: &str, top: &str) -> Result<Configuration, Error> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(dir.path().join("x86_64.toml"), base).expect("write");
        std::fs::write(dir.path().join("x86_64-debug.toml"), top).expect("write");
        Configuration::load(dir.path(), Arch::X86_64, Profile::Debug)
    }

    #[test]
    fn the_profile_wins_over_the_base_and_adds_flags() {
        let top = "base = \"x86_64.toml\"\ndefines = [\"DEBUG\"]\n[settings]\nTIME_SLICE = 9\nNAME = \"n\"\n";
        let config = load(BASE, top).expect("loads");
        assert_eq!(config.settings["TIME_SLICE"], Setting::Number(9));
        assert_eq!(config.build.defines, ["A", "DEBUG"]);
        let header = config.autoconf();
        assert!(header.contains("#define CONFIG_FASTPATH 1\n"), "{header}");
        assert!(header.contains("#define CONFIG_TIME_SLICE 9\n"), "{header}");
        assert!(header.contains("#define CONFIG_NAME \"n\"\n"), "{header}");
        assert!(!header.contains("#define CONFIG_IOMMU"), "{header}");
        let json: serde_json::Value = serde_json::from_str(&config.json()).expect("JSON");
        assert_eq!(json["IOMMU"], false);
        assert_eq!(json["TIME_SLICE"], 9);
        assert_eq!(json["SEL4_ARCH"], "x86_64");
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let error = load(BASE, "base = \"x86_64.toml\"\nsetings = 1\n").expect_err("unknown key");
        assert!(error.to_string().contains("line 2"), "{error}");
    }

    #[test]
    fn a_setting_cannot_break_out_of_its_line() {
        for bad in [
            "lower = true",
            "CONFIG_X = true",
            "X = \"a\\nb\"",
            "X = \"a\\\"b\"",
        ] {
            let error = load(
                BASE,
                &format!("base = \"x86_64.toml\"\n[settings]\n{bad}\n"),
            )
            .expect_err(bad);
            assert!(matches!(error, Error::Configuration { .. }), "{error}");
        }
    }

    #[test]
    fn a_base_of_a_base_is_refused() {
        let error = load(
            &format!("base = \"x86_64.toml\"\n{BASE}"),
            "base = \"x86_64.toml\"\n",
        )
        .expect_err("loop");
        assert!(error.to_string().contains("base"), "{error}");
    }

    #[test]
    fn the_shipped_configurations_load() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
        for arch in Arch::ALL {
            for profile in Profile::ALL {
                let config = Configuration::load(&directory, arch, profile).expect("loads");
                assert_eq!(
                    config.settings["DEBUG_BUILD"],
                    Setting::Switch(profile == Profile::Debug)
                );
                assert_eq!(config.build.sel4_arch, arch.name());
            }
        }
    }
}
