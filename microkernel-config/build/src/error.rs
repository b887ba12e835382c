//! Everything that can go wrong while the kernel is built, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a kernel could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that is not an architecture.
    #[error("unknown architecture `{0}`: use x86_64 or aarch64")]
    UnknownArch(String),
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A configuration file does not parse, or says something impossible.
    #[error("configuration {path}: {reason}")]
    Configuration {
        /// The configuration file.
        path: PathBuf,
        /// What is wrong, with line and column where the parser knows them.
        reason: String,
    },
    /// Cargo could not say where the kernel's source is.
    #[error("cannot locate the kernel's source: {0}")]
    Source(String),
    /// The tree is of another version than the configuration is for.
    #[error("the source tree is seL4 {found}, the configuration is for {expected}")]
    Version {
        /// The version that the configuration names.
        expected: String,
        /// The version that the tree names.
        found: String,
    },
    /// A patch does not parse.
    #[error("patch `{patch}` is not a unified diff: {reason}")]
    PatchSyntax {
        /// The patch's name.
        patch: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A patch does not fit the tree.
    #[error("patch `{patch}` does not apply to {file}: {reason}")]
    PatchApply {
        /// The patch's name.
        patch: String,
        /// The file in the kernel's tree.
        file: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// `--without-patch` names a patch that does not exist.
    #[error("there is no patch `{name}`; there are: {known}")]
    UnknownPatch {
        /// The name that was given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A program that the build needs is not installed.
    #[error("`{program}` is missing: install the Debian package {package}")]
    MissingTool {
        /// The program that could not be started.
        program: String,
        /// The package that has it.
        package: String,
    },
    /// A Python module that the kernel's generators need is not installed.
    #[error(
        "the kernel's generators need the Python module `{module}`: install the Debian package {package}"
    )]
    MissingPythonModule {
        /// The module.
        module: &'static str,
        /// The package that has it.
        package: &'static str,
    },
    /// A step of the build failed.
    #[error("{program} failed while {step}:\n{output}")]
    Command {
        /// The program.
        program: String,
        /// What it was to do.
        step: String,
        /// What it printed.
        output: String,
    },
    /// An ELF file cannot be booted.
    #[error("{what} cannot be booted: {reason}")]
    Elf {
        /// Which of the files: loader, kernel, root task.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
        move |source| Error::Io {
            path: path.to_owned(),
            source,
        }
    }
}
