//! From a description to images that boot: the kernel, the programs, the archive.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use isthmus_description::Plan;
use isthmus_image::{Kernel as BootKernel, Parts};
use isthmus_testkit::{Arch, SystemImage};
use microkernel_config::{Kernel, Prefix, Profile, Progress};
use qemu_machines::Image;

use crate::Ending;
use crate::options::{self, Machines};
use crate::programs::{Catalogue, Compiler};
use crate::setup::{self, Purpose};
use crate::ui::{Step, Ui};
use crate::workspace;

/// The program that the kernel starts.
const ROOT_TASK: &str = "root-task";

/// A description, compiled.
pub struct System {
    plan: Plan,
    /// The programs that it names.
    programs: BTreeSet<String>,
}

impl System {
    /// Reads and checks a description.
    pub fn read(file: &Path) -> Result<Self> {
        let file = workspace::system(file);
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("the system description {} cannot be read", file.display()))?;
        let name = file.display().to_string();
        let plan = isthmus_description::compile(&text)
            .map_err(|mistakes| anyhow!("{}", mistakes.in_file(&name)))?;
        let programs = plan
            .components
            .iter()
            .map(|component| component.program.as_str().to_owned())
            .collect();
        Ok(Self { plan, programs })
    }

    /// Every program of an image: the components' and the root task.
    fn all_programs(&self) -> BTreeSet<String> {
        let components = self.programs.iter().cloned();
        components.chain([ROOT_TASK.to_owned()]).collect()
    }

    /// The system's name.
    pub fn name(&self) -> &str {
        self.plan.name.as_str()
    }
}

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
    catalogue: Catalogue,
    profile: Profile,
    kernels: BTreeMap<Arch, (Prefix, String)>,
    /// What was compiled already.
    compiled: RefCell<BTreeMap<(Arch, String), PathBuf>>,
}

impl<'a> Builder<'a> {
    /// For machines of `archs`, with the kernel of `profile`.
    pub fn new(
        ui: &'a Ui,
        archs: impl IntoIterator<Item = Arch>,
        profile: Profile,
    ) -> Result<Self> {
        let archs: BTreeSet<Arch> = archs.into_iter().collect();
        let purposes: Vec<Purpose> = archs.iter().map(|arch| Purpose::Build(*arch)).collect();
        setup::ensure(ui, &purposes)?;
        let mut kernels = BTreeMap::new();
        for arch in archs {
            let wanted = Kernel::new(kernel_arch(arch), profile);
            kernels.insert(arch, (kernel(ui, &wanted)?, wanted.name()));
        }
        Ok(Self {
            ui,
            catalogue: Catalogue::read()?,
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
            let elves = self.compiler(arch)?.build(self.ui, &self.catalogue, &new)?;
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

    /// Builds the system's image for each of the architectures, in `target/isthmus/images`.
    pub fn images(&self, system: &System) -> Result<BTreeMap<Arch, SystemImage>> {
        self.kernels
            .keys()
            .map(|arch| Ok((*arch, self.standard_image(system, *arch)?)))
            .collect()
    }

    /// Builds the system's image for `arch`, in `target/isthmus/images`.
    pub fn standard_image(&self, system: &System, arch: Arch) -> Result<SystemImage> {
        let folder = self.folder(system.name(), arch);
        self.image(system, arch, &folder)?;
        Ok(SystemImage::open(&folder)?)
    }

    fn folder(&self, name: &str, arch: Arch) -> PathBuf {
        workspace::built().join(format!("images/{name}-{arch}-{}", self.profile))
    }

    /// Builds an image in which `program` is the root task, and there is nothing else.
    pub fn bare(&self, arch: Arch, program: &str) -> Result<SystemImage> {
        let (prefix, _) = &self.kernels[&arch];
        self.bare_on(arch, program, prefix, &self.folder(program, arch))
    }

    /// The same on a kernel without one of its patches. The program is that of the whole kernel: a patch changes no interface.
    pub fn bare_without_patch(
        &self,
        arch: Arch,
        program: &str,
        patch: &str,
    ) -> Result<SystemImage> {
        let wanted = Kernel::new(kernel_arch(arch), self.profile).without_patch(patch);
        let prefix = kernel(self.ui, &wanted)?;
        let folder = workspace::built().join(format!("images/{program}-{}", wanted.name()));
        self.bare_on(arch, program, &prefix, &folder)
    }

    fn bare_on(
        &self,
        arch: Arch,
        program: &str,
        prefix: &Prefix,
        folder: &Path,
    ) -> Result<SystemImage> {
        let compiler = self.compiler(arch)?;
        let elves = self.compile(arch, &BTreeSet::from([program.to_owned()]))?;
        let root_task = workspace::read(&elves[program])?;
        match SystemImage::files(arch, folder) {
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
        copy_programs(&elves, &folder.join(SystemImage::PROGRAMS))?;
        Ok(SystemImage::open(folder)?)
    }

    /// Builds the system's image for `arch` into `folder`.
    pub fn image(&self, system: &System, arch: Arch, folder: &Path) -> Result<()> {
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
        copy_programs(&elves, &folder.join(SystemImage::PROGRAMS))
    }
}

/// Puts the programs beside the image, for debuggers and log decoders, and nothing older.
fn copy_programs(elves: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<()> {
    let copy = || -> std::io::Result<()> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        for (name, elf) in elves {
            std::fs::copy(elf, folder.join(name))?;
        }
        Ok(())
    };
    copy().with_context(|| format!("the programs cannot be copied to {}", folder.display()))
}

/// `./isthmus build`.
pub fn command(ui: &Ui, options: &options::Build) -> Result<Ending> {
    let system = System::read(&options.system)?;
    let archs: BTreeSet<Arch> = options.arch.archs(2).into_iter().collect();
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Debug
    };
    if options.out.is_file() {
        bail!("{} is a file: --out takes a folder", options.out.display());
    }
    let builder = Builder::new(ui, archs.iter().copied(), profile)?;
    for arch in archs {
        let folder = if options.arch == Machines::Mixed {
            options.out.join(arch.name())
        } else {
            options.out.clone()
        };
        builder.image(&system, arch, &folder)?;
        let image = SystemImage::open(&folder)?;
        let line = qemu_machines::Machine::new(image.image().clone()).command_line();
        println!("{line}");
        ui.say(&format!(
            "The image of `{}` for {arch} is in {}; {}/run.sh boots it with plain QEMU, as above.",
            system.name(),
            folder.display(),
            folder.display()
        ));
    }
    Ok(Ending::Well)
}
