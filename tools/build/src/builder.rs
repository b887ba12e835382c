//! From a description to images that boot: the kernel, the programs, the archive.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use isthmus_image::{Kernel as BootKernel, PROGRAMS, Parts};
use microkernel_config::{Kernel, Prefix, Profile, Progress};
use qemu_machines::{Arch, Image};

use crate::programs::{Compiler, Sources};
use crate::setup::{self, Purpose};
use crate::system::{ROOT_TASK, System};
use crate::ui::{Step, Ui};
use crate::workspace::{self, Project};

/// Shows the kernel's build.
struct KernelProgress<'a> {
    ui: &'a Ui,
    step: &'a Step,
}

impl Progress for KernelProgress<'_> {
    fn step(&mut self, text: &str) {
        self.step.detail(text);
    }

    fn note(&mut self, text: &str) {
        self.ui.say(text);
    }
}

/// Builds a kernel.
pub fn kernel(ui: &Ui, kernel: &Kernel) -> Result<Prefix> {
    let what = format!("kernel {}", kernel.name());
    Ok(ui.step(&what, |step| {
        kernel.build(&workspace::kernels(), &mut KernelProgress { ui, step })
    })?)
}

/// The kernel library's name for an architecture.
pub fn kernel_arch(arch: Arch) -> microkernel_config::Arch {
    match arch {
        Arch::X86_64 => microkernel_config::Arch::X86_64,
        Arch::Aarch64 => microkernel_config::Arch::Aarch64,
    }
}

/// Builds images, and what they are made of no more than once.
pub struct Builder<'a> {
    ui: &'a Ui,
    project: Project,
    sources: Sources,
    profile: Profile,
    kernels: BTreeMap<Arch, (Prefix, String)>,
    /// What was compiled already.
    compiled: RefCell<BTreeMap<(Arch, String), PathBuf>>,
}

impl<'a> Builder<'a> {
    /// For this checkout's systems on machines of `archs`, with the kernel of `profile`. Installs what building takes.
    ///
    /// # Errors
    /// What is missing and cannot be installed; what the kernel's build says.
    pub fn new(
        ui: &'a Ui,
        archs: impl IntoIterator<Item = Arch>,
        profile: Profile,
    ) -> Result<Self> {
        let archs: BTreeSet<Arch> = archs.into_iter().collect();
        let purposes: Vec<Purpose> = archs.iter().map(|arch| Purpose::Build(*arch)).collect();
        setup::ensure(ui, &purposes)?;
        Self::for_project(ui, Project::checkout(), archs, profile)
    }

    /// For the systems of `project`. Installs nothing: see [`setup`].
    ///
    /// # Errors
    /// What the kernel's build says.
    pub fn for_project(
        ui: &'a Ui,
        project: Project,
        archs: impl IntoIterator<Item = Arch>,
        profile: Profile,
    ) -> Result<Self> {
        let archs: BTreeSet<Arch> = archs.into_iter().collect();
        let mut kernels = BTreeMap::new();
        for arch in archs {
            let mut wanted = Kernel::new(kernel_arch(arch), profile);
            if project.is_users() {
                wanted = wanted.locked_by(project.root());
            }
            kernels.insert(arch, (kernel(ui, &wanted)?, wanted.name()));
        }
        Ok(Self {
            ui,
            sources: Sources::of_project(&project)?,
            project,
            profile,
            kernels,
            compiled: RefCell::default(),
        })
    }

