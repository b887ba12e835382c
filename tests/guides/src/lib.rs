//! Holds the documents against the code: limits, links, and the index of `docs/`.
//!
//! It reads files of the repository and nothing else; it never builds or runs what they describe: [`walkthrough`] makes a script of a guide, which `./isthmus test`
//! runs. Read next: `tests/documents.rs`, and `docs/limits.md`, which is what [`limits::page`] writes.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

pub mod limits;
pub mod links;
pub mod rules;
pub mod walkthrough;

/// The repository's root folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two folders below the root")
        .to_path_buf()
}

/// The documents: `README.md` and every page of `docs/`, sorted.
#[must_use]
pub fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut found: Vec<PathBuf> = std::fs::read_dir(root.join("docs"))
        .expect("the repository has a folder docs")
        .map(|entry| entry.expect("docs can be listed").path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    found.push(root.join("README.md"));
    found.sort();
    found
}
