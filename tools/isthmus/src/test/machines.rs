//! What is shown on machines.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use anyhow::{Context as _, Result};
use isthmus_testkit::{
    Arch, Clock, Cluster, Failure, Machine, Said, SystemImage, Word, understand,
};
use machine_tests::{Lab, SCENARIOS, Scenario, Setting};

use crate::build::System;
use crate::setup::{Purpose, ensure};
use crate::test::{Context, Tally};

/// The program that establishes the kernel's facts, as root task.
const FACTS: &str = "kernel-facts";
/// It makes a few hundred system calls and waits a few ticks.
const FACTS_LIMIT: Duration = Duration::from_secs(120);

fn both_run() -> [Purpose; 2] {
    Arch::ALL.map(Purpose::Run)
}

/// One unit for each architecture.
pub(crate) fn kernels(_: &Context) -> Result<Vec<String>> {
    Ok(Arch::ALL.map(|arch| arch.name().to_owned()).into())
}

/// Runs the program of facts on each architecture.
pub(crate) fn facts(context: &Context, archs: &[String]) -> Result<Tally> {
    ensure(context.ui, &both_run())?;
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
    Ok(count(machine, expected))
}

/// The checks that a machine has told of. One that is missing has failed too.
fn count(machine: &Machine, expected: u64) -> Tally {
    let mut tally = Tally::default();
    for line in machine.lines() {
        match understand(&line.said) {
            Some(Word::Check { held: Ok(()), .. }) => tally.passed += 1,
            Some(Word::Check {
                name,
                held: Err(why),
            }) => tally
                .failures
                .push(format!("{} on {}: {why}", name, machine.arch())),
            _ => {}
        }
    }
    let told = tally.passed + tally.failed();
    if told != expected {
        tally.failures.push(
            machine
                .failure(format!("{expected} checks were made, {told} were told of"))
                .to_string(),
        );
    }
    tally
}

/// Each scenario in each of its settings.
fn all() -> impl Iterator<Item = (&'static Scenario, Setting, String)> {
    SCENARIOS.iter().flat_map(|scenario| {
        let named = |setting: &Setting| {
            (
                scenario,
                *setting,
                format!("{}/{}", scenario.name, setting.name()),
            )
        };
        scenario.settings.iter().map(named).collect::<Vec<_>>()
    })
}

/// One unit for each scenario and setting.
pub(crate) fn scenarios(_: &Context) -> Result<Vec<String>> {
    Ok(all().map(|(.., name)| name).collect())
}

/// Runs scenarios, one after the other: they measure time, and the host has few processors.
pub(crate) fn run(context: &Context, names: &[String]) -> Result<Tally> {
    ensure(context.ui, &both_run())?;
    let images = Images {
        context,
        built: RefCell::default(),
    };
    let mut tally = Tally::default();
    for (scenario, setting, name) in all().filter(|(.., name)| names.contains(name)) {
        let result = images.of(scenario.system, setting).and_then(|images| {
            let lab = Lab::new(setting, images);
            Ok(context.ui.step(&name, |_| (scenario.run)(&lab))?)
        });
        tally.add(Tally::of(&result.with_context(|| name.clone())));
    }
    Ok(tally)
}

/// The images of the systems that were needed so far.
struct Images<'a, 'b> {
    context: &'a Context<'b>,
    built: RefCell<BTreeMap<(&'static str, Arch), SystemImage>>,
}

impl Images<'_, '_> {
    fn of(&self, system: &'static str, setting: Setting) -> Result<BTreeMap<Arch, SystemImage>> {
        let mut built = self.built.borrow_mut();
        let mut images = BTreeMap::new();
        for arch in setting.archs() {
            let image = match built.entry((system, *arch)) {
                Entry::Occupied(image) => image.into_mut(),
                Entry::Vacant(place) => {
                    let system = System::read(system.as_ref())?;
                    place.insert(self.context.builder()?.standard_image(&system, *arch)?)
                }
            };
            images.insert(*arch, image.clone());
        }
        Ok(images)
    }
}
