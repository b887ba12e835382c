//! `./isthmus test`: a table of stages, each made of units with a name; the last line is `N passed, N failed`.
//!
//! To add a stage: write a function that says its units and one that runs some of them, and its line in [`STAGES`].

mod command;
mod guides;
mod host;
mod kernel;
mod machines;
mod target;
mod users;

use std::cell::OnceCell;
use std::process::Command;

use anyhow::Result;
use isthmus_build::Project;
use isthmus_process::Isolated;
use isthmus_testkit::Arch;
use microkernel_config::Profile;

use crate::Ending;
use crate::build::Builder;
use crate::options;
use crate::programs::Catalogue;
use crate::ui::Ui;
use crate::workspace;

/// A group of checks.
struct Stage {
    /// The first part of its units' names.
    name: &'static str,
    /// Whether `--quick` leaves it out.
    with_machines: Machines,
    /// The names of its units, without the stage's.
    units: fn(&Context) -> Result<Vec<String>>,
    /// Runs some of them.
    run: fn(&Context, &[String]) -> Result<Tally>,
}

/// Whether a stage starts machines, or takes as long as if it did: then `--quick` leaves it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machines {
    None,
    Started,
}

/// Everything that is checked, the quickest to fail first.
const STAGES: &[Stage] = &[
    Stage {
        name: "format",
        with_machines: Machines::None,
        units: host::one,
        run: host::format,
    },
    Stage {
        name: "host-lints",
        with_machines: Machines::None,
        units: host::one,
        run: host::lints,
    },
    Stage {
        name: "host-docs",
        with_machines: Machines::None,
        units: host::one,
        run: host::docs,
    },
    Stage {
        name: "host-tests",
        with_machines: Machines::None,
        units: host::packages,
        run: host::tests,
    },
    Stage {
        name: "loader",
        with_machines: Machines::None,
        units: host::one,
        run: host::loader,
    },
    Stage {
        name: "simulator",
        with_machines: Machines::None,
        units: host::one,
        run: host::simulator,
    },
    Stage {
        name: "fuzz",
        with_machines: Machines::None,
        units: host::one,
        run: host::fuzz,
    },
    Stage {
        name: "bindings",
        with_machines: Machines::None,
        units: target::archs,
        run: host::bindings,
    },
    Stage {
        name: "target-lints",
        with_machines: Machines::None,
        units: target::archs,
        run: target::lints,
    },
    Stage {
        name: "target-docs",
        with_machines: Machines::None,
        units: target::archs,
        run: target::docs,
    },
    Stage {
        name: "dissector",
        with_machines: Machines::Started,
        units: host::one,
        run: host::dissector,
    },
    Stage {
        name: "kernel-builds",
        with_machines: Machines::Started,
        units: host::one,
        run: host::kernel_builds,
    },
    Stage {
        name: "kernel-facts",
        with_machines: Machines::Started,
        units: kernel::archs,
        run: kernel::facts,
    },
    Stage {
        name: "kernel-patches",
        with_machines: Machines::Started,
        units: kernel::patches,
        run: kernel::without_patches,
    },
    Stage {
        name: "command",
        with_machines: Machines::Started,
        units: command::checks,
        run: command::run,
    },
    Stage {
        name: "guides",
        with_machines: Machines::Started,
        units: guides::pages,
        run: guides::follow,
    },
    Stage {
        name: "machines",
        with_machines: Machines::Started,
        units: machines::scenarios,
        run: machines::run,
    },
];

/// How much of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A sample, chosen so that whatever differs between settings is there.
    Sample,
    /// All of it (`--long`).
    Full,
}

/// What stages share.
pub(crate) struct Context<'a> {
    ui: &'a Ui,
    extent: Extent,
    catalogue: Catalogue,
    builder: OnceCell<Builder<'a>>,
}

impl<'a> Context<'a> {
    /// What builds for the machines: for both architectures, with the release kernel, once.
    fn builder(&self) -> Result<&Builder<'a>> {
        if let Some(builder) = self.builder.get() {
            return Ok(builder);
        }
        let builder = Builder::new(self.ui, Arch::ALL, Profile::Release)?;
        Ok(self.builder.get_or_init(|| builder))
    }
}

