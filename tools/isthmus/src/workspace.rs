//! Where things are.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result};

/// The repository: the command is built in the checkout that it works on.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        // tools/isthmus; a checkout that was moved since is reported by the first file that is missing.
        here.ancestors().nth(2).unwrap_or(here).to_owned()
    });
    &ROOT
}

/// What is generated.
pub fn target() -> PathBuf {
    root().join("target")
}

/// The kernels' prefixes.
pub fn kernels() -> PathBuf {
    target().join("sel4")
}

/// Everything that is built for the machines.
pub fn built() -> PathBuf {
    target().join("isthmus")
}

/// A system's description, found from where the user stands, or else in the repository.
pub fn system(file: &Path) -> PathBuf {
    let in_repository = root().join(file);
    if !file.exists() && in_repository.exists() {
        in_repository
    } else {
        file.to_owned()
    }
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Writes a file, and its folders, only if that changes it: what depends on it is not built again.
pub fn write_if_changed(path: &Path, contents: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    let write = || {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, contents)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
