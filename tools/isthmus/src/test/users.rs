//! `isthmus test` in a workspace of a user's own: its `cargo test`, after what machines take has been installed.

use std::process::Command;

use anyhow::{Result, bail};
use isthmus_build::Project;
use isthmus_process::Isolated;
use isthmus_testkit::Arch;

use crate::Ending;
use crate::options;
use crate::setup::ensure_machines;
use crate::ui::Ui;

/// Runs the workspace's tests on this terminal.
pub(super) fn test(ui: &Ui, project: &Project, options: &options::Test) -> Result<Ending> {
    if options.quick {
        bail!(
            "--quick is for the stages of Isthmus itself: here `cargo test -p PACKAGE` runs what it names"
        );
    }
    ensure_machines(ui, &Arch::ALL)?;
    let mut command = Command::new("cargo");
    command.current_dir(project.root()).arg("test");
    command.args(&options.filter);
    if options.list {
        command.args(["--", "--list"]);
    }
    let status = Isolated::spawn(command, |_| {})?.wait()?;
    Ok(if status.success() {
        Ending::Well
    } else {
        Ending::Wanting
    })
}
