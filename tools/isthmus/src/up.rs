//! `./isthmus up`: machines that run until Ctrl-C, with every console.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use isthmus_build::{ClusterFile, Project, Random};
use isthmus_testkit::{
    Cluster, ClusterBuilder, ConsoleLine, GRAMMAR, Host, KeyLog, Randomness, Said, Script,
    SystemImage,
};
use microkernel_config::Profile;

use crate::Ending;
use crate::build::{Builder, System};
use crate::cluster;
use crate::options;
use crate::setup::{self, Purpose};
use crate::ui::Ui;

/// How often it is looked whether machines are still running.
const LOOK_AFTER: Duration = Duration::from_millis(200);

/// Starts the machines and keeps them.
pub fn up(ui: &Ui, options: &options::Up) -> Result<Ending> {
    let script = options.net.as_deref().map(script).transpose()?;
    if let Some(folder) = &options.keys {
        // Whether it has any is said before anything is built.
        cluster::files(folder, 1)?;
    }
    if options.gdb.is_some() {
        setup::ensure(ui, &[Purpose::Debug])?;
    }
    let (builder, what) = match &options.cluster {
        Some(file) => of_file(ui, options, file)?,
        None => of_system(ui, options)?,
    };
    let keys = options.keys.as_ref();
    let keys = keys.map(|folder| cluster::files(folder, builder.len()));
    let builder = match options.keys {
        Some(_) => builder.with_outsider(),
        None => builder,
    };
    let cluster = builder
        .keys(keys.transpose()?)
        .key_log(match options.key_log {
            true => KeyLog::OnForTests,
            false => KeyLog::Off,
        })
        .pcap(options.pcap.clone())
        .debugged(options.gdb.map(usize::from))
        .on_line(show)
        .start()?;
    ui.say(&format!(
        "{} machines with {what}. Ctrl-C ends them; a line `N text` is typed into machine N; `net help` says what the network may be told; `keys` sends the machines the present keys of their folder.",
        cluster.machines().len()
    ));
    if let Some(script) = &script {
        cluster.play(script)?;
    }
    if let Some(node) = options.gdb {
        ui.say(&format!(
            "Machine {node} waits for gdb: `gdb-multiarch -ex 'target remote :{}' PROGRAM`, then `continue`.",
            ClusterBuilder::GDB_PORT
        ));
    }
    let cluster = Arc::new(cluster);
    let typed = Arc::downgrade(&cluster);
    // It waits for a line for ever, so it ends with the program.
    let folder = options.keys.clone();
    std::thread::spawn(move || type_lines(&Ui::new(), &typed, folder.as_deref()));
    while cluster
        .machines()
        .iter()
        .any(isthmus_testkit::Machine::is_running)
    {
        std::thread::sleep(LOOK_AFTER);
    }
    ui.say("All machines have ended.");
    Ok(Ending::Wanting)
}

/// The network's script, looked at before anything is built or started.
fn script(file: &Path) -> Result<String> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("the script {name}"))?;
    let checked: Result<Script, _> = text.parse();
    checked.with_context(|| format!("the script {name}"))?;
    Ok(text)
}

fn profile(options: &options::Up) -> Profile {
    if options.debug {
        Profile::Debug
    } else {
        Profile::Release
    }
}

/// Machines that all run the same.
fn of_system(ui: &Ui, options: &options::Up) -> Result<(ClusterBuilder, String)> {
    let archs = options.arch.archs(options.nodes.into());
    let project = Project::here()?;
    let system = System::read(&project.system(options.system.as_deref()))?;
    setup::ensure_machines(ui, &archs)?;
    let builder = Builder::for_project(ui, project, archs.iter().copied(), profile(options))?;
    let images = builder.images(&system)?;
    let images: Vec<&SystemImage> = archs.iter().filter_map(|arch| images.get(arch)).collect();
    let what = format!("the system `{}`", system.name());
    Ok((Cluster::of(images), what))
}

/// The machines of a cluster file.
fn of_file(ui: &Ui, options: &options::Up, file: &Path) -> Result<(ClusterBuilder, String)> {
    let project = Project::here()?;
    let file = ClusterFile::read(&project.system(Some(file)))?;
    let archs: Vec<_> = file.machines().map(|(_, arch, _)| arch).collect();
    setup::ensure_machines(ui, &archs)?;
    let builder = Builder::for_project(ui, project, archs, profile(options))?;
    let images = file
        .machines()
        .map(|(_, arch, system)| builder.standard_image(&system, arch))
        .collect::<Result<Vec<SystemImage>>>()?;
    let mut cluster = Cluster::of(&images);
    for (node, (machine, _, _)) in (1..).zip(file.machines()) {
        cluster = cluster.arguments_of(node, machine.arguments.clone());
        if let Some(bytes) = machine.memory_bytes {
            cluster = cluster.memory_mib_of(node, (bytes >> 20) as u32);
        }
        cluster = cluster.randomness_of(node, randomness_of(machine.random));
    }
    Ok((cluster, format!("the cluster `{}`", file.name())))
}

const fn randomness_of(random: Random) -> Randomness {
    match random {
        Random::Host => Randomness::Host,
        Random::VirtioRng => Randomness::Device,
    }
}

/// Prints a line. That nobody reads is no reason to stop the machines.
fn show(line: &ConsoleLine) {
    let _ = match &line.said {
        // The whole command line is of no use every time.
        Said::Harness(text) if text.starts_with("started: ") => {
            let at = line.at.as_secs_f64();
            writeln!(std::io::stdout(), "{at:9.3} {} | [started]", line.node)
        }
        _ => writeln!(std::io::stdout(), "{line}"),
    };
}

/// Passes on what is typed.
fn type_lines(ui: &Ui, cluster: &Weak<Cluster>, keys: Option<&Path>) {
    let mut host = None;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        if let Some(command) = line.strip_prefix("net ") {
            tell(ui, &cluster, command.trim());
            continue;
        }
        if line.trim() == "keys" {
            match push(&cluster, &mut host, keys) {
                Ok(count) => ui.say(&format!("{count} machines were sent their keys.")),
                Err(error) => ui.error(&format!("{error:#}")),
            }
            continue;
        }
        let machine = line.split_once(' ').and_then(|(node, text)| {
            let node: usize = node
                .parse()
                .ok()
                .filter(|node| (1..=cluster.machines().len()).contains(node))?;
            Some((cluster.machine(node), text))
        });
        match machine {
            Some((machine, text)) => {
                if let Err(failure) = machine.input(format!("{text}\n").as_bytes()) {
                    ui.error(failure.what());
                }
            }
            None => ui.say("Type the number of a machine, a space, and the text; or `net help`."),
        }
    }
}

/// Sends the machines the keys that are in their folder now: how many were sent some.
fn push(cluster: &Cluster, host: &mut Option<Host>, keys: Option<&Path>) -> Result<usize> {
    let folder = keys.context("start the machines with --keys to change them")?;
    let host = match host {
        Some(host) => host,
        None => host.insert(cluster.host()?),
    };
    let updates = cluster::updates(folder)?;
    for (node, update) in cluster::via(&updates, None)? {
        host.send(node, update)?;
    }
    Ok(updates.len())
}

/// Tells the network something.
fn tell(ui: &Ui, cluster: &Cluster, command: &str) {
    match command {
        "help" => ui.say(&format!(
            "After `net`:\n{GRAMMAR}\n  show                      what became of the frames so far"
        )),
        "show" => ui.say(&cluster.switch().counters().to_string()),
        command => {
            if let Err(failure) = cluster.net(command) {
                ui.error(failure.what());
            }
        }
    }
}
