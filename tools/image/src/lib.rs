//! Bootable images: strips the programs, puts them and the plan into the boot archive, the archive into the root task's
//! ELF, and that beside (x86_64) or into (aarch64) what boots the kernel.
//!
//! It compiles nothing and starts nothing. The same inputs give the same bytes: no time, no path, no order of a file
//! system gets into an image. Next: `isthmus-plan`'s `archive` for the format, `root-task/root-task` for who reads it.
#![forbid(unsafe_code)]

pub mod elf;
mod error;
mod files;
mod memory;
mod root_task;

use std::collections::BTreeMap;

use isthmus_abi::Name;
use isthmus_plan::{ArchiveBuilder, Plan};

pub use elf::Program;
pub use error::{Error, Problem};
pub use files::{Files, PROGRAMS, in_folder};
pub use qemu_machines::Arch;

/// The memory of a machine, in MiB, unless its user says otherwise.
pub const DEFAULT_MEMORY_MIB: u32 = qemu_machines::Machine::DEFAULT_MEMORY_MIB;

/// What boots the kernel, by architecture.
#[derive(Clone, Copy, Debug)]
pub enum Kernel<'a> {
    /// `kernel.elf32` of the kernel's prefix.
    X86_64 {
        /// Its bytes.
        elf32: &'a [u8],
    },
    /// `kernel.elf` of the prefix, and the boot loader.
    Aarch64 {
        /// The kernel's bytes.
        elf: &'a [u8],
        /// The loader's bytes.
        loader: &'a [u8],
    },
}

impl Kernel<'_> {
    /// The architecture that it is for.
    #[must_use]
    pub const fn arch(&self) -> Arch {
        match self {
            Self::X86_64 { .. } => Arch::X86_64,
            Self::Aarch64 { .. } => Arch::Aarch64,
        }
    }
}

/// Everything that an image is made of.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    /// What boots.
    pub kernel: Kernel<'a>,
    /// The root task's ELF, with an empty archive segment.
    pub root_task: &'a [u8],
    /// The compiled description.
    pub plan: &'a Plan,
    /// The ELF of each program that the plan names; others are left out.
    pub programs: BTreeMap<Name, &'a [u8]>,
    /// The memory of the machines that it is meant for, in MiB.
    pub memory_mib: u32,
}

/// Makes the files of an image.
pub fn build(parts: &Parts<'_>) -> Result<Files, Error> {
    let archive = archive(parts)?;
    let arch = parts.kernel.arch();
    let root_task = root_task::fill(parts.root_task, arch, &archive).map_err(Error::root_task)?;
    match parts.kernel {
        Kernel::X86_64 { elf32 } => Ok(Files::x86_64(elf32, root_task)),
        Kernel::Aarch64 { elf, loader } => {
            let whole = microkernel_config::loader::assemble(loader, elf, &root_task)
                .map_err(Error::Assemble)?;
            Ok(Files::aarch64(whole))
        }
    }
}

/// The boot archive: the plan, and each program once, in the plan's order. Checked to fit the machines' memory.
pub fn archive(parts: &Parts<'_>) -> Result<Vec<u8>, Error> {
    let mut builder = ArchiveBuilder::new(parts.plan);
    let mut loaded_bytes = BTreeMap::new();
    for component in &parts.plan.components {
        let name = &component.program;
        if loaded_bytes.contains_key(name) {
            continue;
        }
        let elf = parts.programs.get(name).ok_or_else(|| Error::NoProgram {
            program: name.to_string(),
            component: component.name.to_string(),
        })?;
        let program = Program::read(elf, parts.kernel.arch())
            .map_err(|problem| Error::program(name, problem))?;
        loaded_bytes.insert(name.clone(), program.loaded_bytes);
        builder
            .program(name.clone(), &program.build_id, program.stripped)
            .map_err(|reason| Error::CannotAdd {
                program: name.to_string(),
                reason,
            })?;
    }
    let archive = builder.finish();
    let memory_bytes = u64::from(parts.memory_mib) << 20;
    memory::check(
        parts.plan,
        &loaded_bytes,
        archive.len() as u64,
        memory_bytes,
    )?;
    Ok(archive)
}
