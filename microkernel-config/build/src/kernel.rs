//! The build from end to end: what must be rebuilt, where it is done, how the result appears whole or not at all.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::config::Configuration;
use crate::generate::TREE;
use crate::headers::PREFIX;
use crate::patch::Patch;
use crate::source::{self, Source};
use crate::stamp::Stamp;
use crate::tools::Tools;
use crate::{Arch, Error, Profile, compile, generate, headers};

/// The stamp's file in a prefix. It is there exactly when the prefix is whole, and changes exactly when the prefix changes.
const STAMP: &str = "stamp";

/// Is told what the build is doing.
pub trait Progress {
    /// A step begins. `text` says what, for a person.
    fn step(&mut self, text: &str);
    /// Something worth knowing that is no error, such as the compiler's warnings.
    fn note(&mut self, _text: &str) {}
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn step(&mut self, _text: &str) {}
}

/// One kernel that can be built.
#[derive(Clone, Debug)]
pub struct Kernel {
    arch: Arch,
    profile: Profile,
    left_out: Vec<String>,
    home: PathBuf,
    /// Whose Cargo.lock says which source it is: this package's workspace, or one that uses it.
    locked_by: PathBuf,
}

/// A built kernel and what user space is built against. The layout is in `docs/kernel-build.md`.
#[derive(Clone, Debug)]
pub struct Prefix {
    path: PathBuf,
    fresh: bool,
}

impl Prefix {
    /// The folder: what `SEL4_PREFIX` must be set to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kernel as 64-bit ELF.
    pub fn kernel(&self) -> PathBuf {
        self.path.join("kernel.elf")
    }

    /// What QEMU's `-kernel` takes on x86_64: the kernel as 32-bit ELF.
    pub fn kernel_elf32(&self) -> PathBuf {
        self.path.join("kernel.elf32")
    }

    /// Whether this call built it, or found it as it should be.
    pub fn was_built(&self) -> bool {
        self.fresh
    }
}

impl Kernel {
    /// The kernel for an architecture, with every patch.
    pub fn new(arch: Arch, profile: Profile) -> Kernel {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Kernel {
            arch,
            profile,
            left_out: Vec::new(),
            locked_by: home.join("build/Cargo.toml"),
            home,
        }
    }

    /// Takes the source that the Cargo.lock of another workspace names, which uses this package (as `isthmus-testkit` does).
    pub fn locked_by(mut self, workspace: &Path) -> Kernel {
        self.locked_by = workspace.join("Cargo.toml");
        self
    }

    /// Leaves one patch out, so that its test can be seen to fail.
    pub fn without_patch(mut self, name: &str) -> Kernel {
        self.left_out.push(name.to_owned());
        self.left_out.sort();
        self.left_out.dedup();
        self
    }

    /// The prefix's name in the output folder.
    pub fn name(&self) -> String {
        let mut name = format!("{}-{}", self.arch, self.profile);
        for patch in &self.left_out {
            name.push_str("-without-");
            name.push_str(patch);
        }
        name
    }

    /// Builds `<out>/<arch>-<profile>/`, or finds that it is already what it should be.
    ///
    /// Builds of the same kernel into the same folder wait for each other. The prefix appears by a rename: a build that is
    /// interrupted leaves the old prefix, or none.
    pub fn build(&self, out: &Path, progress: &mut dyn Progress) -> Result<Prefix, Error> {
        let config = Configuration::load(&self.home.join("configs"), self.arch, self.profile)?;
        let patches = self.patches()?;
        std::fs::create_dir_all(out).map_err(Error::io(out))?;
        let out = &out.canonicalize().map_err(Error::io(out))?;
        let path = out.join(self.name());
        let _lock = lock(&out.join(format!("{}.lock", self.name())))?;

        let source = Source::locate(&self.locked_by)?;
        let version = source.version()?;
        if version != config.build.version {
            return Err(Error::Version {
                expected: config.build.version.clone(),
                found: version,
            });
        }
        let work = out.join(format!("{}.work", self.name()));
        remove(&work)?;
        std::fs::create_dir_all(&work).map_err(Error::io(&work))?;
        let result = self.build_in(&work, &path, &config, &source, &patches, progress);
        // After an error the work folder stays, to be looked at; the next build removes it.
        if result.is_ok() {
            remove(&work)?;
        }
        Ok(Prefix {
            path,
            fresh: result?,
        })
    }

