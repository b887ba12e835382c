//! What a machine that calls another sees when that one dies and is started again: how long the call in progress takes to end, and how soon calls are answered
//! after the start.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use isthmus_testkit::{Cluster, ConsoleLine, Figure, Machine, Said, SystemImage, Word, understand};

/// What the machine's program is told to do.
const NAME: &str = "lost";
/// The figures: by the caller's clock, and by the host's.
pub const NAMES: [&str; 2] = ["detection", "rejoin"];
/// So many deaths.
const ROUNDS: usize = 9;
/// On a busy host a machine takes its time.
const LIMIT: Duration = Duration::from_secs(60);

/// Kills and starts the called machine again and again.
pub fn measure(image: &SystemImage, names: &[&str]) -> Result<Vec<Figure>> {
    let cluster = Cluster::of([image, image])
        .arguments(format!("bench={NAME}"))
        .start()?;
    for machine in cluster.machines() {
        machine.wait_until_up()?;
    }
    let (called, caller) = (cluster.machine(1), cluster.machine(2));
    wait(caller, "bench: answered", 1)?;
    let (mut detections, mut rejoins) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        // Some calls of this life of the machine have been answered.
        std::thread::sleep(SETTLE);
        called.kill();
        let said = wait(caller, "bench: unanswered", round)?;
        detections.push(micros(&said)? / 1000.0);
        called.start()?;
        called.wait_until_up()?;
        let up = Instant::now();
        wait(caller, "bench: answered", round + 1)?;
        // The first call may have been answered before the last component was started.
        rejoins.push(up.elapsed().as_secs_f64() * 1000.0);
    }
    let figure = |name: &str, mut samples: Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        Figure {
            name: name.to_owned(),
            unit: "ms".to_owned(),
            p50: samples[samples.len() / 2],
            // Of so few, the 99th percentile is the worst.
            p99: samples[samples.len() - 1],
            n: ROUNDS as u64,
        }
    };
    let [detection, rejoin] = NAMES;
    let figures = [figure(detection, detections), figure(rejoin, rejoins)];
    Ok(figures
        .into_iter()
        .filter(|figure| names.contains(&figure.name.as_str()))
        .collect())
}

/// Between a machine's first answer and its death: calls go on meanwhile, and nothing is measured.
const SETTLE: Duration = Duration::from_millis(200);

/// The `count`th line of the caller that begins like this.
fn wait(caller: &Machine, words: &str, count: usize) -> Result<ConsoleLine> {
    let is_one = |said: &Said| said.words().is_some_and(|said| said.starts_with(words));
    let end = Instant::now() + LIMIT;
    loop {
        let lines = caller.lines();
        let mut found = lines.into_iter().filter(|line| is_one(&line.said));
        if let Some(line) = found.nth(count - 1) {
            return Ok(line);
        }
        let failed = |line: &ConsoleLine| {
            matches!(understand(&line.said), Some(Word::Wrong(_) | Word::Died(_)))
        };
        if Instant::now() >= end || caller.lines().iter().any(failed) {
            return Err(caller
                .failure(format!(
                    "waited for \"{words}\" for the {count}th time, in vain"
                ))
                .into());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Between two looks at the console: what `rejoin` is exact to.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

fn micros(line: &ConsoleLine) -> Result<f64> {
    let last = line
        .said
        .words()
        .and_then(|words| words.split(' ').next_back());
    let micros = last.and_then(|last| last.parse().ok());
    micros.context("the program did not say how long it waited")
}
