//! `netipc-sim`: hunts for broken promises of netipc.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Parser;
use netipc_protocol::coverage::transitions;
use netipc_simulator::mutants::{self, Mutant};
use netipc_simulator::picture::{Entry, head};
use netipc_simulator::{
    History, NODES_MAX, Options, Protection, Record, Summary, Violation, WithViews, hunt, run,
};

/// Runs clusters of the netipc protocol under virtual time and checks every promise.
#[derive(Parser)]
#[command(name = "isthmus sim")]
struct Arguments {
    /// How many seeds; each is one history.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed. Without --seeds, only this one, with its whole history as a message-sequence picture.
    #[arg(long)]
    seed: Option<u64>,
    /// Machines of each history; otherwise each seed draws, 5 at least.
    #[arg(long, value_parser = clap::value_parser!(u8).range(2..=i64::from(NODES_MAX)))]
    nodes: Option<u8>,
    /// With the real cipher, and keys that are replaced all the time, instead of a sum.
    #[arg(long)]
    real_cipher: bool,
    /// With --seed: only what this call went through.
    #[arg(long)]
    call: Option<usize>,
    /// With views of the cluster in every history, not in one of fifty.
    #[arg(long)]
    views: bool,
    /// Also plant each known mistake in turn, and fail if it is not found.
    #[arg(long)]
    mutants: bool,
}

fn main() -> Result<()> {
    let given = std::env::args().any(|argument| argument.starts_with("--seeds"));
    let arguments = Arguments::parse();
    let options = Options {
        nodes: arguments.nodes,
        protection: match arguments.real_cipher {
            true => Protection::Real,
            false => Protection::Sum,
        },
        views: match arguments.views {
            true => WithViews::All,
            false => WithViews::Some,
        },
        ..Options::default()
    };
    if let (Some(seed), false) = (arguments.seed, given || arguments.mutants) {
        return replay(seed, &options, arguments.call);
    }
    let first = arguments.seed.unwrap_or(0);
    clean(first, arguments.seeds, &options)?;
    if arguments.mutants {
        for mutant in mutants::all() {
            planted(first, &mutant, &options)?;
        }
        for (mistake, why) in mutants::MISSING {
            println!("not planted: {mistake}: {why}");
        }
    }
    Ok(())
}

/// No promise may be broken.
fn clean(first: u64, seeds: u64, options: &Options) -> Result<()> {
    let begin = Instant::now();
    let mut told = begin;
    let (summary, found) = hunt(first, seeds, options, |seed, summary| {
        if told.elapsed() > Duration::from_secs(2) {
            told = Instant::now();
            eprintln!(
                "  seed {seed} of {}: {} events",
                first + seeds - 1,
                summary.events
            );
        }
    });
    println!("{summary}");
    println!("faults: {}", summary.faults_by_kind());
    speed(&summary, begin.elapsed());
    if let Some((seed, violation)) = found {
        report(seed, options, &violation);
        bail!("seed {seed} breaks a promise");
    }
    coverage(&summary)?;
    println!("no promise broken from seed {first} on");
    Ok(())
}

/// How fast it was: by the clock, and by the time that the processor gave, which is what counts on a busy machine.
fn speed(summary: &Summary, elapsed: Duration) {
    let rates = |seconds: f64| {
        format!(
            "{:.1} s, {:.0} histories/s, {:.0} events/s",
            seconds,
            summary.histories as f64 / seconds,
            summary.events as f64 / seconds
        )
    };
    println!("by the clock: {}", rates(elapsed.as_secs_f64()));
    if let Some(processor) = processor_time() {
        println!(
            "of processor time on one core: {}",
            rates(processor.as_secs_f64())
        );
    }
}

/// The processor time of this process so far, where Linux says it.
fn processor_time() -> Option<Duration> {
    let line = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanos = line.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// Which states and transitions were passed through, and what was done with frames. A transition that there is not is an error.
fn coverage(summary: &Summary) -> Result<()> {
    let (mut seen, mut legal, mut never, mut wrong) = (0, 0, Vec::new(), Vec::new());
    for transition in transitions() {
        let name = format!(
            "{:?} {} -> {}",
            transition.part, transition.from, transition.to
        );
        match (transition.legal, transition.seen) {
            (true, 0) => never.push(name),
            (true, _) => seen += 1,
            (false, times) => wrong.push(format!("{name} ({times} times)")),
        }
        legal += usize::from(transition.legal);
    }
    println!("coverage: {seen} of {legal} transitions of slots and rows");
    if !never.is_empty() {
        println!("  never: {}", never.join(", "));
    }
    for line in summary.frames_by_fate() {
        println!("  {line}");
    }
    if !wrong.is_empty() {
        bail!("transitions that no table has: {}", wrong.join(", "));
    }
    Ok(())
}

/// A planted fault must be found.
fn planted(first: u64, mutant: &Mutant, options: &Options) -> Result<()> {
    let Mutant {
        mistake, within, ..
    } = *mutant;
    match hunt(first, within, &mutant.options(options), |_, _| {}) {
        (summary, Some((seed, violation))) => {
            println!(
                "{mistake:?}: found in seed {seed}, after {} of at most {within} histories: {violation}",
                summary.histories
            );
            Ok(())
        }
        (_, None) => bail!("{mistake:?} was not found in {within} seeds"),
    }
}

/// One seed, with everything that happens in it, or in one call.
fn replay(seed: u64, options: &Options, call: Option<usize>) -> Result<()> {
    let history = recorded(seed, options);
    let entries = history
        .entries
        .iter()
        .filter(|entry| call.is_none() || entry.call == call);
    draw(&history, entries);
    println!("{}", history.summary);
    match history.violation {
        Some(violation) => bail!("seed {seed} breaks a promise: {violation}"),
        None => Ok(()),
    }
}

fn recorded(seed: u64, options: &Options) -> History {
    let options = Options {
        record: Record::Everything,
        ..*options
    };
    run(seed, &options)
}

fn draw<'a>(history: &History, entries: impl Iterator<Item = &'a Entry>) {
    println!("{}", head(history.nodes));
    for entry in entries {
        println!("{}", entry.line(history.nodes));
    }
}

/// What the call of a broken promise went through, the end of the history, and how to see all of it.
fn report(seed: u64, options: &Options, violation: &Violation) {
    const LINES: usize = 40;
    let history = recorded(seed, options);
    if let Some(call) = violation.call {
        println!("\nwhat call {call} went through:");
        let about = |entry: &&Entry| entry.call == Some(call);
        draw(&history, history.entries.iter().filter(about));
    }
    println!("\nthe end:");
    let from = history.entries.len().saturating_sub(LINES);
    draw(&history, history.entries[from..].iter());
    println!("{violation}");
    let nodes = options
        .nodes
        .map_or(String::new(), |nodes| format!(" --nodes {nodes}"));
    let views = match options.views {
        WithViews::All => " --views",
        WithViews::Some => "",
    };
    println!("The whole history: ./isthmus sim --seed {seed}{nodes}{views}");
}
