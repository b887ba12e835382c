//! `./isthmus caps NODE`: who holds which capability, and which line of the description gave it.
//!
//! The plan says what everybody should have; the machine is started and says what they have. Any difference is an error.

use std::time::Duration;

use anyhow::{Result, bail};
use isthmus_build::Project;
use isthmus_description::capabilities::{Comparison, Verdict};
use isthmus_description::{Capability, Description, Here};
use isthmus_testkit::{Arch, CAPABILITIES, Cluster, SystemImage};
use microkernel_config::Profile;

use crate::Ending;
use crate::build::{Builder, System};
use crate::options;
use crate::setup;
use crate::system::Source;
use crate::ui::Ui;

/// A debug kernel says on its console why it refuses a copy into an occupied slot, which takes a while.
const LIMIT: Duration = Duration::from_secs(120);

/// `./isthmus caps`.
pub fn caps(ui: &Ui, options: &options::Caps) -> Result<Ending> {
    let source = Source::read(options.system.as_deref())?;
    let Some(description) = source.describe() else {
        return Ok(Ending::Wanting);
    };
    let (node, nodes) = (options.node, options.nodes);
    if node > nodes {
        bail!("there is no machine {node} of {nodes}: say how many there are by --nodes");
    }
    let here = Here { node, nodes };
    println!("{}", heading());
    if options.plan {
        let planned = description.capabilities(here);
        planned
            .iter()
            .for_each(|one| println!("{}", row(one, &source.name)));
        ui.say(&format!("{} capabilities are planned.", planned.len()));
        return Ok(Ending::Well);
    }
    let compared = ask(ui, options, &description, here, &source)?;
    print(&compared, &source.name);
    Ok(conclude(ui, &compared))
}

/// Starts the machines, and asks the one.
fn ask(
    ui: &Ui,
    options: &options::Caps,
    description: &Description,
    here: Here,
    source: &Source,
) -> Result<Comparison> {
    let archs = [Arch::from(options.arch)];
    let system = System::read(source.name.as_ref())?;
    setup::ensure_machines(ui, &archs)?;
    // Only a debug kernel says what kind of object a capability is for.
    let builder = Builder::for_project(ui, Project::here()?, archs, Profile::Debug)?;
    let image: SystemImage = builder.standard_image(&system, archs[0])?;
    let cluster = Cluster::of(std::iter::repeat_n(&image, here.nodes.into()))
        .arguments(CAPABILITIES)
        .prepare()?;
    let machine = cluster.machine(here.node.into());
    machine.start()?;
    let found = machine.capabilities(&description.asked(here), LIMIT)?;
    Ok(description.compare(here, &found))
}

fn heading() -> String {
    format!(
        "{:<24} {:>5}  {:<17} {:<6} {:<18} {:<44} by",
        "component", "slot", "object", "rights", "badge", "what"
    )
}

fn row(c: &Capability, file: &str) -> String {
    let badge = match c.badge {
        0 => String::new(),
        badge => format!("{badge:#x}"),
    };
    format!(
        "{:<24} {:>5}  {:<17} {:<6} {badge:<18} {:<44} {file}:{} {}",
        c.name,
        c.slot.0,
        c.object,
        c.rights.letters(),
        c.what,
        c.line,
        c.key
    )
}

fn print(compared: &Comparison, file: &str) {
    for (planned, verdict) in &compared.planned {
        let row = row(planned, file);
        match verdict {
            Verdict::Right => println!("{row}"),
            Verdict::NotNeeded => {}
            Verdict::NotAsked => println!("{row}   (not asked: it starts on request)"),
            Verdict::Missing => println!("{row}   BUT IT IS NOT THERE"),
            Verdict::Differs(how) => println!("{row}   BUT {how}"),
        }
    }
    for (found, line) in &compared.handed_over {
        println!(
            "{:<24} {:>5}  {:<17} {:<6} {:<18} {:<44} {file}:{line} serves",
            found.holder,
            found.slot.0,
            found.kind,
            found.rights,
            "",
            "handed over by the root task"
        );
    }
    for found in &compared.unplanned {
        println!(
            "{:<24} {:>5}  {:<17} {:<6} {:#018x} NOBODY PLANNED IT",
            found.holder, found.slot.0, found.kind, found.rights, found.badge
        );
    }
}

fn conclude(ui: &Ui, compared: &Comparison) -> Ending {
    let of = |wanted: fn(&Verdict) -> bool| {
        let all = compared.planned.iter();
        all.filter(|(_, verdict)| wanted(verdict)).count()
    };
    let right = of(|verdict| *verdict == Verdict::Right);
    let not_asked = of(|verdict| *verdict == Verdict::NotAsked);
    if !compared.agrees() {
        let wrong = of(|v| matches!(v, Verdict::Missing | Verdict::Differs(_)));
        let more = compared.unplanned.len();
        ui.error(&format!(
            "the machine does not agree with the plan: {wrong} capabilities are missing or other ones, {more} are not planned"
        ));
        return Ending::Wanting;
    }
    ui.say(&format!(
        "The machine agrees: {right} capabilities as planned, {} handed over, none besides.",
        compared.handed_over.len()
    ));
    if not_asked > 0 {
        ui.say(&format!(
            "{not_asked} more belong to components that start on request."
        ));
    }
    Ending::Well
}
