//! `./isthmus bench`: figures, each with what it is made of, from programs that measure on the machines.

mod lost;
mod parts;
mod scenes;
mod traced;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use isthmus_testkit::{Arch, Clock, Cluster, Figure, Said, SystemImage, Word, understand};
use machine_tests::{Lab, Setting};
use microkernel_config::Profile;
use netipc_crypto::Encryption;
use serde_json::json;

use crate::Ending;
use crate::build::{Builder, System};
use crate::options;
use crate::setup;
use crate::ui::Ui;

/// The system that measures.
const MEASURING: &str = "systems/bench.toml";
/// The system whose start is measured: the one that is deployed.
const BOOTED: &str = "systems/demo.toml";
/// Tens of thousands of calls, under emulation.
const LIMIT: Duration = Duration::from_secs(300);
/// What the names of figures begin with that are measured without encryption.
const PLAIN: &str = "plain_";
/// Booting is measured so often.
const BOOTS: u64 = 9;

/// Figures that come from the same run, so that their ratios mean something.
struct Group {
    names: &'static [&'static str],
    system: &'static str,
    nodes: usize,
    clock: Clock,
    encryption: Encryption,
    how: How,
}

/// Who measures.
#[derive(Clone, Copy, Debug)]
enum How {
    /// The machine's program, which is told the names.
    Program,
    /// This one, from the start of QEMU to the root task's last word.
    Boot,
    /// This one, which kills and starts the machine that the program calls.
    Lost,
    /// Programs of the machine tests.
    Scene(fn(&Lab) -> Result<Vec<Figure>>),
    /// QEMU, by its log of what runs while the machine's program calls.
    Log,
}

const GROUPS: &[Group] = &[
    Group {
        names: &[
            "typed_call",
            "typed_call_64",
            "local_call",
            "local_call_4",
            "local_call_12",
            "local_call_above",
            "bare_call",
            "memory_page",
        ],
        system: MEASURING,
        nodes: 1,
        clock: Clock::Instructions,
        encryption: Encryption::On,
        how: How::Program,
    },
    Group {
        names: &[
            "wire_echo",
            "wire_echo_1100",
            "remote_call",
            "remote_call_120",
            "remote_call_ratio",
            "remote_call_120_ratio",
            "remote_calls_8",
            "remote_capability",
            "remote_capability_ratio",
        ],
        system: MEASURING,
        nodes: 2,
        clock: Clock::Real,
        encryption: Encryption::On,
        how: How::Program,
    },
    Group {
        names: &[
            "plain_remote_call",
            "plain_remote_call_120",
            "plain_remote_call_ratio",
            "plain_remote_call_120_ratio",
        ],
        system: MEASURING,
        nodes: 2,
        clock: Clock::Real,
        encryption: Encryption::OffForTests,
        how: How::Program,
    },
    Group {
        names: &["flood_before", "flood_beside", "flood_ratio"],
        system: MEASURING,
        nodes: 2,
        clock: Clock::Real,
        encryption: Encryption::On,
        how: How::Program,
    },
    Group {
        names: &lost::NAMES,
        system: MEASURING,
        nodes: 2,
        clock: Clock::Real,
        encryption: Encryption::On,
        how: How::Lost,
    },
    Group {
        names: &["spawn", "spawn_start", "spawn_main", "spawn_stop"],
        system: "systems/bench-spawn.toml",
        nodes: 1,
        clock: Clock::Real,
        encryption: Encryption::On,
        how: How::Program,
    },
    Group {
        names: &scenes::REVOCATIONS,
        system: machine_tests::figures::REVOKING,
        nodes: 3,
        clock: Clock::Real,
        encryption: Encryption::On,
        how: How::Scene(scenes::revocations),
    },
    Group {
        names: &scenes::BULK,
        system: machine_tests::figures::LENDING,
        nodes: 2,
        clock: Clock::Real,
        encryption: Encryption::On,
        how: How::Scene(scenes::bulk),
    },
    Group {
        names: &traced::TOTALS,
        system: MEASURING,
        nodes: 2,
        clock: Clock::Real,
        encryption: Encryption::On,
        how: How::Log,
    },
    Group {
        names: &["boot"],
        system: BOOTED,
        nodes: 1,
        clock: Clock::Real,
        encryption: Encryption::On,
        how: How::Boot,
    },
];

impl Group {
    /// Its figures that were asked for.
    fn wanted(&self, asked: &[String]) -> Vec<&'static str> {
        let wanted = |name: &&str| asked.is_empty() || asked.iter().any(|asked| asked == name);
        self.names.iter().copied().filter(wanted).collect()
    }
}

