//! What is shown of the kernel, by a program that is alone with it; and that each patch is needed.

use std::time::Duration;

use anyhow::{Context as _, Result};
use isthmus_testkit::{
    Arch, Clock, Cluster, ConsoleLine, Failure, Machine, Said, SystemImage, Word, understand,
};

use crate::setup::ensure_machines;
use crate::test::{Context, Tally};

/// The program that establishes the kernel's facts, as root task.
const FACTS: &str = "kernel-facts";
/// It makes a few hundred system calls and waits a few ticks.
const FACTS_LIMIT: Duration = Duration::from_secs(120);

/// One unit for each architecture.
pub(crate) fn archs(_: &Context) -> Result<Vec<String>> {
    Ok(Arch::ALL.map(|arch| arch.name().to_owned()).into())
}

/// Runs the program of facts on each architecture.
pub(crate) fn facts(context: &Context, archs: &[String]) -> Result<Tally> {
    ensure_machines(context.ui, &Arch::ALL)?;
    let mut tally = Tally::default();
    for arch in archs {
        let result = facts_on(context, arch).with_context(|| format!("{FACTS} on {arch}"));
        tally.add(result.unwrap_or_else(|error| Tally::of(&Err(error))));
    }
    Ok(tally)
}

fn facts_on(context: &Context, arch: &str) -> Result<Tally> {
    let image = context.builder()?.bare(arch.parse()?, FACTS)?;
    Ok(context
        .ui
        .step(&format!("kernel facts on {arch}"), |_| checks(&image))?)
}

/// Boots a program that makes checks, and counts them.
fn checks(image: &SystemImage) -> Result<Tally, Failure> {
    let cluster = Cluster::of([image]).clock(Clock::Instructions).start()?;
    let machine = cluster.machine(1);
    let end = |said: &Said| {
        matches!(
            understand(said),
            Some(Word::Checked(_) | Word::CannotStart(_))
        )
    };
    let end = machine.wait_for_line("the end of the checks", FACTS_LIMIT, end)?;
    let expected = match understand(&end.said) {
        Some(Word::Checked(count)) => count,
        _ => {
            return Err(machine.failure(format!("the program of facts cannot start: {}", end.said)));
        }
    };
    let mut tally = count(machine);
    let told = tally.passed + tally.failed();
    if told != expected {
        let lost = format!("{expected} checks were made, {told} were told of");
        tally.failures.push(machine.failure(lost).to_string());
    }
    Ok(tally)
}

/// The checks that a machine has told of.
fn count(machine: &Machine) -> Tally {
    let mut tally = Tally::default();
    for line in machine.lines() {
        match understand(&line.said) {
            Some(Word::Check { held: Ok(()), .. }) => tally.passed += 1,
            Some(Word::Check {
                name,
                held: Err(why),
            }) => tally
                .failures
                .push(format!("{name} on {}: {why}", machine.arch())),
            _ => {}
        }
    }
    tally
}

/// A patch, the fact that does not hold without it, and where.
struct Needed {
    patch: &'static str,
    fact: &'static str,
    archs: &'static [Arch],
}

const NEEDED: &[Needed] = &[
    Needed {
        patch: "suspend-restart-address",
        fact: "a_finished_call_is_not_repeated",
        archs: &Arch::ALL,
    },
    Needed {
        patch: "arm-page-invalidate-data",
        fact: "read_only_pages_cannot_be_invalidated",
        archs: &[Arch::Aarch64],
    },
    Needed {
        patch: "x86-unmap-frame-copies",
        fact: "a_deleted_copy_is_unmapped",
        archs: &[Arch::X86_64],
    },
    Needed {
        patch: "x86-kernel-stack-alignment",
        fact: "interrupts_that_come_together_do_no_harm",
        archs: &[Arch::X86_64],
    },
];

/// Every patch on each of its architectures.
fn needed() -> impl Iterator<Item = (&'static Needed, Arch, String)> {
    NEEDED.iter().flat_map(|needed| {
        let named = move |arch: &Arch| (needed, *arch, format!("{}/{arch}", needed.patch));
        needed.archs.iter().map(named)
    })
}

/// One unit for each patch and architecture.
pub(crate) fn patches(_: &Context) -> Result<Vec<String>> {
    Ok(needed().map(|(.., name)| name).collect())
}

/// Runs the program of facts on kernels that lack a patch each: its fact must fail, and no other.
pub(crate) fn without_patches(context: &Context, names: &[String]) -> Result<Tally> {
    ensure_machines(context.ui, &Arch::ALL)?;
    let mut tally = Tally::default();
    for (needed, arch, name) in needed().filter(|(.., name)| names.contains(name)) {
        let result = without_patch(context, needed, arch);
        tally.add(Tally::of(&result.with_context(|| name.clone())));
    }
    Ok(tally)
}

fn without_patch(context: &Context, needed: &Needed, arch: Arch) -> Result<()> {
    let image = context
        .builder()?
        .bare_without_patch(arch, FACTS, needed.patch)?;
    Ok(context
        .ui
        .step(&format!("{arch} without {}", needed.patch), |_| {
            must_fail(&image, needed.fact)
        })?)
}

/// A kernel that lacks a patch may also die or hang: then it says nothing more for so long, even on a busy host. (Until its first word it has
/// all the time: the firmware is slow there.)
const QUIET: Duration = Duration::from_secs(20);

/// Waits for a fact; none if the kernel has died before.
fn told(machine: &Machine, fact: &str) -> Option<ConsoleLine> {
    let is_it =
        |said: &Said| matches!(understand(said), Some(Word::Check { name, .. }) if name == fact);
    let is_a_fact = |said: &Said| matches!(understand(said), Some(Word::Check { .. }));
    machine
        .wait_for_line("the first fact", FACTS_LIMIT, is_a_fact)
        .ok()?;
    loop {
        let before = machine.lines().len();
        match machine.wait_for_line(fact, QUIET, is_it) {
            Ok(line) => return Some(line),
            Err(_) if machine.lines().len() == before => return None,
            Err(_) => {}
        }
    }
}

fn must_fail(image: &SystemImage, fact: &str) -> Result<(), Failure> {
    let cluster = Cluster::of([image]).clock(Clock::Instructions).start()?;
    let machine = cluster.machine(1);
    let line = told(machine, fact);
    if let Some(Word::Check { held: Ok(()), .. }) = line.and_then(|line| understand(&line.said)) {
        return Err(machine.failure(format!(
            "{fact} holds without the patch: either its test or the patch is of no use"
        )));
    }
    let before = count(machine);
    match before
        .failures
        .iter()
        .find(|failure| !failure.starts_with(fact))
    {
        Some(other) => Err(machine.failure(format!("another fact failed: {other}"))),
        None if before.passed == 0 => {
            Err(machine.failure("the kernel died before any fact was established"))
        }
        None => Ok(()),
    }
}