/// What came of some checks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    /// What each failed check said.
    failures: Vec<String>,
    /// Failed checks that are counted and said nothing of their own.
    further_failed: u64,
}

impl Tally {
    fn failed(&self) -> u64 {
        self.failures.len() as u64 + self.further_failed
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.further_failed += other.further_failed;
        self.failures.extend(other.failures);
    }

    /// One check.
    fn of<E: std::fmt::Display>(result: &Result<(), E>) -> Self {
        match result {
            Ok(()) => Self {
                passed: 1,
                ..Self::default()
            },
            Err(error) => Self {
                failures: vec![format!("{error:#}")],
                ..Self::default()
            },
        }
    }
}

/// `./isthmus sim`: the simulator with its own arguments, on this terminal.
pub fn simulate(arguments: &[String]) -> Result<Ending> {
    on_this_terminal(host::simulator_command(), arguments)
}

/// `./isthmus fuzz`: the fuzzer with its own arguments, on this terminal.
pub fn fuzz(arguments: &[String]) -> Result<Ending> {
    on_this_terminal(host::fuzzer_command(), arguments)
}

fn on_this_terminal(mut command: Command, arguments: &[String]) -> Result<Ending> {
    command.args(arguments);
    let status = Isolated::spawn(command, |_| {})?.wait()?;
    Ok(if status.success() {
        Ending::Well
    } else {
        Ending::Wanting
    })
}

/// Runs what was asked for.
pub fn test(ui: &Ui, options: &options::Test) -> Result<Ending> {
    let project = Project::here()?;
    if project.is_users() {
        return users::test(ui, &project, options);
    }
    let context = Context {
        ui,
        extent: if options.long {
            Extent::Full
        } else {
            Extent::Sample
        },
        catalogue: Catalogue::read(workspace::root())?,
        builder: OnceCell::new(),
    };
    let mut total = Tally::default();
    let mut found = 0;
    for stage in STAGES
        .iter()
        .filter(|stage| !options.quick || stage.with_machines == Machines::None)
    {
        let full = |unit: &String| {
            if unit.is_empty() {
                stage.name.to_owned()
            } else {
                format!("{}/{unit}", stage.name)
            }
        };
        let wanted = |unit: &String| {
            options
                .filter
                .as_ref()
                .is_none_or(|filter| full(unit).contains(filter.as_str()))
        };
        let units: Vec<String> = (stage.units)(&context)?
            .into_iter()
            .filter(wanted)
            .collect();
        found += units.len();
        if options.list {
            units.iter().for_each(|unit| println!("{}", full(unit)));
        } else if !units.is_empty() {
            // A stage that cannot be run is a failure like another: the others still are.
            let tally =
                (stage.run)(&context, &units).unwrap_or_else(|error| Tally::of(&Err(error)));
            report(ui, stage, &tally);
            total.add(tally);
        }
    }
    if options.list {
        return Ok(Ending::Well);
    }
    if found == 0 {
        anyhow::bail!(
            "nothing has `{}` in its name: `./isthmus test --list` shows what there is",
            options.filter.as_deref().unwrap_or_default()
        );
    }
    println!("{} passed, {} failed", total.passed, total.failed());
    Ok(if total.failed() == 0 {
        Ending::Well
    } else {
        Ending::Wanting
    })
}

fn report(ui: &Ui, stage: &Stage, tally: &Tally) {
    match tally.failed() {
        0 => ui.say(&format!("{}: {} passed", stage.name, tally.passed)),
        failed => ui.say(&format!(
            "{}: {} passed, {failed} FAILED",
            stage.name, tally.passed
        )),
    }
    for failure in &tally.failures {
        ui.say(&format!("---- {} ----\n{}", stage.name, failure.trim_end()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn stages_have_names_of_their_own() {
        let names: BTreeSet<&str> = STAGES.iter().map(|stage| stage.name).collect();
        assert_eq!(names.len(), STAGES.len());
    }

    #[test]
    fn tallies_add_up() {
        let mut tally = Tally::of::<anyhow::Error>(&Ok(()));
        tally.add(Tally::of(&Err(anyhow::anyhow!("no"))));
        tally.add(Tally {
            further_failed: 2,
            ..Tally::default()
        });
        assert_eq!((tally.passed, tally.failed()), (1, 3));
    }
}