/// Measures what was asked for.
pub fn bench(ui: &Ui, options: &options::Bench) -> Result<Ending> {
    let known: Vec<&str> = GROUPS
        .iter()
        .flat_map(|group| group.names)
        .copied()
        .collect();
    if let Some(unknown) = options
        .names
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        bail!(
            "there is no benchmark `{unknown}`; there are: {}",
            known.join(", ")
        );
    }
    let archs = options
        .arch
        .map_or(Arch::ALL.to_vec(), |arch| vec![arch.into()]);
    setup::ensure_machines(ui, &archs)?;
    let builder = Builder::new(ui, archs.iter().copied(), Profile::Release)?;
    let mut figures = Vec::new();
    for arch in archs {
        for group in GROUPS {
            let names = group.wanted(&options.names);
            if names.is_empty() {
                continue;
            }
            let image = builder.standard_image(&System::read(group.system.as_ref())?, arch)?;
            let what = format!("measuring {} on {arch}", names.join(", "));
            let kernel = builder.kernel(arch);
            let measured = ui.step(&what, |_| measure(group, &image, kernel.as_deref(), &names))?;
            figures.extend(measured.into_iter().map(|figure| (arch, figure)));
        }
    }
    if options.json {
        print_json(&figures)
    } else {
        print_table(&figures)
    }
    Ok(Ending::Well)
}

fn measure(
    group: &Group,
    image: &SystemImage,
    kernel: Option<&Path>,
    names: &[&str],
) -> Result<Vec<Figure>> {
    match group.how {
        How::Program => measure_by_program(group, image, names),
        How::Boot => measure_boots(image, names),
        How::Scene(measure) => {
            let figures = measure(&lab(image))?.into_iter();
            Ok(figures
                .filter(|figure| names.contains(&figure.name.as_str()))
                .collect())
        }
        How::Lost => lost::measure(image, names),
        How::Log => traced::measure(image, kernel, names),
    }
}

/// Machines of one kind.
fn lab(image: &SystemImage) -> Lab {
    let setting = match image.arch() {
        Arch::X86_64 => Setting::X86_64,
        Arch::Aarch64 => Setting::Aarch64,
    };
    Lab::new(setting, [(image.arch(), image.clone())].into())
}

/// Runs the machines until the program on the last of them has measured everything.
fn measure_by_program(group: &Group, image: &SystemImage, names: &[&str]) -> Result<Vec<Figure>> {
    // The program does not know whether what it sends is encrypted.
    let asked: Vec<&str> = names
        .iter()
        .map(|name| name.strip_prefix(PLAIN).unwrap_or(name))
        .collect();
    let cluster = Cluster::of(std::iter::repeat_n(image, group.nodes))
        .clock(group.clock)
        .encryption(group.encryption)
        .arguments(format!("bench={}", asked.join(",")))
        .start()?;
    for machine in cluster.machines() {
        machine.wait_until_up()?;
    }
    let last = cluster.machine(group.nodes);
    let end = |said: &Said| {
        matches!(
            understand(said),
            Some(Word::Measured | Word::Wrong(_) | Word::Died(_))
        )
    };
    let end = last.wait_for_line("the end of the measurements", LIMIT, end)?;
    if understand(&end.said) != Some(Word::Measured) {
        return Err(cluster
            .failure(format!("the measurement failed: {}", end.said))
            .into());
    }
    let figures: Vec<Figure> = last
        .lines()
        .iter()
        .filter_map(|line| match understand(&line.said) {
            Some(Word::Figure(figure)) => Some(figure),
            _ => None,
        })
        .map(|figure| match group.encryption {
            Encryption::On => figure,
            Encryption::OffForTests => Figure {
                name: format!("{PLAIN}{}", figure.name),
                ..figure
            },
        })
        .collect();
    let told: BTreeSet<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
    if let Some(missing) = names.iter().find(|name| !told.contains(**name)) {
        return Err(cluster
            .failure(format!("the program ended without a figure for {missing}"))
            .into());
    }
    Ok(figures)
}

/// From the start of QEMU to the last component's start, again and again.
fn measure_boots(image: &SystemImage, names: &[&str]) -> Result<Vec<Figure>> {
    let mut times = Vec::new();
    for _ in 0..BOOTS {
        let cluster = Cluster::of([image]).prepare()?;
        let start = Instant::now();
        cluster.machine(1).start()?;
        cluster.machine(1).wait_until_up()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    // Of so few, the 99th percentile is the worst.
    let (p50, p99) = (times[times.len() / 2], times[times.len() - 1]);
    Ok(names
        .iter()
        .map(|name| Figure {
            name: (*name).to_owned(),
            unit: "ms".to_owned(),
            p50,
            p99,
            n: BOOTS,
        })
        .collect())
}

fn print_table(figures: &[(Arch, Figure)]) {
    println!(
        "{:<28} {:<8} {:>12} {:>12} {:>8}  unit",
        "name", "arch", "p50", "p99", "n"
    );
    for (
        arch,
        Figure {
            name,
            unit,
            p50,
            p99,
            n,
        },
    ) in figures
    {
        println!(
            "{name:<28} {:<8} {p50:>12.1} {p99:>12.1} {n:>8}  {unit}",
            arch.name()
        );
    }
}

fn print_json(figures: &[(Arch, Figure)]) {
    let array: Vec<_> = figures
        .iter()
        .map(|(arch, figure)| {
            let Figure { name, unit, p50, p99, n } = figure;
            json!({ "name": name, "arch": arch.name(), "unit": unit, "p50": p50, "p99": p99, "n": n })
        })
        .collect();
    println!("{:#}", json!(array));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let names: Vec<&str> = GROUPS
            .iter()
            .flat_map(|group| group.names)
            .copied()
            .collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
