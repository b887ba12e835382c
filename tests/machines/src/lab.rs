//! What a scenario is, and what it works with.

use std::collections::BTreeMap;
use std::time::Duration;

use isthmus_testkit::{Arch, Cluster, ClusterBuilder, Failure, Machine, SystemImage, says};

/// Which processors the machines of a scenario have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// All PCs.
    X86_64,
    /// All Arm boards.
    Aarch64,
    /// By turns one of each.
    Mixed,
}

impl Setting {
    /// For what concerns several machines.
    pub const ALL: [Self; 3] = [Self::X86_64, Self::Aarch64, Self::Mixed];
    /// For what concerns one machine.
    pub const ALIKE: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// As in the names of tests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Mixed => "mixed",
        }
    }

    /// The architectures that occur.
    #[must_use]
    pub const fn archs(self) -> &'static [Arch] {
        match self {
            Self::X86_64 => &[Arch::X86_64],
            Self::Aarch64 => &[Arch::Aarch64],
            Self::Mixed => &Arch::ALL,
        }
    }
}

/// Something to be shown on machines.
#[derive(Debug)]
pub struct Scenario {
    /// What it shows.
    pub name: &'static str,
    /// The description of the system that the machines run.
    pub system: &'static str,
    /// Where it is to be shown in every test: a sample.
    pub settings: &'static [Setting],
    /// Shows it, or says what was wrong.
    pub run: fn(&Lab) -> Result<(), Failure>,
}

impl Scenario {
    /// Where it can be shown: in every setting if machines of different kinds are ever in it, else on each kind alone.
    #[must_use]
    pub fn all_settings(&self) -> &'static [Setting] {
        if self.settings.contains(&Setting::Mixed) {
            &Setting::ALL
        } else {
            &Setting::ALIKE
        }
    }
}

/// Where a scenario finds machines.
#[derive(Debug)]
pub struct Lab {
    setting: Setting,
    images: BTreeMap<Arch, SystemImage>,
}

impl Lab {
    /// With the images of the scenario's system.
    #[must_use]
    pub fn new(setting: Setting, images: BTreeMap<Arch, SystemImage>) -> Self {
        Self { setting, images }
    }

    /// The scenario's setting.
    #[must_use]
    pub fn setting(&self) -> Setting {
        self.setting
    }

    /// A cluster of `count` machines, to be changed to one's liking and started.
    ///
    /// # Errors
    /// If an image is not there that the setting needs.
    pub fn machines(&self, count: usize) -> Result<ClusterBuilder, Failure> {
        let image = |arch: &Arch| {
            self.images
                .get(arch)
                .ok_or_else(|| Failure::new(format!("there is no image for {arch}")))
        };
        let images: Vec<&SystemImage> = self
            .setting
            .archs()
            .iter()
            .cycle()
            .take(count)
            .map(image)
            .collect::<Result<_, _>>()?;
        Ok(Cluster::of(images))
    }
}

/// Waits until a component has reported on a check, and takes no other report for a good one.
pub(crate) fn wait_for_ok(
    machine: &Machine,
    component: &str,
    check: &str,
    limit: Duration,
) -> Result<(), Failure> {
    machine.wait_for(&says(component, &format!("{check}: ")), limit)?;
    let ok = says(component, &format!("{check}: ok"));
    machine.wait_for(&ok, Duration::ZERO).map(drop)
}
