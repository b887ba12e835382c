//! Where things are: this checkout, and the workspace of its user.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The repository: the command is built in the checkout that it works on.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        // tools/build; a checkout that was moved since is reported by the first file that is missing.
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

/// Everything that is built for the machines. Programs of users' workspaces too: most of what they are made of is the same.
pub fn built() -> PathBuf {
    target().join("isthmus")
}

/// Reads a file.
///
/// # Errors
/// With the file's name.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Writes a file, and its folders, only if that changes it: what depends on it is not built again. Who has the old one open keeps it.
///
/// # Errors
/// With the file's name.
pub fn write_if_changed(path: &Path, contents: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    let write = || {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let fresh = path.with_extension(format!("new-{}", std::process::id()));
        std::fs::write(&fresh, contents)?;
        std::fs::rename(&fresh, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

/// Whose system it is: this checkout's own, or that of a user's workspace, which uses the checkout.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
    target: PathBuf,
}

impl Project {
    /// The description of a user's system, unless another is named.
    pub const SYSTEM: &str = "system.toml";
    /// The description of the checkout's, unless another is named.
    const DEMO: &str = "systems/demo.toml";

    /// This checkout.
    #[must_use]
    pub fn checkout() -> Self {
        Self {
            root: root().to_owned(),
            target: target(),
        }
    }

    /// The workspace that `folder` is in; this checkout if it is in none.
    ///
    /// # Errors
    /// If Cargo cannot read the workspace.
    pub fn around(folder: &Path) -> Result<Self> {
        let is_manifest = |folder: &Path| folder.join("Cargo.toml").is_file();
        let folder = folder
            .canonicalize()
            .with_context(|| format!("{} is not there", folder.display()))?;
        if folder.starts_with(root()) || !folder.ancestors().any(is_manifest) {
            return Ok(Self::checkout());
        }
        let metadata = metadata(&folder)?;
        let path = |key: &str| metadata[key].as_str().map(PathBuf::from);
        match (path("workspace_root"), path("target_directory")) {
            (Some(root), Some(target)) => Ok(Self { root, target }),
            _ => bail!("`cargo metadata` does not say where the workspace is"),
        }
    }

    /// The workspace that the one who runs this stands in.
    ///
    /// # Errors
    /// As [`Self::around`].
    pub fn here() -> Result<Self> {
        Self::around(Path::new("."))
    }

    /// Whether it is a user's own workspace.
    #[must_use]
    pub fn is_users(&self) -> bool {
        self.root != root()
    }

    /// The workspace's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where Cargo puts what it builds.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The folder of a package of the workspace.
    ///
    /// # Errors
    /// If Cargo cannot read the workspace.
    pub fn package(&self, name: &str) -> Result<Option<PathBuf>> {
        let metadata = metadata(&self.root)?;
        let packages = metadata["packages"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let found = packages.iter().find(|package| package["name"] == *name);
        let manifest = found.and_then(|package| package["manifest_path"].as_str());
        Ok(manifest.and_then(|path| Path::new(path).parent().map(Path::to_owned)))
    }

    /// Where its images go.
    #[must_use]
    pub fn images(&self) -> PathBuf {
        self.target.join("isthmus/images")
    }

    /// The description that is meant: `file` as seen from where the user stands, from the workspace, or from the checkout; without one, the project's own.
    #[must_use]
    pub fn system(&self, file: Option<&Path>) -> PathBuf {
        let default = if self.is_users() {
            Self::SYSTEM
        } else {
            Self::DEMO
        };
        match file {
            None => self.root.join(default),
            Some(file) if file.exists() => file.to_owned(),
            Some(file) => [self.root(), root()]
                .map(|folder| folder.join(file))
                .into_iter()
                .find(|path| path.exists())
                .unwrap_or_else(|| file.to_owned()),
        }
    }
}

/// What Cargo says of the workspace that `folder` is in, without its dependencies.
pub(crate) fn metadata(folder: &Path) -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(folder);
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = command.output().context("cargo cannot be started")?;
    if !output.status.success() {
        bail!(
            "`cargo metadata` failed in {}:\n{}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    serde_json::from_slice(&output.stdout).context("what cargo says of the workspace is no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_its_own_project() {
        let project = Project::around(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("it is there");
        assert!(!project.is_users());
        assert!(project.system(None).ends_with("systems/demo.toml"));
        let bench = project.system(Some("systems/bench.toml".as_ref()));
        assert!(bench.is_file(), "{}", bench.display());
        let found = project.package("isthmus-build").expect("a workspace");
        assert_eq!(
            found.as_deref(),
            Some(Path::new(env!("CARGO_MANIFEST_DIR")))
        );
        assert_eq!(project.package("none").expect("a workspace"), None);
    }

    #[test]
    fn a_folder_without_a_workspace_belongs_to_the_checkout() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!Project::around(folder.path()).expect("a folder").is_users());
        assert!(Project::around(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_workspace_elsewhere_is_its_users() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("a file");
        };
        write("Cargo.toml", "[package]\nname = \"mine\"\n");
        std::fs::create_dir(folder.path().join("src")).expect("a folder");
        write("src/lib.rs", "");
        let project = Project::around(&folder.path().join("src")).expect("a workspace");
        assert!(project.is_users());
        assert!(project.system(None).ends_with("system.toml"));
        let demo = project.system(Some("systems/demo.toml".as_ref()));
        assert!(
            demo.is_file(),
            "the checkout's are found too: {}",
            demo.display()
        );
    }

    #[test]
    fn a_file_is_replaced_only_when_it_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a/b");
        write_if_changed(&file, b"1").expect("written");
        let first = std::fs::metadata(&file)
            .and_then(|data| data.modified())
            .expect("a time");
        write_if_changed(&file, b"1").expect("written");
        let second = std::fs::metadata(&file)
            .and_then(|data| data.modified())
            .expect("a time");
        assert_eq!(first, second);
        write_if_changed(&file, b"2").expect("written");
        assert_eq!(read(&file).expect("a file"), b"2");
    }
}