    /// Compiles for one of the architectures.
    pub fn compiler(&self, arch: Arch) -> Result<Compiler<'_>> {
        let (prefix, name) = self
            .kernels
            .get(&arch)
            .with_context(|| format!("no kernel was built for {arch}"))?;
        Compiler::new(arch, prefix, name)
    }

    /// The kernel's ELF, with its symbols.
    pub fn kernel(&self, arch: Arch) -> Option<PathBuf> {
        self.kernels.get(&arch).map(|(prefix, _)| prefix.kernel())
    }

    /// Compiles the programs of several systems at once, which is quicker than one after the other.
    pub fn compile_for(&self, arch: Arch, systems: &[System]) -> Result<()> {
        let programs = systems.iter().flat_map(System::all_programs).collect();
        self.compile(arch, &programs).map(drop)
    }

    /// Compiles the programs that were not compiled before, and says where all are.
    fn compile(
        &self,
        arch: Arch,
        programs: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, PathBuf>> {
        let mut compiled = self.compiled.borrow_mut();
        let known = |program: &&String| compiled.contains_key(&(arch, (*program).clone()));
        let new: BTreeSet<String> = programs
            .iter()
            .filter(|program| !known(program))
            .cloned()
            .collect();
        if !new.is_empty() {
            let elves = self.compiler(arch)?.build(self.ui, &self.sources, &new)?;
            compiled.extend(
                elves
                    .into_iter()
                    .map(|(program, elf)| ((arch, program), elf)),
            );
        }
        let found =
            |program: &String| (program.clone(), compiled[&(arch, program.clone())].clone());
        Ok(programs.iter().map(found).collect())
    }

    /// Builds the system's image for `arch` among the project's images, and says in which folder.
    ///
    /// # Errors
    /// What the compiler says; what does not fit.
    pub fn standard_image(&self, system: &System, arch: Arch) -> Result<PathBuf> {
        let folder = self.folder(system.name(), arch);
        self.image(system, arch, &folder)?;
        Ok(folder)
    }

    fn folder(&self, name: &str, arch: Arch) -> PathBuf {
        self.project
            .images()
            .join(format!("{name}-{arch}-{}", self.profile))
    }

    /// Builds an image in which `program` is the root task, and there is nothing else; says in which folder.
    ///
    /// # Errors
    /// As [`Self::standard_image`].
    pub fn bare(&self, arch: Arch, program: &str) -> Result<PathBuf> {
        let (prefix, _) = &self.kernels[&arch];
        self.bare_on(arch, program, prefix, self.folder(program, arch))
    }

    /// The same on a kernel without one of its patches. The program is that of the whole kernel: a patch changes no interface.
    ///
    /// # Errors
    /// As [`Self::standard_image`].
    pub fn bare_without_patch(&self, arch: Arch, program: &str, patch: &str) -> Result<PathBuf> {
        let wanted = Kernel::new(kernel_arch(arch), self.profile).without_patch(patch);
        let prefix = kernel(self.ui, &wanted)?;
        let folder = self
            .project
            .images()
            .join(format!("{program}-{}", wanted.name()));
        self.bare_on(arch, program, &prefix, folder)
    }

    fn bare_on(
        &self,
        arch: Arch,
        program: &str,
        prefix: &Prefix,
        folder: PathBuf,
    ) -> Result<PathBuf> {
        let compiler = self.compiler(arch)?;
        let elves = self.compile(arch, &BTreeSet::from([program.to_owned()]))?;
        let root_task = workspace::read(&elves[program])?;
        match isthmus_image::in_folder(arch, &folder) {
            Image::X86_64 {
                kernel,
                root_task: file,
            } => {
                workspace::write_if_changed(&kernel, &workspace::read(&prefix.kernel_elf32())?)?;
                workspace::write_if_changed(&file, &root_task)?;
            }
            Image::Aarch64 { loader: file } => {
                let loader = workspace::read(&compiler.loader(self.ui)?)?;
                let whole = microkernel_config::loader::assemble(
                    &loader,
                    &workspace::read(&prefix.kernel())?,
                    &root_task,
                )?;
                workspace::write_if_changed(&file, &whole)?;
            }
        }
        copy_programs(&elves, &folder.join(PROGRAMS))?;
        Ok(folder)
    }

    /// Builds the system's image for `arch` into `folder`. Who builds at the same time, in this checkout, waits.
    ///
    /// # Errors
    /// As [`Self::standard_image`].
    pub fn image(&self, system: &System, arch: Arch, folder: &Path) -> Result<()> {
        let _lock = lock()?;
        let compiler = self.compiler(arch)?;
        let elves = self.compile(arch, &system.all_programs())?;
        let root_task = workspace::read(&elves[ROOT_TASK])?;
        let mut components = BTreeMap::new();
        for component in &system.plan.components {
            let elf = workspace::read(&elves[component.program.as_str()])?;
            components.insert(component.program.clone(), elf);
        }
        let (prefix, _) = &self.kernels[&arch];
        let kernel = match arch {
            Arch::X86_64 => (workspace::read(&prefix.kernel_elf32())?, None),
            Arch::Aarch64 => (
                workspace::read(&prefix.kernel())?,
                Some(workspace::read(&compiler.loader(self.ui)?)?),
            ),
        };
        let parts = Parts {
            kernel: match &kernel {
                (elf, Some(loader)) => BootKernel::Aarch64 { elf, loader },
                (elf32, None) => BootKernel::X86_64 { elf32 },
            },
            root_task: &root_task,
            plan: &system.plan,
            programs: components
                .iter()
                .map(|(name, elf)| (name.clone(), elf.as_slice()))
                .collect(),
            memory_mib: isthmus_image::DEFAULT_MEMORY_MIB,
        };
        let files = self.ui.step("putting the image together", |_| {
            isthmus_image::build(&parts)
        })?;
        files.write_to(folder)?;
        copy_programs(&elves, &folder.join(PROGRAMS))
    }
}

/// Images of users' workspaces are made of programs in the checkout's own folders, where another's may have the same name. The lock goes with the file.
fn lock() -> Result<File> {
    let path = workspace::built().join("lock");
    let open = || {
        std::fs::create_dir_all(workspace::built())?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        file.lock()?;
        Ok(file)
    };
    let locked: std::io::Result<File> = open();
    locked.with_context(|| format!("{} cannot be locked", path.display()))
}

/// Puts the programs beside the image, for debuggers and log decoders, and nothing older. A file that is as it should be is left alone: a test that runs
/// meanwhile may be reading it.
fn copy_programs(elves: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<()> {
    let tidy = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if !elves.contains_key(&*entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    tidy().with_context(|| format!("{} cannot be tidied", folder.display()))?;
    elves.iter().try_for_each(|(name, elf)| {
        workspace::write_if_changed(&folder.join(name), &workspace::read(elf)?)
    })
}
