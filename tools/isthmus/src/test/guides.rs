//! The guides, followed word by word: what their readers type is typed, what they write is written, what they see must be seen.
//!
//! The reader has a home of its own, outside the checkout, and this machine's compilers. What Cargo builds for it stays from run to run, as it does for a reader.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use guides::walkthrough::{Step, check, script, steps};
use isthmus_testkit::Arch;

use crate::run::{run, tail};
use crate::setup::ensure_machines;
use crate::test::{Context, Tally};
use crate::workspace;

/// The pages of `docs/` that are followed.
const PAGES: [&str; 1] = ["guide-component"];

/// One unit for each page.
pub(crate) fn pages(_: &Context) -> Result<Vec<String>> {
    Ok(PAGES.map(str::to_owned).into())
}

/// Follows some.
pub(crate) fn follow(context: &Context, pages: &[String]) -> Result<Tally> {
    ensure_machines(context.ui, &Arch::ALL)?;
    let mut tally = Tally::default();
    for page in pages {
        let result = one(context, page).with_context(|| format!("docs/{page}.md"));
        tally.add(Tally::of(&result));
    }
    Ok(tally)
}

fn one(context: &Context, page: &str) -> Result<()> {
    let file = workspace::root().join(format!("docs/{page}.md"));
    let text = String::from_utf8(workspace::read(&file)?)?;
    let steps: Vec<Step> = steps(&text).map_err(anyhow::Error::msg)?;
    let home = home(page)?;
    let script_file = home.join("script.sh");
    std::fs::write(&script_file, script(&steps))?;
    let mut command = Command::new("bash");
    command
        .arg(&script_file)
        .current_dir(workspace::root())
        .env("HOME", &home)
        .env("CARGO_TARGET_DIR", workspace::target().join("guides"));
    // What is installed in the true home.
    for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        if std::env::var_os(variable).is_none()
            && let Some(true_home) = std::env::var_os("HOME")
        {
            command.env(variable, Path::new(&true_home).join(folder));
        }
    }
    let what = format!("following docs/{page}.md");
    let finished = context.ui.step(&what, |step| run(step, command))?;
    if !finished.status.success() {
        bail!("a command failed:\n{}", tail(&finished.everything));
    }
    check(&steps, &finished.output).map_err(anyhow::Error::msg)
}

/// An empty home, outside the checkout. Always the same for a page: to Cargo, a package elsewhere is another one.
fn home(page: &str) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    workspace::root().hash(&mut hasher);
    let name = format!("isthmus-{page}-{:08x}", hasher.finish() as u32);
    let home = std::env::temp_dir().join(name);
    if home.exists() {
        std::fs::remove_dir_all(&home)
            .with_context(|| format!("{} cannot be emptied", home.display()))?;
    }
    std::fs::create_dir_all(&home)?;
    Ok(home)
}