    /// The patches that are applied, in order.
    fn patches(&self) -> Result<Vec<Patch>, Error> {
        let mut patches = Patch::load_all(&self.home.join("patches"))?;
        for name in &self.left_out {
            if !patches.iter().any(|patch| &patch.name == name) {
                let known: Vec<String> = patches.into_iter().map(|patch| patch.name).collect();
                return Err(Error::UnknownPatch {
                    name: name.clone(),
                    known: known.join(", "),
                });
            }
        }
        patches.retain(|patch| !self.left_out.contains(&patch.name));
        Ok(patches)
    }

    /// Builds in the work folder and moves the prefix to its place; says whether anything had to be built.
    fn build_in(
        &self,
        work: &Path,
        path: &Path,
        config: &Configuration,
        source: &Source,
        patches: &[Patch],
        progress: &mut dyn Progress,
    ) -> Result<bool, Error> {
        let tools = Tools::find(&config.build, work)?;
        let files = source.files()?;
        let overlay = self.overlay(config)?;
        let stamp = self.stamp(&tools, config, source, &files, &overlay, patches)?;
        if std::fs::read_to_string(path.join(STAMP)).is_ok_and(|old| old == stamp) {
            return Ok(false);
        }
        progress.step(&format!(
            "seL4 {} {}: preparing the source",
            config.build.version,
            self.name()
        ));
        let tree = work.join(TREE);
        source::copy(source.path(), &files, &tree)?;
        for file in &config.build.remove {
            let file = tree.join(file);
            std::fs::remove_file(&file).map_err(Error::io(&file))?;
        }
        if let Some((folder, files)) = &overlay {
            source::copy(folder, files, &tree)?;
        }
        for patch in patches {
            patch.apply(&tree)?;
        }
        progress.step(&format!(
            "seL4 {} {}: generating headers",
            config.build.version,
            self.name()
        ));
        let prefix = work.join(PREFIX);
        std::fs::create_dir_all(&prefix).map_err(Error::io(&prefix))?;
        generate::kernel_headers(&tools, config, work)?;
        headers::user_headers(&tools, config, work)?;
        progress.step(&format!(
            "seL4 {} {}: compiling",
            config.build.version,
            self.name()
        ));
        let warnings = compile::kernel(&tools, config, work)?;
        if !warnings.is_empty() {
            progress.note(&warnings);
        }
        for (name, text) in [("config.json", config.json()), (STAMP, stamp)] {
            let file = prefix.join(name);
            std::fs::write(&file, text).map_err(Error::io(&file))?;
        }
        // The old prefix leaves its place before it is taken apart, so that it is never seen half removed.
        if path.exists() {
            let old = work.join("old");
            std::fs::rename(path, &old).map_err(Error::io(path))?;
        }
        std::fs::rename(&prefix, path).map_err(Error::io(path))?;
        Ok(true)
    }

    /// Our own platform files, when the configuration names any.
    fn overlay(&self, config: &Configuration) -> Result<Option<(PathBuf, Vec<PathBuf>)>, Error> {
        let Some(name) = &config.build.overlay else {
            return Ok(None);
        };
        let folder = self.home.join(name);
        let mut files = Vec::new();
        source::list(&folder, Path::new(""), &mut files)?;
        files.sort();
        Ok(Some((folder, files)))
    }

    fn stamp(
        &self,
        tools: &Tools,
        config: &Configuration,
        source: &Source,
        files: &[PathBuf],
        overlay: &Option<(PathBuf, Vec<PathBuf>)>,
        patches: &[Patch],
    ) -> Result<String, Error> {
        let mut stamp = Stamp::new();
        for version in tools.versions()? {
            stamp.add("tool", version.as_bytes());
        }
        for (name, text) in &config.files {
            stamp.add(&name.to_string_lossy(), text.as_bytes());
        }
        for patch in patches {
            stamp.add(&patch.name, patch.text.as_bytes());
        }
        stamp.add_files(source.path(), files)?;
        if let Some((folder, files)) = overlay {
            stamp.add_files(folder, files)?;
        }
        Ok(stamp.finish())
    }
}

/// Waits for other builds of the same kernel. The lock goes with the returned file.
fn lock(path: &Path) -> Result<File, Error> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(Error::io(path))?;
    file.lock().map_err(Error::io(path))?;
    Ok(file)
}

fn remove(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::Io {
            path: folder.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}
