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
static BUILT: Mutex<BTreeMap<(PathBuf, String, Arch), SystemImage>> = Mutex::new(BTreeMap::new());

/// The images of a description, with what the test adds to it, for machines of `archs`, in their order, with the release kernel.
pub(crate) fn images(
    description: &Path,
    added: &str,
    archs: &[Arch],
) -> Result<Vec<SystemImage>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("{error:#}"));
    // A test that panicked while it built has left whole entries only.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let project = Project::here().map_err(|error| failed(&error))?;
    let file = project.system(Some(description));
    let key = |arch: Arch| (file.clone(), added.to_owned(), arch);
    let missing = |arch: &&Arch| !built.contains_key(&key(**arch));
    let missing: Vec<Arch> = archs.iter().filter(missing).copied().collect();
    if !missing.is_empty() {
        let made = make(project, &file, added, &missing).map_err(|error| failed(&error))?;
        built.extend(made.into_iter().map(|(arch, image)| (key(arch), image)));
    }
    Ok(archs
        .iter()
        .map(|arch| built[&key(*arch)].clone())
        .collect())
}

fn make(
    project: Project,
    file: &Path,
    added: &str,
    archs: &[Arch],
) -> Result<BTreeMap<Arch, SystemImage>, Box<dyn std::error::Error>> {
    setup::check_machines(archs)?;
    let text = std::fs::read_to_string(file).map_err(|error| {
        format!(
            "the system description {} cannot be read: {error}",
            file.display()
        )
    })?;
    // Images lie in folders by the system's name: one with additions has another.
    let system = System::of_text(&(text + added), &file.display().to_string())?;
    let system = if added.is_empty() {
        system
    } else {
        system.variant("with-agents")
    };
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
