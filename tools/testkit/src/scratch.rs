//! A folder for sockets.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::failure::Failure;
use isthmus_process::cleanup::{Registration, Remains, register};

/// A folder that is there as long as this value, and no longer.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    _registration: Registration,
}

impl Scratch {
    /// A socket's path may have 107 bytes; the folder takes no more than this, so that names in it have room.
    const MAX_PATH_BYTES: usize = 80;

    /// Makes the folder.
    ///
    /// # Errors
    /// If the temporary folder cannot be written.
    pub fn new() -> Result<Self, Failure> {
        let usual = std::env::temp_dir();
        let parent = if usual.as_os_str().len() < Self::MAX_PATH_BYTES / 2 {
            usual
        } else {
            PathBuf::from("/tmp")
        };
        let folder = tempfile::Builder::new().prefix("isthmus-").tempdir_in(&parent).map_err(|error| {
            Failure::new(format!("no folder for the machines' sockets can be made in {}: {error}. Set TMPDIR to one that can be written.", parent.display()))
        })?;
        let registration = register(Remains::Folder(folder.path().to_owned()));
        Ok(Self {
            folder,
            _registration: registration,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}
