//! `netipc-sim`: hunts for broken promises of netipc.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Parser;
use netipc_protocol::PlantedFault;
use netipc_simulator::{
    NODES_MAX, Options, Record, SEEDS_PER_FAULT, Summary, Violation, hunt, run,
};

/// Runs clusters of the netipc protocol under virtual time and checks every promise.
#[derive(Parser)]
#[command(name = "netipc-sim")]
struct Arguments {
    /// How many seeds; each is one history.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed. Without --seeds, only this one, with its whole history.
    #[arg(long)]
    seed: Option<u64>,
    /// Machines of each history; otherwise each seed draws.
    #[arg(long, value_parser = clap::value_parser!(u8).range(2..=i64::from(NODES_MAX)))]
    nodes: Option<u8>,
    /// Also plant each known fault in turn, and fail if it is not found.
    #[arg(long)]
    mutants: bool,
}

fn main() -> Result<()> {
    let given = std::env::args().any(|argument| argument.starts_with("--seeds"));
    let arguments = Arguments::parse();
    let options = Options {
        nodes: arguments.nodes,
        ..Options::default()
    };
    if let (Some(seed), false) = (arguments.seed, given || arguments.mutants) {
        return replay(seed, &options);
    }
    let first = arguments.seed.unwrap_or(0);
    clean(first, arguments.seeds, &options)?;
    if arguments.mutants {
        for fault in PlantedFault::ALL {
            planted(first, fault, &options)?;
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
    let seconds = begin.elapsed().as_secs_f64();
    println!("{summary}");
    println!(
        "{:.1} s: {:.0} histories/s, {:.0} events/s",
        seconds,
        summary.histories as f64 / seconds,
        summary.events as f64 / seconds,
    );
    if let Some((seed, violation)) = found {
        report(seed, options, &violation);
        bail!("seed {seed} breaks a promise");
    }
    println!("no promise broken from seed {first} on");
    Ok(())
}

/// A planted fault must be found.
fn planted(first: u64, fault: PlantedFault, options: &Options) -> Result<()> {
    let options = Options {
        fault: Some(fault),
        ..*options
    };
    let (summary, found): (Summary, Option<(u64, Violation)>) =
        hunt(first, SEEDS_PER_FAULT, &options, |_, _| {});
    match found {
        Some((seed, violation)) => {
            println!(
                "{fault:?}: found in seed {seed}, after {} histories: {violation}",
                summary.histories
            );
            Ok(())
        }
        None => bail!("{fault:?} was not found in {SEEDS_PER_FAULT} seeds"),
    }
}

/// One seed, with everything that happens in it.
fn replay(seed: u64, options: &Options) -> Result<()> {
    let options = Options {
        record: Record::Everything,
        ..*options
    };
    let history = run(seed, &options);
    for line in &history.lines {
        println!("{line}");
    }
    println!("{}", history.summary);
    match history.violation {
        Some(_) => bail!("seed {seed} breaks a promise"),
        None => Ok(()),
    }
}

/// The end of a failing seed's history, and how to see all of it.
fn report(seed: u64, options: &Options, violation: &Violation) {
    const LINES: usize = 60;
    let options = Options {
        record: Record::Everything,
        ..*options
    };
    let history = run(seed, &options);
    let from = history.lines.len().saturating_sub(LINES);
    for line in &history.lines[from..] {
        println!("{line}");
    }
    println!("{violation}");
    println!("The whole history: ./isthmus sim --seed {seed}");
}
