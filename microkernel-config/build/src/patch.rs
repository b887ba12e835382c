//! Patches: unified diffs, each with its reason above the first `---` line.

use std::path::{Path, PathBuf};

use crate::Error;

/// One patch file.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The file's name without `.patch`.
    pub name: String,
    /// Why it is there: the text above the diff.
    pub reason: String,
    /// The whole file: an input of the build.
    pub(crate) text: String,
    changes: Vec<(PathBuf, String)>,
}

impl Patch {
    /// Splits a patch file into its reason and one diff for each file of the tree.
    pub fn parse(name: &str, text: &str) -> Result<Patch, Error> {
        let syntax = |reason: &str| Error::PatchSyntax {
            patch: name.to_owned(),
            reason: reason.to_owned(),
        };
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let starts: Vec<usize> = (0..lines.len())
            .filter(|&i| {
                lines[i].starts_with("--- a/")
                    && lines
                        .get(i + 1)
                        .is_some_and(|next| next.starts_with("+++ b/"))
            })
            .collect();
        let first = *starts.first().ok_or_else(|| syntax("it changes no file"))?;
        let reason = lines[..first].concat().trim().to_owned();
        if reason.is_empty() {
            return Err(syntax("it gives no reason above the diff"));
        }
        let mut changes = Vec::new();
        for (i, &start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).copied().unwrap_or(lines.len());
            let file = PathBuf::from(lines[start + 1]["+++ b/".len()..].trim_end());
            if file
                .components()
                .any(|part| !matches!(part, std::path::Component::Normal(_)))
            {
                return Err(syntax("it changes a file outside the tree"));
            }
            let diff = lines[start..end].concat();
            diffy::Patch::from_str(&diff).map_err(|error| syntax(&error.to_string()))?;
            changes.push((file, diff));
        }
        Ok(Patch {
            name: name.to_owned(),
            reason,
            text: text.to_owned(),
            changes,
        })
    }

    /// Every `*.patch` in a folder, in byte order of the names, which is the order in which they are applied.
    pub fn load_all(directory: &Path) -> Result<Vec<Patch>, Error> {
        let mut patches = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(Error::io(directory))? {
            let path = entry.map_err(Error::io(directory))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "patch")
            {
                let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
                let name = path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                patches.push(Patch::parse(&name, &text)?);
            }
        }
        patches.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(patches)
    }

    /// Changes the files in `tree`. Every line of context must fit.
    pub fn apply(&self, tree: &Path) -> Result<(), Error> {
        for (file, diff) in &self.changes {
            let refuse = |reason: String| Error::PatchApply {
                patch: self.name.clone(),
                file: file.clone(),
                reason,
            };
            let path = tree.join(file);
            let old = std::fs::read_to_string(&path).map_err(|error| refuse(error.to_string()))?;
            let diff = diffy::Patch::from_str(diff).map_err(|error| refuse(error.to_string()))?;
            let new = diffy::apply(&old, &diff).map_err(|error| refuse(error.to_string()))?;
            std::fs::write(&path, new).map_err(Error::io(&path))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "Because.\n\n--- a/f.c\n+++ b/f.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

    #[test]
    fn applies_and_keeps_the_reason() {
        let tree = tempfile::tempdir().expect("a temporary folder");
        let file = tree.path().join("f.c");
        std::fs::write(&file, "one\ntwo\nthree\n").expect("write");
        let patch = Patch::parse("p", GOOD).expect("parses");
        assert_eq!(patch.reason, "Because.");
        patch.apply(tree.path()).expect("applies");
        assert_eq!(
            std::fs::read_to_string(&file).expect("read"),
            "one\n2\nthree\n"
        );
        // A second time the context no longer fits, and the error names patch and file.
        let error = patch.apply(tree.path()).expect_err("does not fit");
        assert!(
            error.to_string().contains("`p`") && error.to_string().contains("f.c"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let tree = tempfile::tempdir().expect("a temporary folder");
        let error = Patch::parse("p", GOOD)
            .expect("parses")
            .apply(tree.path())
            .expect_err("no file");
        assert!(matches!(error, Error::PatchApply { .. }), "{error}");
    }

    #[test]
    fn what_is_not_a_patch_is_refused() {
        let no_reason = GOOD.trim_start_matches("Because.\n\n");
        let outside = GOOD.replace("f.c", "../f.c");
        let cut = GOOD.replace("@@ -1,3 +1,3 @@", "@@ -1,9 +1,9 @@");
        for bad in ["", "Because.\n", no_reason, &outside, &cut] {
            let error = Patch::parse("p", bad).expect_err(bad);
            assert!(matches!(error, Error::PatchSyntax { .. }), "{error}");
        }
    }

    #[test]
    fn two_files_in_one_patch() {
        let both = format!(
            "{GOOD}{}",
            GOOD.trim_start_matches("Because.\n\n")
                .replace("f.c", "g.c")
        );
        let patch = Patch::parse("p", &both).expect("parses");
        assert_eq!(patch.changes.len(), 2);
    }

    #[test]
    fn the_shipped_patches_parse() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../patches");
        assert!(!Patch::load_all(&directory).expect("they parse").is_empty());
    }
}
