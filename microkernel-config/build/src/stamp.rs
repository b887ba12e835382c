//! One hash over everything that the kernel is made of. Equal stamps mean equal prefixes, so nothing needs to be built.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Error;

/// This library's own steps are inputs too: their text is part of every stamp.
const STEPS: [&str; 8] = [
    include_str!("compile.rs"),
    include_str!("config.rs"),
    include_str!("generate.rs"),
    include_str!("headers.rs"),
    include_str!("kernel.rs"),
    include_str!("patch.rs"),
    include_str!("source.rs"),
    include_str!("tools.rs"),
];

/// Collects inputs; each is framed by name and length, so that no two lists of inputs run together.
pub(crate) struct Stamp(Sha256);

impl Stamp {
    /// Starts with this library's own steps.
    pub(crate) fn new() -> Stamp {
        let mut stamp = Stamp(Sha256::new());
        for step in STEPS {
            stamp.add("step", step.as_bytes());
        }
        stamp
    }

    /// Adds one input.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) {
        for part in [name.as_bytes(), content] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    /// Adds files, by their name relative to `root` and their content.
    pub(crate) fn add_files(&mut self, root: &Path, files: &[PathBuf]) -> Result<(), Error> {
        for file in files {
            let path = root.join(file);
            let content = std::fs::read(&path).map_err(Error::io(&path))?;
            self.add(&file.to_string_lossy(), &content);
        }
        Ok(())
    }

    /// The hash, in hexadecimal, with a line end.
    pub(crate) fn finish(self) -> String {
        let mut text: String = self
            .0
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_do_not_run_together() {
        let stamp = |inputs: &[(&str, &str)]| {
            let mut stamp = Stamp::new();
            inputs
                .iter()
                .for_each(|(name, content)| stamp.add(name, content.as_bytes()));
            stamp.finish()
        };
        assert_ne!(stamp(&[("a", "bc")]), stamp(&[("ab", "c")]));
        assert_ne!(stamp(&[("a", "")]), stamp(&[]));
        assert_eq!(stamp(&[("a", "b")]), stamp(&[("a", "b")]));
    }
}
