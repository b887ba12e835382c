//! What is shown on whole systems.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use isthmus_testkit::{Arch, SystemImage};
use machine_tests::{Lab, SCENARIOS, Scenario, Setting};

use crate::build::System;
use crate::setup::ensure_machines;
use crate::test::{Context, Extent, Tally};
use crate::ui::Ui;

/// Each scenario in each of its settings.
fn all(extent: Extent) -> impl Iterator<Item = (&'static Scenario, Setting, String)> {
    SCENARIOS.iter().flat_map(move |scenario| {
        let named = |setting: &Setting| {
            (
                scenario,
                *setting,
                format!("{}/{}", scenario.name, setting.name()),
            )
        };
        let settings = match extent {
            Extent::Sample => scenario.settings,
            Extent::Full => scenario.all_settings(),
        };
        settings.iter().map(named).collect::<Vec<_>>()
    })
}

/// One unit for each scenario and setting.
pub(crate) fn scenarios(context: &Context) -> Result<Vec<String>> {
    Ok(all(context.extent).map(|(.., name)| name).collect())
}

/// How many scenarios run at a time. They mostly wait: for a machine to boot, for a bound to pass. More would be no idle host for what they say of time.
const LANES: usize = 2;

/// A scenario whose images are there.
struct Ready {
    name: String,
    scenario: &'static Scenario,
    lab: Lab,
}

/// Runs scenarios, [`LANES`] at a time: this thread builds their images, in order, and a lane that is free takes the next one.
pub(crate) fn run(context: &Context, names: &[String]) -> Result<Tally> {
    ensure_machines(context.ui, &Arch::ALL)?;
    let wanted: Vec<_> = all(context.extent)
        .filter(|(.., name)| names.contains(name))
        .collect();
    // What cannot be compiled is said where it is needed.
    let _ = compile_all(context, &wanted);
    let mut images = Images {
        context,
        built: BTreeMap::new(),
    };
    let mut tally = Tally::default();
    let ui = context.ui;
    std::thread::scope(|threads| {
        // Nothing waits in it: this thread is not ahead by more than the one that it holds.
        let (sender, receiver) = sync_channel(0);
        let receiver = Arc::new(Mutex::new(receiver));
        let lanes: Vec<_> = (0..LANES)
            .map(|_| {
                let receiver = Arc::clone(&receiver);
                threads.spawn(move || lane(ui, &receiver))
            })
            .collect();
        drop(receiver);
        for (scenario, setting, name) in wanted {
            let ready = images.of(scenario.system, setting).map(|images| Ready {
                name: name.clone(),
                scenario,
                lab: Lab::new(setting, images),
            });
            // If no lane is left to take it, they have panicked, which is heard below.
            match ready.with_context(|| name) {
                Ok(ready) => drop(sender.send(ready)),
                Err(error) => tally.add(Tally::of(&Err(error))),
            }
        }
        drop(sender);
        for lane in lanes {
            tally.add(lane.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    Ok(tally)
}

/// Runs scenarios until there are no more.
fn lane(ui: &Ui, ready: &Mutex<Receiver<Ready>>) -> Tally {
    // Who waits here holds the lock; another lane that is free waits for it, which is as good.
    let next = || ready.lock().ok()?.recv().ok();
    let mut tally = Tally::default();
    while let Some(ready) = next() {
        let result = ui.step(&ready.name, |_| (ready.scenario.run)(&ready.lab));
        tally.add(Tally::of(&result.context(ready.name)));
    }
    tally
}

/// Compiles all programs of some scenarios.
fn compile_all(context: &Context, scenarios: &[(&Scenario, Setting, String)]) -> Result<()> {
    for arch in Arch::ALL {
        let here = scenarios
            .iter()
            .filter(|(_, setting, _)| setting.archs().contains(&arch));
        let files: BTreeSet<&str> = here.map(|(scenario, ..)| scenario.system).collect();
        let systems = files
            .iter()
            .map(|file| System::read(file.as_ref()))
            .collect::<Result<Vec<_>>>()?;
        if !systems.is_empty() {
            context.builder()?.compile_for(arch, &systems)?;
        }
    }
    Ok(())
}

/// The images of the systems that were needed so far.
struct Images<'a, 'b> {
    context: &'a Context<'b>,
    built: BTreeMap<(&'static str, Arch), SystemImage>,
}

impl Images<'_, '_> {
    fn of(
        &mut self,
        system: &'static str,
        setting: Setting,
    ) -> Result<BTreeMap<Arch, SystemImage>> {
        let mut images = BTreeMap::new();
        for arch in setting.archs() {
            let image = match self.built.entry((system, *arch)) {
                Entry::Occupied(image) => image.into_mut(),
                Entry::Vacant(place) => {
                    let system = System::read(system.as_ref())?;
                    place.insert(self.context.builder()?.standard_image(&system, *arch)?)
                }
            };
            images.insert(*arch, image.clone());
        }
        Ok(images)
    }
}
