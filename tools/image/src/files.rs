//! The files of an image, with the command that boots them.

use std::path::Path;

use qemu_machines::{Arch, Image, Machine};

use crate::Error;

const KERNEL: &str = "kernel.elf32";
const ROOT_TASK: &str = "root-task.elf";
const WHOLE: &str = "isthmus.elf";
const SCRIPT: &str = "run.sh";
/// The folder beside an image with its programs, with all that debuggers and log decoders want.
pub const PROGRAMS: &str = "programs";

/// What a machine of `arch` boots, by the names that it has in every folder of an image.
fn image(arch: Arch) -> Image {
    match arch {
        Arch::X86_64 => Image::X86_64 {
            kernel: KERNEL.into(),
            root_task: ROOT_TASK.into(),
        },
        Arch::Aarch64 => Image::Aarch64 {
            loader: WHOLE.into(),
        },
    }
}

/// What a machine of `arch` boots from `folder`, whether it is there or not.
#[must_use]
pub fn in_folder(arch: Arch, folder: &Path) -> Image {
    image(arch).in_folder(folder)
}

/// An image: its files, in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    image: Image,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Files {
    pub(crate) fn x86_64(kernel: &[u8], root_task: Vec<u8>) -> Self {
        Self::with_script(
            image(Arch::X86_64),
            vec![(KERNEL, kernel.to_vec()), (ROOT_TASK, root_task)],
        )
    }

    pub(crate) fn aarch64(whole: Vec<u8>) -> Self {
        Self::with_script(image(Arch::Aarch64), vec![(WHOLE, whole)])
    }

    fn with_script(image: Image, mut files: Vec<(&'static str, Vec<u8>)>) -> Self {
        let command = Machine::new(image.clone()).command_line();
        let script = format!(
            "#!/bin/sh\n\
             # Boots this image as one machine, on standard input and output; Ctrl-C ends it.\n\
             # Further arguments go to QEMU: a network card, other machine facts (-fw_cfg), more memory.\n\
             cd \"$(dirname \"$0\")\" || exit 1\n\
             exec {command} \"$@\"\n"
        );
        files.push((SCRIPT, script.into_bytes()));
        Self { image, files }
    }

    /// Names and contents.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.files
            .iter()
            .map(|(name, bytes)| (*name, bytes.as_slice()))
    }

    /// Writes them all into `folder`, which is made if it is not there. Returns what a machine boots from.
    pub fn write_to(&self, folder: &Path) -> Result<Image, Error> {
        let failed = |file: &Path| {
            let file = file.display().to_string();
            move |reason| Error::Write { file, reason }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        for (name, bytes) in self.iter() {
            let path = folder.join(name);
            replace(&path, bytes, mode(name)).map_err(failed(&path))?;
        }
        Ok(self.image.in_folder(folder))
    }
}

fn mode(name: &str) -> u32 {
    if name == SCRIPT { 0o755 } else { 0o644 }
}

/// Puts a new file in the place of an old one, which lives on for who has it open: QEMU maps the images that it boots, and
/// would die if one changed under it.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    std::fs::write(&fresh, bytes)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(mode))?;
    std::fs::rename(&fresh, path)
}
