//! What is checked without a machine, with the host's toolchain.

use std::process::Command;

use anyhow::Result;
use isthmus_process::find_program;
use isthmus_testkit::Arch;

use crate::run::{Finished, run, tail};
use crate::setup::{Purpose, ensure};
use crate::test::{Context, Extent, Tally};
use crate::workspace;

/// A stage that is one check.
pub(crate) fn one(_: &Context) -> Result<Vec<String>> {
    Ok(vec![String::new()])
}

/// The packages that are tested on the host.
pub(crate) fn packages(context: &Context) -> Result<Vec<String>> {
    Ok(context.catalogue.host_packages().to_vec())
}

/// The host's cargo, in the repository.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    // Where the command itself was built: what they share is compiled once.
    command
        .current_dir(workspace::root())
        .args(arguments)
        .env("CARGO_TARGET_DIR", workspace::target());
    command
}

/// One check: whether a program succeeds.
fn succeeds(context: &Context, what: &str, command: Command) -> Result<Tally> {
    let finished = context.ui.step(what, |step| run(step, command))?;
    Ok(Tally::of(&finished.check().map(drop)))
}

/// A component of the host's toolchain that is missing is not downloaded: which one is right is for rustup's user to say.
fn component(context: &Context, tool: &str, what: &str, command: Command) -> Result<Tally> {
    if find_program(tool.as_ref()).is_none() {
        let error = anyhow::anyhow!(
            "{tool} is not installed: `rustup component add` brings it, or Debian's rust-web packages"
        );
        return Ok(Tally::of(&Err(error)));
    }
    succeeds(context, what, command)
}

/// `cargo fmt`.
pub(crate) fn format(context: &Context, _: &[String]) -> Result<Tally> {
    component(
        context,
        "cargo-fmt",
        "checking the format",
        cargo(&["fmt", "--all", "--check"]),
    )
}

/// `cargo clippy`.
pub(crate) fn lints(context: &Context, _: &[String]) -> Result<Tally> {
    component(
        context,
        "cargo-clippy",
        "linting host code",
        cargo(&["clippy", "--all-targets", "--", "-D", "warnings"]),
    )
}

