//! `netipc-fuzz`: throws mutated frames at netipc.
#![forbid(unsafe_code)]

use std::alloc::System;
use std::panic;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use cap::Cap;
use clap::{Parser, ValueEnum};
use netipc_fuzz::{Counts, Options, Target, run};

/// Counts what is in use, so that what a machine holds can be told.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Throws mutated frames at netipc's parsers and machines, from numbered cases.
#[derive(Parser)]
#[command(name = "isthmus fuzz")]
struct Arguments {
    /// How many cases with two machines and an outsider, and as many with a member and with a voter; 20 times more with the parsers.
    #[arg(long, default_value_t = CASES)]
    cases: u64,
    /// Go on until so much time has passed, instead.
    #[arg(long, value_name = "N", conflicts_with = "cases")]
    seconds: Option<u64>,
    /// The first case.
    #[arg(long, default_value_t = 0)]
    case: u64,
    /// Only this.
    #[arg(long)]
    target: Option<Thrown>,
}

/// What can be named.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Thrown {
    Parsers,
    Outsider,
    Member,
    Voter,
}

impl From<Thrown> for Target {
    fn from(thrown: Thrown) -> Self {
        match thrown {
            Thrown::Parsers => Self::Parsers,
            Thrown::Outsider => Self::Outsider,
            Thrown::Member => Self::Member,
            Thrown::Voter => Self::Voter,
        }
    }
}

/// Cases of each target, if nothing else is said.
const CASES: u64 = 1_000;
/// A case of the parsers takes so much less time.
const PARSERS: u64 = 20;
/// Cases between two looks at the clock.
const BATCH: u64 = 50;

/// What is running, for the words at a panic.
static RUNNING: Mutex<Option<(Target, u64)>> = Mutex::new(None);

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        before(panic);
        if let Ok(Some((target, case))) = RUNNING.lock().as_deref() {
            eprintln!("{}", replay(*target, *case));
        }
    }));
    let begun = Instant::now();
    let targets: Vec<Target> = match arguments.target {
        Some(target) => vec![target.into()],
        None => Target::ALL.to_vec(),
    };
    let mut totals = vec![(0, Counts::default()); targets.len()];
    let mut first = arguments.case;
    loop {
        let left = arguments.case + arguments.cases - first;
        let batch = match arguments.seconds {
            Some(seconds) if begun.elapsed() >= Duration::from_secs(seconds) => 0,
            Some(_) => BATCH,
            None => left.min(BATCH),
        };
        if batch == 0 {
            break;
        }
        for (target, (cases, counts)) in targets.iter().zip(&mut totals) {
            throw(*target, first, batch, cases, counts)?;
        }
        first += batch;
    }
    for (target, (cases, counts)) in targets.iter().zip(&totals) {
        println!(
            "{target:?}: {cases} cases, {} frames thrown, {} had an effect that they may have, {} calls answered",
            counts.frames, counts.accepted, counts.calls
        );
    }
    println!(
        "nothing found from case {} on, in {:.1} s",
        arguments.case,
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

fn throw(
    target: Target,
    first: u64,
    batch: u64,
    cases: &mut u64,
    counts: &mut Counts,
) -> Result<()> {
    let options = Options {
        heap: || HEAP.allocated(),
        ..Options::default()
    };
    let times = match target {
        Target::Parsers => PARSERS,
        Target::Outsider | Target::Member | Target::Voter => 1,
    };
    for case in first * times..(first + batch) * times {
        if let Ok(mut running) = RUNNING.lock() {
            *running = Some((target, case));
        }
        match run(target, case, &options) {
            Ok(more) => *counts += more,
            Err(failure) => bail!("{failure}\n{}", replay(target, case)),
        }
        *cases += 1;
    }
    Ok(())
}

/// How to see it again.
fn replay(target: Target, case: u64) -> String {
    let (name, case) = match target {
        Target::Parsers => ("parsers", case / PARSERS),
        Target::Outsider => ("outsider", case),
        Target::Member => ("member", case),
        Target::Voter => ("voter", case),
    };
    format!("see it again: ./isthmus fuzz --target {name} --case {case} --cases 1")
}
