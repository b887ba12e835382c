//! The system description: a TOML file that says everything that each component may touch, checked here and compiled to a
//! [`Plan`].
//!
//! For the host only. Every mistake is found before an image exists, and named with line, column and remedy; all mistakes
//! are reported, not the first alone. What passes here, the root task can build: it has no opinion of its own. The keys are
//! explained in `docs/description.md`. Next: `isthmus-plan`, `isthmus-image`.
#![forbid(unsafe_code)]

mod arguments;
mod check;
mod compile;
mod component;
mod instances;
mod mistake;
mod read;
mod size;
mod source;
mod starters;
mod time;
mod uses;

pub use isthmus_plan::Plan;
pub use mistake::{Mistake, Mistakes};

/// Checks a description and compiles it.
pub fn compile(text: &str) -> Result<Plan, Mistakes> {
    let mut mistakes = mistake::Collector::new(text);
    let root = source::parse(text, &mut mistakes);
    let root = mistakes.stop_if_any(root)?;
    let system = source::System::read(&root, &mut mistakes);
    // With a mistake in the writing, the meaning is guesswork: two bad lines would become ten messages.
    let system = mistakes.stop_if_any(system)?;
    let system = instances::tell_apart(system, &mut mistakes);
    let system = mistakes.stop_if_any(system)?;
    check::check(&system, &mut mistakes);
    let system = mistakes.stop_if_any(system)?;
    let plan = compile::compile(&system, &mut mistakes);
    starters::check(&system, &plan, &mut mistakes);
    let plan = mistakes.stop_if_any(plan)?;
    plan.check()
        .expect("a description that passed its checks makes a plan that passes its own");
    Ok(plan)
}
