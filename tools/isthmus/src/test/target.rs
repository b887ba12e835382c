//! What is checked of the machines' programs without running them, with the target's toolchain.

use anyhow::Result;
use isthmus_testkit::Arch;

use crate::run::run;
use crate::setup::{Purpose, ensure};
use crate::test::{Context, Tally};

/// One unit for each architecture.
pub(crate) fn archs(_: &Context) -> Result<Vec<String>> {
    Ok(Arch::ALL.map(|arch| arch.name().to_owned()).into())
}

/// clippy.
pub(crate) fn lints(context: &Context, archs: &[String]) -> Result<Tally> {
    ensure(context.ui, &[Purpose::Lint])?;
    each(context, archs, "linting", |compiler| {
        let mut command = compiler.clippy();
        command.args(
            context
                .catalogue
                .target_packages()
                .iter()
                .flat_map(|package| ["-p", package]),
        );
        command.args(["--", "-D", "warnings"]);
        command
    })
}

/// rustdoc.
pub(crate) fn docs(context: &Context, archs: &[String]) -> Result<Tally> {
    each(context, archs, "documenting", |compiler| {
        let mut command = compiler.cargo("doc");
        command
            .args(["--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings");
        command.args(
            context
                .catalogue
                .target_packages()
                .iter()
                .flat_map(|package| ["-p", package]),
        );
        command
    })
}

fn each(
    context: &Context,
    archs: &[String],
    verb: &str,
    command: impl Fn(&crate::programs::Compiler<'_>) -> std::process::Command,
) -> Result<Tally> {
    let mut tally = Tally::default();
    for arch in archs {
        let arch: Arch = arch.parse()?;
        let compiler = context.builder()?.compiler(arch)?;
        let what = format!("{verb} the programs for {arch}");
        let finished = context
            .ui
            .step(&what, |step| run(step, command(&compiler)))?;
        tally.add(Tally::of(&finished.check().map(drop)));
    }
    Ok(tally)
}
