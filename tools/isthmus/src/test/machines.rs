//! What is shown on whole systems.

use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use isthmus_testkit::{Arch, SystemImage};
use machine_tests::{Lab, SCENARIOS, Scenario, Setting};

use crate::build::System;
use crate::setup::ensure_machines;
use crate::test::{Context, Extent, Tally};

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

/// Runs scenarios, one after the other: they measure time, and the host has few processors.
pub(crate) fn run(context: &Context, names: &[String]) -> Result<Tally> {
    ensure_machines(context.ui, &Arch::ALL)?;
    let images = Images {
        context,
        built: RefCell::default(),
    };
    let wanted: Vec<_> = all(context.extent)
        .filter(|(.., name)| names.contains(name))
        .collect();
    // What cannot be compiled is said where it is needed.
    let _ = compile_all(context, &wanted);
    let mut tally = Tally::default();
    for (scenario, setting, name) in wanted {
        let result = images.of(scenario.system, setting).and_then(|images| {
            let lab = Lab::new(setting, images);
            Ok(context.ui.step(&name, |_| (scenario.run)(&lab))?)
        });
        tally.add(Tally::of(&result.with_context(|| name.clone())));
    }
    Ok(tally)
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
    built: RefCell<BTreeMap<(&'static str, Arch), SystemImage>>,
}

impl Images<'_, '_> {
    fn of(&self, system: &'static str, setting: Setting) -> Result<BTreeMap<Arch, SystemImage>> {
        let mut built = self.built.borrow_mut();
        let mut images = BTreeMap::new();
        for arch in setting.archs() {
            let image = match built.entry((system, *arch)) {
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
