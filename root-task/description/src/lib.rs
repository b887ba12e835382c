//! The system description: a TOML file that says everything that each component may touch, checked here and compiled to a
//! [`Plan`]; and the cluster file, which says what machines there are.
//!
//! For the host only. Every mistake is found before an image exists, and named with line, column and remedy; all mistakes
//! are reported, not the first alone. What passes here, the root task can build: it has no opinion of its own. The keys are
//! explained in `docs/description.md`. Next: [`describe`], `isthmus-plan`, `isthmus-image`.
#![forbid(unsafe_code)]

mod arguments;
pub mod capabilities;
mod check;
pub mod cluster;
mod compile;
mod component;
mod instances;
pub mod layers;
mod mistake;
mod placement;
mod read;
mod size;
mod source;
mod starters;
mod time;
mod uses;

use std::collections::BTreeSet;

pub use capabilities::Capability;
pub use cluster::Cluster;
pub use isthmus_plan::{Here, Plan};
pub use layers::Layer;
pub use mistake::{Mistake, Mistakes};

use mistake::{Collector, Span};
use placement::Scope;
use source::System;

/// A description, checked: the plan, and what only people want to know.
#[derive(Clone, Debug)]
pub struct Description {
    /// What the root task builds.
    pub plan: Plan,
    /// The machines on which it may find itself: those of the cluster file, or of every cluster.
    pub machines: Vec<Here>,
    /// The layer of each component, in the plan's order.
    pub layers: Vec<Layer>,
    lines: Vec<Lines>,
}

/// The lines that gave a component what it has.
#[derive(Clone, Debug)]
struct Lines {
    component: usize,
    serves: Option<usize>,
    threads: Option<usize>,
    uses: Vec<usize>,
    signals: Vec<usize>,
    devices: Vec<usize>,
}

/// Checks a description and compiles it, for any machine of any cluster.
///
/// # Errors
/// All mistakes.
pub fn compile(text: &str) -> Result<Plan, Mistakes> {
    describe(text).map(|description| description.plan)
}

/// As [`compile()`], with what people want to know.
///
/// # Errors
/// All mistakes.
pub fn describe(text: &str) -> Result<Description, Mistakes> {
    read(text, &Scope::Anywhere, &mut Collector::new(text))
}

/// As [`describe`], for the machines of a cluster that run `system`, as the cluster file calls it.
///
/// # Errors
/// All mistakes of the description.
pub fn describe_in(cluster: &Cluster, system: &str, text: &str) -> Result<Description, Mistakes> {
    let scope = Scope::Cluster(cluster, system);
    read(text, &scope, &mut Collector::new(text))
}

fn read(
    text: &str,
    scope: &Scope<'_>,
    mistakes: &mut Collector<'_>,
) -> Result<Description, Mistakes> {
    let root = source::parse(text, mistakes);
    let root = mistakes.stop_if_any(root)?;
    let system = System::read(&root, scope, mistakes);
    // With a mistake in the writing, the meaning is guesswork: two bad lines would become ten messages.
    let mut system = mistakes.stop_if_any(system)?;
    scope.place(&mut system);
    let system = instances::tell_apart(system, mistakes);
    let mut system = mistakes.stop_if_any(system)?;
    scope.place(&mut system);
    check::check(&system, mistakes);
    let system = mistakes.stop_if_any(system)?;
    layers::check(&system, mistakes);
    let plan = compile::compile(&system, mistakes);
    starters::check(&system, &plan, mistakes);
    let plan = mistakes.stop_if_any(plan)?;
    plan.check()
        .expect("a description that passed its checks makes a plan that passes its own");
    Ok(Description {
        layers: system.components.iter().map(Layer::of).collect(),
        lines: lines(&system, mistakes),
        machines: system.machines,
        plan,
    })
}

fn lines(system: &System, mistakes: &Collector<'_>) -> Vec<Lines> {
    let line = |span: &Span| mistakes.line_of(span);
    let of = |(index, c): (usize, &component::Component)| Lines {
        component: line(&c.name.span),
        serves: c.serves.first().map(|served| line(&served.span)),
        threads: c.threads.as_ref().map(line),
        uses: c.uses.iter().map(|used| line(&used.span)).collect(),
        signals: compile::signal_spans(system, index)
            .iter()
            .map(line)
            .collect(),
        devices: c.devices.iter().map(|device| line(&device.span)).collect(),
    };
    system.components.iter().enumerate().map(of).collect()
}

/// Every key that a description or a cluster file may have, with the kind of table that it belongs to. Found by reading a file that
/// has every kind of table.
#[must_use]
pub fn keys() -> BTreeSet<(&'static str, &'static str)> {
    const SYSTEM: &str =
        "[system]\n[[component]]\nuses = [{}]\n[[channel]]\n[[event]]\n[[policy]]\n";
    let mut mistakes = Collector::new(SYSTEM);
    // What is missing in these files is of no interest.
    let _ = read(SYSTEM, &Scope::Anywhere, &mut mistakes);
    let mut keys = mistakes.keys();
    keys.extend(cluster::keys());
    keys
}
