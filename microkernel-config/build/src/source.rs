//! Finds the kernel's source through Cargo, and makes the copy that is patched and built.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::Error;

/// The package that carries the whole seL4 tree. Cargo.lock holds its checksum.
const PACKAGE: &str = "sel4-sys";
/// The tree's folder in the package.
const TREE: &str = "seL4";
/// What is copied of the tree: the rest (manual, debugger macros) is no input of the build.
const PARTS: [&str; 4] = ["include", "src", "libsel4", "tools"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// The seL4 tree as Cargo unpacked it; read only.
pub(crate) struct Source {
    tree: PathBuf,
}

impl Source {
    /// Asks Cargo, which downloads the package when it is not there yet and refuses one whose checksum is not the locked one.
    ///
    /// Neither `--target` nor `--filter-platform`: no target satisfies the `cfg(any())` under which the package is named.
    pub(crate) fn locate(manifest: &Path) -> Result<Source, Error> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--manifest-path"])
            .arg(manifest)
            .output()
            .map_err(|error| Error::Source(format!("cargo does not start: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::Source(format!(
                "`cargo metadata` failed: {}",
                said.trim()
            )));
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .map_err(|error| Error::Source(format!("`cargo metadata` gave no JSON: {error}")))?;
        let package = metadata
            .packages
            .into_iter()
            .find(|package| package.name == PACKAGE)
            .ok_or_else(|| {
                Error::Source(format!(
                    "`cargo metadata` does not know the package {PACKAGE}"
                ))
            })?;
        let tree = package.manifest_path.with_file_name(TREE);
        if !tree.is_dir() {
            return Err(Error::Source(format!(
                "the package {PACKAGE} has no folder {TREE}"
            )));
        }
        Ok(Source { tree })
    }

    /// The version that the tree gives itself.
    pub(crate) fn version(&self) -> Result<String, Error> {
        let path = self.tree.join("VERSION");
        Ok(std::fs::read_to_string(&path)
            .map_err(Error::io(&path))?
            .trim()
            .to_owned())
    }

    /// Every file that is copied, relative to the tree, in byte order.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for part in PARTS {
            list(&self.tree, Path::new(part), &mut files)?;
        }
        files.sort();
        Ok(files)
    }

    /// The tree's folder.
    pub(crate) fn path(&self) -> &Path {
        &self.tree
    }
}

/// Appends every file under `root/folder` to `files`, relative to `root`.
pub(crate) fn list(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let path = root.join(folder);
    for entry in std::fs::read_dir(&path).map_err(Error::io(&path))? {
        let entry = entry.map_err(Error::io(&path))?;
        let kind = entry.file_type().map_err(Error::io(&path))?;
        let relative = folder.join(entry.file_name());
        if kind.is_dir() {
            list(root, &relative, files)?;
        } else {
            files.push(relative);
        }
    }
    Ok(())
}

/// Copies files (relative to `from`) into `to`; the copies are writable whatever the originals are.
pub(crate) fn copy(from: &Path, files: &[PathBuf], to: &Path) -> Result<(), Error> {
    for file in files {
        let target = to.join(file);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        let origin = from.join(file);
        let bytes = std::fs::read(&origin).map_err(Error::io(&origin))?;
        std::fs::write(&target, bytes).map_err(Error::io(&target))?;
    }
    Ok(())
}
