//! `./isthmus new NAME`: a component in a workspace of the user's own, which builds and passes its tests at once.
//!
//! What it writes are the files of `templates/component`, with the component's name in them; `system.toml` ends with the system's own components as the
//! demonstration has them, and `Cargo.lock` begins with the versions that this checkout is tested with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use isthmus_build::run::run;

use crate::Ending;
use crate::options;
use crate::ui::Ui;
use crate::workspace;

macro_rules! file {
    ($path:literal) => {
        (
            $path,
            include_str!(concat!("../templates/component/", $path)),
        )
    };
}

/// What is written: where, and what with the marks still in it.
const FILES: &[(&str, &str)] = &[
    file!("Cargo.toml"),
    file!("README.md"),
    (
        ".gitignore",
        include_str!("../templates/component/gitignore"),
    ),
    file!("interface/Cargo.toml"),
    file!("interface/src/lib.rs"),
    file!("logic/Cargo.toml"),
    file!("logic/src/lib.rs"),
    file!("logic/tests/calls.rs"),
    file!("server/Cargo.toml"),
    file!("server/build.rs"),
    file!("server/src/main.rs"),
    file!("client/Cargo.toml"),
    file!("client/build.rs"),
    file!("client/src/main.rs"),
    file!("tests/Cargo.toml"),
    file!("tests/src/lib.rs"),
    file!("tests/tests/two_machines.rs"),
];

/// The description is a template, too, and more.
const SYSTEM: &str = include_str!("../templates/component/system.toml");

/// The system whose own components every new system has.
const LIKE: &str = "systems/demo.toml";
/// What the components of [`LIKE`] begin with that are not the system's own.
const NOT_ITS_OWN: &str = "kv-";

/// The longest that can be followed by `-interface` in a package's name and `-server` in a component's, of 24 bytes.
const NAME_BYTES: usize = 17;
/// Names of packages that every component needs, of interfaces that every system has, and of what else would collide.
const TAKEN: [&str; 12] = [
    "console",
    "heapless",
    "isthmus",
    "logic",
    "memory",
    "naming",
    "netipc",
    "network",
    "scheduler",
    "test",
    "timer",
    "undertaker",
];
/// Rust's: the name is a module's.
const KEYWORDS: &str = " abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in let \
    loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof union unsafe unsized use virtual where \
    while yield alloc core std ";

/// A component's name in the spellings that its files need.
#[derive(Debug)]
struct Name {
    kebab: String,
}

impl Name {
    fn new(text: &str) -> Result<Self> {
        let well_formed = text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.split('-').all(|part| {
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            });
        if !well_formed {
            bail!(
                "`{text}` is no name for a component: a lower-case letter, then lower-case letters and digits, with a `-` between words"
            );
        }
        if text.len() > NAME_BYTES {
            bail!(
                "`{text}` is too long: with what is added to it, a name has at most {NAME_BYTES} letters"
            );
        }
        if TAKEN.contains(&text) || KEYWORDS.contains(&format!(" {text} ")) {
            bail!("`{text}` is taken, by the system or by Rust: choose another name");
        }
        Ok(Self {
            kebab: text.to_owned(),
        })
    }

    fn snake(&self) -> String {
        self.kebab.replace('-', "_")
    }

    fn camel(&self) -> String {
        let capital = |word: &str| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        };
        self.kebab.split('-').map(capital).collect()
    }

    /// A template with the marks replaced.
    fn fill(&self, template: &str) -> String {
        template
            .replace("@NAME@", &self.kebab)
            .replace("@CRATE@", &self.snake())
            .replace("@MODULE@", &self.snake())
            .replace("@TRAIT@", &self.camel())
            .replace("@CHECKOUT@", &workspace::root().to_string_lossy())
    }
}

/// Writes the component.
pub fn new(ui: &Ui, options: &options::New) -> Result<Ending> {
    let name = Name::new(&options.name)?;
    let folder = options
        .path
        .clone()
        .unwrap_or_else(|| PathBuf::from(&name.kebab));
    let folder = std::path::absolute(&folder)?;
    check_place(&folder)?;
    write(&name, &folder)?;
    lock(ui, &folder)?;
    let shown = options.path.as_deref().unwrap_or(Path::new(&name.kebab));
    println!(
        "`{}` is in {}. Next:\n\n    cd {}\n    cargo test",
        name.kebab,
        folder.display(),
        shown.display()
    );
    Ok(Ending::Well)
}

