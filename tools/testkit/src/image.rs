//! What `./isthmus build` made, as machines and log decoders want it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use qemu_machines::{Arch, Image};

use crate::failure::Failure;
use crate::logs::Programs;

/// A bootable system for one architecture, in a folder:
///
/// | file | what |
/// |---|---|
/// | `kernel.elf32`, `root-task.elf` | x86_64: the kernel, and the root task with the archive |
/// | `isthmus.elf` | aarch64: the loader with both inside |
/// | `programs/` | the components' ELFs with all that debuggers and log decoders want |
#[derive(Clone, Debug)]
pub struct SystemImage {
    image: Image,
    programs: Arc<Programs>,
}

impl SystemImage {
    /// The components' ELFs.
    pub const PROGRAMS: &str = isthmus_build::PROGRAMS;

    /// The files that a machine of `arch` boots from `folder`, whether they are there or not.
    #[must_use]
    pub fn files(arch: Arch, folder: &Path) -> Image {
        isthmus_build::in_folder(arch, folder)
    }

    /// The system in `folder`.
    ///
    /// # Errors
    /// If it is not whole, with what is missing.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let whole = |arch: &Arch| {
            Self::files(*arch, folder)
                .files()
                .iter()
                .all(|file| file.is_file())
        };
        let Some(arch) = Arch::ALL.into_iter().find(whole) else {
            return Err(Failure::new(format!(
                "{} holds no bootable system: make one with `./isthmus build --out {}`",
                folder.display(),
                folder.display()
            )));
        };
        let programs = Arc::new(Programs::open(&folder.join(Self::PROGRAMS))?);
        Ok(Self {
            image: Self::files(arch, folder),
            programs,
        })
    }

    /// What QEMU boots.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// For which machine.
    #[must_use]
    pub fn arch(&self) -> Arch {
        self.image.arch()
    }

    /// What decodes its logs.
    #[must_use]
    pub fn programs(&self) -> &Arc<Programs> {
        &self.programs
    }
}

/// All regular files in `folder`.
pub(crate) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| {
        Failure::new(format!(
            "the folder {} cannot be read: {error}",
            folder.display()
        ))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
