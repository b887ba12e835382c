//! What a remote call executes beyond a raw frame's round trip, by machine and part: from QEMU's log of executed code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use isthmus_testkit::{Clock, Cluster, Figure, Said, SystemImage, Word, understand};
use qemu_trace::Trace;
use tempfile::TempDir;

use super::parts::{Counts, Part, Programs};

/// What the machine's program is told to do, and what it says.
const NAME: &str = "traced";
/// The round trips that are counted, in the order in which the program makes them.
const KINDS: [&str; 2] = ["wire_echo", "remote_call"];
/// The machine that calls is the second; its server is on the first.
const SIDES: [(&str, usize); 2] = [("client", 2), ("server", 1)];
/// A log makes a machine a hundred times slower.
const LIMIT: Duration = Duration::from_secs(120);

/// The figures' names, without the parts'.
pub const TOTALS: [&str; 2] = ["beyond_echo_client", "beyond_echo_server"];

/// The file beside the image in which the details are, as text.
const DETAILS: &str = "beyond-echo.txt";

/// For each machine that was asked for the whole, and its parts.
pub fn measure(image: &SystemImage, kernel: Option<&Path>, names: &[&str]) -> Result<Vec<Figure>> {
    let files = image.image().files();
    let folder = files.first().and_then(|file| file.parent());
    let folder = folder.context("the image is in no folder")?;
    let logs = tempfile::tempdir().context("no folder for QEMU's logs")?;
    let rounds = log(image, &logs)?;
    let programs = Programs::read(&folder.join(SystemImage::PROGRAMS), kernel)?;
    let mut figures = Vec::new();
    let mut text = String::new();
    for (side, machine) in SIDES {
        let mut trace = Trace::new();
        let mut counts = Vec::new();
        for kind in KINDS {
            let file = log_of(&logs, machine, kind);
            let file = File::open(&file).with_context(|| format!("{}", file.display()))?;
            trace.read(BufReader::new(file))?;
            let of_kind = programs.count(trace.take_runs());
            if trace.unknown() > 0 || !of_kind.some_ran(rounds) {
                bail!(
                    "QEMU's log of {kind} on the {side}'s machine is not whole: nothing ran {rounds} times"
                );
            }
            tell(&mut text, &format!("{kind}, {side}"), &of_kind, rounds);
            counts.push(of_kind);
        }
        let [echo, call] = &counts[..] else {
            bail!("there are other round trips than these two");
        };
        if names.contains(&total(side).as_str()) {
            figures.extend(beyond(side, echo, call, rounds));
        }
    }
    let details = folder.join(DETAILS);
    std::fs::write(&details, text).with_context(|| format!("{}", details.display()))?;
    Ok(figures)
}

fn total(side: &str) -> String {
    format!("beyond_echo_{side}")
}

fn log_of(logs: &TempDir, machine: usize, kind: &str) -> PathBuf {
    logs.path().join(format!("{machine}-{kind}.log"))
}

/// Has both machines' QEMU log each kind of round trip; how many there were of each.
fn log(image: &SystemImage, logs: &TempDir) -> Result<u64> {
    let cluster = Cluster::of([image, image])
        .arguments(format!("bench={NAME}"))
        // Logging is slow: by the host's clock every deadline would pass meanwhile.
        .clock(Clock::Instructions)
        .monitored()
        .start()?;
    for machine in cluster.machines() {
        machine.wait_until_up()?;
    }
    let caller = cluster.machine(2);
    let wait = |wanted: &str| {
        let end = |said: &Said| {
            said.words().is_some_and(|words| words.contains(wanted))
                || matches!(understand(said), Some(Word::Wrong(_) | Word::Died(_)))
        };
        let line = caller.wait_for_line(wanted, LIMIT, end)?;
        match line.said.words() {
            Some(words) if words.contains(wanted) => Ok(words.to_owned()),
            _ => Err(cluster.failure(format!("the calls failed: {}", line.said))),
        }
    };
    let mut rounds = None;
    for kind in KINDS {
        wait(&format!("bench: begins {kind}"))?;
        for machine in cluster.machines() {
            let file = log_of(logs, machine.node().into(), kind);
            machine.monitor(&format!("logfile {}", file.display()))?;
            machine.monitor("log exec,in_asm,nochain")?;
        }
        let said = wait(&format!("bench: ended {kind} "))?;
        for machine in cluster.machines() {
            machine.monitor("log none")?;
        }
        rounds = said.split(' ').next_back().and_then(|n| n.parse().ok());
    }
    rounds.context("the program did not say how many round trips it made")
}

/// The figures of one machine: the mean of all round trips, for they are counted together.
fn beyond(side: &str, echo: &Counts, call: &Counts, rounds: u64) -> Vec<Figure> {
    let of = |counts: &Counts, part: &Part| counts.parts.get(part).copied().unwrap_or(0) as f64;
    let mut parts = BTreeMap::new();
    for part in Part::WORK {
        parts.insert(part, (of(call, &part) - of(echo, &part)) / rounds as f64);
    }
    let figure = |name: String, value: f64| Figure {
        name,
        unit: "instructions".to_owned(),
        p50: value,
        p99: value,
        n: rounds,
    };
    let whole = figure(total(side), parts.values().sum());
    let part =
        |(part, value): (&Part, &f64)| figure(format!("{}_{}", total(side), part.name()), *value);
    std::iter::once(whole)
        .chain(parts.iter().map(part))
        .collect()
}

/// The functions that ran most, for whoever wants to make the path shorter.
fn tell(text: &mut String, title: &str, counts: &Counts, rounds: u64) {
    let each = |count: u64| count as f64 / rounds as f64;
    let mut line = |words: String| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{words}");
    };
    line(format!("{title}: instructions in each of {rounds}"));
    for (part, count) in &counts.parts {
        let blocks = counts.blocks.get(part).copied().unwrap_or(0);
        let pages = counts.pages.get(part).map_or(0, |pages| pages.len());
        line(format!(
            "{:>10.1}  {}, {blocks} blocks in {pages} pages",
            each(*count),
            part.name()
        ));
    }
    let mut functions: Vec<_> = counts.functions.iter().collect();
    functions.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for ((part, program, function), count) in functions.into_iter().take(MOST) {
        line(format!(
            "{:>10.1}  {}: {program}: {function}",
            each(*count),
            part.name()
        ));
    }
    line(String::new());
}

/// So many functions are told.
const MOST: usize = 60;
