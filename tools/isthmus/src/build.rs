//! `./isthmus build`; and, for the other commands, images as machines want them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::path::PathBuf;

use anyhow::{Result, bail};
use isthmus_build::{ClusterFile, Project};
use isthmus_testkit::{Arch, SystemImage};
use microkernel_config::Profile;

pub use isthmus_build::System;

use crate::Ending;
use crate::options::{self, Machines};
use crate::setup::{self, Purpose};
use crate::ui::Ui;

/// What builds images, opened for machines and log decoders.
pub struct Builder<'a> {
    builder: isthmus_build::Builder<'a>,
    archs: BTreeSet<Arch>,
}

impl<'a> Builder<'a> {
    /// For this checkout's systems.
    pub fn new(
        ui: &'a Ui,
        archs: impl IntoIterator<Item = Arch>,
        profile: Profile,
    ) -> Result<Self> {
        let archs: BTreeSet<Arch> = archs.into_iter().collect();
        let builder = isthmus_build::Builder::new(ui, archs.iter().copied(), profile)?;
        Ok(Self { builder, archs })
    }

    /// For the systems of `project`.
    pub fn for_project(
        ui: &'a Ui,
        project: Project,
        archs: impl IntoIterator<Item = Arch>,
        profile: Profile,
    ) -> Result<Self> {
        let archs: BTreeSet<Arch> = archs.into_iter().collect();
        let all = archs.iter().copied();
        let builder = isthmus_build::Builder::for_project(ui, project, all, profile)?;
        Ok(Self { builder, archs })
    }

    /// The system's image for each of the architectures.
    pub fn images(&self, system: &System) -> Result<BTreeMap<Arch, SystemImage>> {
        self.archs
            .iter()
            .map(|arch| Ok((*arch, self.standard_image(system, *arch)?)))
            .collect()
    }

    /// The system's image for `arch`.
    pub fn standard_image(&self, system: &System, arch: Arch) -> Result<SystemImage> {
        let folder = self.builder.standard_image(system, arch)?;
        Ok(SystemImage::open(&folder)?)
    }

    /// An image in which `program` is the root task, and there is nothing else.
    pub fn bare(&self, arch: Arch, program: &str) -> Result<SystemImage> {
        Ok(SystemImage::open(&self.builder.bare(arch, program)?)?)
    }

    /// The same on a kernel without one of its patches.
    pub fn bare_without_patch(
        &self,
        arch: Arch,
        program: &str,
        patch: &str,
    ) -> Result<SystemImage> {
        let folder = self.builder.bare_without_patch(arch, program, patch)?;
        Ok(SystemImage::open(&folder)?)
    }
}

impl<'a> Deref for Builder<'a> {
    type Target = isthmus_build::Builder<'a>;

    fn deref(&self) -> &Self::Target {
        &self.builder
    }
}

/// The images that are asked for, and where each goes.
fn wanted(options: &options::Build, project: &Project) -> Result<Vec<(Arch, System, PathBuf)>> {
    let out = |name: &str| options.out.join(name);
    if let Some(file) = &options.cluster {
        let file = ClusterFile::read(&project.system(Some(file)))?;
        let machines = file.machines();
        return Ok(machines
            .map(|(machine, arch, system)| (arch, system, out(machine.name.as_str())))
            .collect());
    }
    let system = System::read(&project.system(options.system.as_deref()))?;
    let archs: BTreeSet<Arch> = options.arch.archs(2).into_iter().collect();
    let folder = |arch: Arch| match options.arch {
        Machines::Mixed => out(arch.name()),
        _ => options.out.clone(),
    };
    Ok(archs
        .into_iter()
        .map(|arch| (arch, system.clone(), folder(arch)))
        .collect())
}

/// `./isthmus build`.
pub fn command(ui: &Ui, options: &options::Build) -> Result<Ending> {
    let project = Project::here()?;
    let wanted = wanted(options, &project)?;
    let archs: BTreeSet<Arch> = wanted.iter().map(|(arch, _, _)| *arch).collect();
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Debug
    };
    if options.out.is_file() {
        bail!("{} is a file: --out takes a folder", options.out.display());
    }
    let purposes: Vec<Purpose> = archs.iter().map(|arch| Purpose::Build(*arch)).collect();
    setup::ensure(ui, &purposes)?;
    let builder = isthmus_build::Builder::for_project(ui, project, archs, profile)?;
    for (arch, system, folder) in wanted {
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