/// `cargo doc`.
pub(crate) fn docs(context: &Context, _: &[String]) -> Result<Tally> {
    let mut command = cargo(&["doc", "--no-deps", "--document-private-items"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    succeeds(context, "documenting host code", command)
}

/// `cargo test`, and what it counted.
pub(crate) fn tests(context: &Context, packages: &[String]) -> Result<Tally> {
    let mut command = cargo(&["test", "--no-fail-fast"]);
    command.args(packages.iter().flat_map(|package| ["-p", package]));
    let what = format!("testing {} packages on the host", packages.len());
    let finished = context.ui.step(&what, |step| run(step, command))?;
    Ok(tally(&finished))
}

/// The boot loader's pure part. The package is no default member, because its program builds for machines only.
pub(crate) fn loader(context: &Context, _: &[String]) -> Result<Tally> {
    let command = cargo(&["test", "--no-fail-fast", "-p", "loader-aarch64", "--lib"]);
    let finished = context
        .ui
        .step("testing the boot loader", |step| run(step, command))?;
    Ok(tally(&finished))
}

/// Kernels built again, in other folders, interrupted, by two at once: minutes of compiling, which `cargo test` alone leaves out.
pub(crate) fn kernel_builds(context: &Context, _: &[String]) -> Result<Tally> {
    ensure(context.ui, &Arch::ALL.map(Purpose::Build))?;
    let command = cargo(&[
        "test",
        "--no-fail-fast",
        "-p",
        "microkernel-config",
        "--test",
        "kernel",
        "--",
        "--ignored",
    ]);
    let finished = context
        .ui
        .step("building kernels again", |step| run(step, command))?;
    Ok(tally(&finished))
}

/// Wireshark's reader with our dissector, which takes a package that nothing else needs.
pub(crate) fn dissector(context: &Context, _: &[String]) -> Result<Tally> {
    ensure(context.ui, &[Purpose::Dissect])?;
    let mut command = cargo(&["test", "--no-fail-fast", "-p", "isthmus-capture"]);
    command.args(["--test", "dissector", "--", "--ignored"]);
    let what = "having tshark read every kind of frame";
    let finished = context.ui.step(what, |step| run(step, command))?;
    Ok(tally(&finished))
}

/// The bindings to each architecture's kernel, compared with its C headers by the C compiler: `cargo test`, and what it counted.
pub(crate) fn bindings(context: &Context, archs: &[String]) -> Result<Tally> {
    let mut total = Tally::default();
    for arch in archs {
        let compiler = context.builder()?.compiler(arch.parse()?)?;
        let mut command = cargo(&["test", "--no-fail-fast", "-p", "sel4-bindings"]);
        command.env("SEL4_PREFIX", compiler.prefix().path());
        let what = format!("comparing the bindings for {arch} with the C headers");
        let finished = context.ui.step(&what, |step| run(step, command))?;
        total.add(tally(&finished));
    }
    Ok(total)
}

fn tally(finished: &Finished) -> Tally {
    let (passed, failed) = finished
        .output
        .lines()
        .filter_map(counts)
        .fold((0, 0), |(p, f), (passed, failed)| (p + passed, f + failed));
    if finished.status.success() && failed == 0 {
        return Tally {
            passed,
            ..Tally::default()
        };
    }
    let failures = vec![tail(&finished.everything)];
    Tally {
        passed,
        failures,
        further_failed: failed.saturating_sub(1),
    }
}

/// Of "test result: ok. 9 passed; 0 failed; ..." the two numbers.
fn counts(line: &str) -> Option<(u64, u64)> {
    let mut words = line.strip_prefix("test result: ")?.split_whitespace();
    let mut before = |what: &str| -> Option<u64> {
        let mut last = "";
        loop {
            let word = words.next()?;
            if word == what {
                return last.parse().ok();
            }
            last = word;
        }
    };
    Some((before("passed;")?, before("failed;")?))
}

/// The cluster protocol under faults, from many seeds; then with each known mistake planted, which must be found.
pub(crate) fn simulator(context: &Context, _: &[String]) -> Result<Tally> {
    let mut command = simulator_command();
    let seeds = match context.extent {
        Extent::Sample => SIMULATED_SEEDS,
        Extent::Full => LONGER * SIMULATED_SEEDS,
    };
    command.args(["--seeds", &seeds.to_string(), "--mutants"]);
    succeeds(context, &format!("simulating {seeds} seeds"), command)
}

/// Mutated frames at every parser of the cluster protocol, and at whole machines, by who has keys and who has not.
pub(crate) fn fuzz(context: &Context, _: &[String]) -> Result<Tally> {
    let mut command = fuzzer_command();
    let cases = match context.extent {
        Extent::Sample => FUZZED_CASES,
        Extent::Full => LONGER * FUZZED_CASES,
    };
    command.args(["--cases", &cases.to_string()]);
    succeeds(
        context,
        &format!("throwing frames at machines, {cases} cases"),
        command,
    )
}

/// The simulator, to be followed by its own arguments.
pub(crate) fn simulator_command() -> Command {
    simulation("netipc-simulator", "netipc-sim")
}

/// The fuzzer, to be followed by its own arguments.
pub(crate) fn fuzzer_command() -> Command {
    simulation("netipc-fuzz", "netipc-fuzz")
}

fn simulation(package: &str, program: &str) -> Command {
    let profile = ["run", "--profile", "simulation", "-q"];
    let mut command = cargo(&profile);
    command.args(["-p", package, "--bin", program, "--"]);
    command
}

/// So many clusters are simulated.
const SIMULATED_SEEDS: u32 = 10_000;
/// So many cases of each target are run, and twenty times as many of the parsers.
const FUZZED_CASES: u32 = 500;
/// Of both, so many times as much with `--long`.
const LONGER: u32 = 10;

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn cargos_results_are_counted() {
        assert_eq!(
            counts("test result: ok. 9 passed; 0 failed; 1 ignored; 0 measured"),
            Some((9, 0))
        );
        assert_eq!(
            counts("test result: FAILED. 7 passed; 2 failed; 0 ignored"),
            Some((7, 2))
        );
        assert_eq!(counts("test demo ... ok"), None);
    }
}