/// It must be a place of the user's own, with nothing there yet.
fn check_place(folder: &Path) -> Result<()> {
    if folder.starts_with(workspace::root()) {
        bail!(
            "{} is in Isthmus' own checkout: go to a folder outside it, or say which with --path",
            folder.display()
        );
    }
    let something = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if something || folder.is_file() {
        bail!("{} is there already, and is not empty", folder.display());
    }
    let parents = folder.ancestors().skip(1);
    let mut manifests = parents.map(|parent| parent.join("Cargo.toml"));
    if let Some(manifest) = manifests.find(|manifest| manifest.is_file()) {
        bail!(
            "{} belongs to another workspace, that of {}: choose a folder outside it",
            folder.display(),
            manifest.display()
        );
    }
    Ok(())
}

fn write(name: &Name, folder: &Path) -> Result<()> {
    for (path, template) in FILES {
        workspace::write_if_changed(&folder.join(path), name.fill(template).as_bytes())?;
    }
    let like = String::from_utf8(workspace::read(&workspace::root().join(LIKE))?)?;
    let system = system(name, &like);
    workspace::write_if_changed(&folder.join("system.toml"), system.as_bytes())?;
    let versions = workspace::read(&workspace::root().join("Cargo.lock"))?;
    workspace::write_if_changed(&folder.join("Cargo.lock"), &versions)
}

/// The component's own part of the description, and what is the system's own in the description `like`.
fn system(name: &Name, like: &str) -> String {
    let mut text = name.fill(SYSTEM);
    let is_own = |block: &&str| {
        let mentions = |line: &str| line.contains(&format!("\"{NOT_ITS_OWN}"));
        block.trim_start().starts_with("[[") && !block.lines().any(mentions)
    };
    for block in like.split("\n\n").filter(is_own) {
        text.push('\n');
        text.push_str(block.trim());
        text.push('\n');
    }
    text
}

/// Has Cargo make the lock file the workspace's own: with what it needs, in the versions that are there.
fn lock(ui: &Ui, folder: &Path) -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .args(["metadata", "--format-version", "1"])
        .current_dir(folder);
    ui.step("locking the versions of what it depends on", |step| {
        run(step, command)?.check()?;
        anyhow::Ok(())
    })
    .context("what was written is no workspace that Cargo understands")
}

#[cfg(test)]
mod tests {
    use super::*;
    use isthmus_build::System;

    #[test]
    fn names_are_spelled_as_rust_wants_them() {
        let name = Name::new("tick-tock2").expect("a name");
        assert_eq!(
            (name.snake(), name.camel()),
            ("tick_tock2".into(), "TickTock2".into())
        );
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        for text in [
            "",
            "Hello",
            "-a",
            "a-",
            "a--b",
            "2nd",
            "ä",
            "a_b",
            "naming",
            "match",
            "../x",
            "abcdefghijklmnopqr",
        ] {
            assert!(Name::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_mark_is_left_and_every_template_is_written() {
        let name = Name::new("hello").expect("a name");
        for (path, template) in FILES {
            assert!(!name.fill(template).contains('@'), "{path}");
        }
        let folder = workspace::root().join("tools/isthmus/templates/component");
        let mut files = Vec::new();
        list(&folder, &mut files);
        // The description, and what is called otherwise here.
        assert_eq!(files.len(), FILES.len() + 1, "{files:?}");
    }

    fn list(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                list(&path, files);
            } else {
                files.push(path);
            }
        }
    }

    #[test]
    fn the_description_is_right_and_has_nothing_of_the_demonstration() {
        let like = std::fs::read_to_string(workspace::root().join(LIKE)).expect("a file");
        let name = Name::new("hello").expect("a name");
        let text = system(&name, &like);
        assert!(!text.contains(NOT_ITS_OWN), "{text}");
        let system = System::of_text(&text, "system.toml").expect("a right description");
        assert_eq!(system.name(), "hello");
    }

    #[test]
    fn a_place_that_is_taken_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(check_place(&folder.path().join("new")).is_ok());
        assert!(check_place(folder.path()).is_ok(), "it is empty");
        std::fs::write(folder.path().join("Cargo.toml"), "").expect("a file");
        assert!(check_place(folder.path()).is_err());
        assert!(check_place(&folder.path().join("inside")).is_err());
        assert!(check_place(&workspace::root().join("mine")).is_err());
    }
}
