//! Building a system for a test: the images of a description, made once in this process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use isthmus_build::ui::Ui;
use isthmus_build::{Builder, Profile, Project, System, setup};
use qemu_machines::Arch;

use crate::failure::Failure;
use crate::image::SystemImage;

/// What was built: tests of one program run at the same time, and want the same.
static BUILT: Mutex<BTreeMap<(PathBuf, Arch), SystemImage>> = Mutex::new(BTreeMap::new());

/// The images of a description for machines of `archs`, in their order, with the release kernel.
pub(crate) fn images(description: &Path, archs: &[Arch]) -> Result<Vec<SystemImage>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("{error:#}"));
    // A test that panicked while it built has left whole entries only.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let project = Project::here().map_err(|error| failed(&error))?;
    let file = project.system(Some(description));
    let missing = |arch: &&Arch| !built.contains_key(&(file.clone(), **arch));
    let missing: Vec<Arch> = archs.iter().filter(missing).copied().collect();
    if !missing.is_empty() {
        let made = make(project, &file, &missing).map_err(|error| failed(&error))?;
        built.extend(
            made.into_iter()
                .map(|(arch, image)| ((file.clone(), arch), image)),
        );
    }
    Ok(archs
        .iter()
        .map(|arch| built[&(file.clone(), *arch)].clone())
        .collect())
}

fn make(
    project: Project,
    file: &Path,
    archs: &[Arch],
) -> Result<BTreeMap<Arch, SystemImage>, Box<dyn std::error::Error>> {
    setup::check_machines(archs)?;
    let system = System::read(file)?;
    let ui = Ui::new();
    let builder = Builder::for_project(&ui, project, archs.iter().copied(), Profile::Release)?;
    let mut images = BTreeMap::new();
    for arch in archs {
        if !images.contains_key(arch) {
            let folder = builder.standard_image(&system, *arch)?;
            images.insert(*arch, SystemImage::open(&folder)?);
        }
    }
    Ok(images)
}
