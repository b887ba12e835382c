//! `./isthmus demo`: the story of a call from one machine to another.

use std::time::{Duration, Instant};

use anyhow::Result;
use isthmus_testkit::{Cluster, ConsoleLine, Machine, SystemImage, Word, understand};
use microkernel_config::Profile;

use crate::Ending;
use crate::build::{Builder, System};
use crate::options;
use crate::setup;
use crate::ui::Ui;

/// The system that is demonstrated.
const SYSTEM: &str = "systems/demo.toml";
/// The component that calls and judges the answers.
const CLIENT: &str = "kv-client";
/// The component that is called.
const SERVER: &str = "kv-server";

/// The client's work takes milliseconds once the machines are up.
const STORY_LIMIT: Duration = Duration::from_secs(60);

/// Runs the demonstration.
pub fn demo(ui: &Ui, options: &options::Demo) -> Result<Ending> {
    let archs = options.arch.archs(options.nodes.into());
    setup::ensure_machines(ui, &archs)?;
    let builder = Builder::new(ui, archs.iter().copied(), Profile::Release)?;
    let images = builder.images(&System::read(SYSTEM.as_ref())?)?;
    let images: Vec<&SystemImage> = archs.iter().filter_map(|arch| images.get(arch)).collect();

    let verbose = options.verbose;
    let cluster = Cluster::of(images).on_line(move |line| {
        if verbose {
            eprintln!("{line}");
        }
    });
    let start = Instant::now();
    let cluster = ui.step("booting", |step| {
        let cluster = cluster.start()?;
        for machine in cluster.machines() {
            step.detail(&format!("machine {}", machine.node()));
            machine.wait_until_up()?;
        }
        anyhow::Ok(cluster)
    })?;
    for machine in cluster.machines() {
        tell_machine(machine, options.nodes);
    }
    let client = cluster.machine(options.nodes.into());
    let summary = ui.step("the client calls", |_| client.wait_until_right(STORY_LIMIT));
    tell_calls(&cluster, client);
    println!(
        "{}",
        capital(&format!(
            "right: {} ({:.1} s from power-on)",
            summary?,
            start.elapsed().as_secs_f64()
        ))
    );
    Ok(Ending::Well)
}

/// A few lines about a machine: what it is, and who of the story lives there, in which program.
fn tell_machine(machine: &Machine, nodes: u8) {
    let words: Vec<(ConsoleLine, Word)> = machine
        .lines()
        .into_iter()
        .filter_map(|line| Some((line.clone(), understand(&line.said)?)))
        .collect();
    let components: Vec<(&str, &str)> = words
        .iter()
        .filter_map(|(_, word)| match word {
            Word::Component { name, sha256 } => Some((name.as_str(), sha256.as_str())),
            _ => None,
        })
        .collect();
    let up = words
        .iter()
        .find(|(_, word)| *word == Word::AllStarted)
        .map_or(0.0, |(line, _)| line.at.as_secs_f64());
    println!(
        "Machine {} of {nodes} ({}): seL4 and {} components, up after {up:.1} s",
        machine.node(),
        machine.arch(),
        components.len()
    );
    for (name, sha256) in components {
        if [CLIENT, SERVER].contains(&name) {
            println!("  {name}: SHA-256 {sha256}");
        }
    }
}

/// Who called whom, through what, and what the client has told.
fn tell_calls(cluster: &Cluster, client: &Machine) {
    let server = cluster.machine(1);
    if server.node() == client.node() {
        println!(
            "{CLIENT} calls {SERVER} through an endpoint of machine {}:",
            client.node()
        );
    } else {
        let frames = cluster.switch().counters().delivered;
        println!(
            "{CLIENT} on machine {} calls {SERVER} on machine {} through netipc ({frames} frames on the wire):",
            client.node(),
            server.node()
        );
    }
    for line in client.lines() {
        if let Some(Word::Told(text)) = understand(&line.said) {
            println!("  {text}");
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
