//! What only the scheduler can do for a component: whoever needs it must not be of the base.

use isthmus_abi::ComponentId;
use isthmus_plan::base::SCHEDULER;
use isthmus_plan::plan::{Restart, Start};
use isthmus_plan::{Here, Plan, Starter};

use crate::component::Component;
use crate::mistake::{Collector, Span};
use crate::source::System;

pub(crate) fn check(system: &System, plan: &Plan, mistakes: &mut Collector<'_>) {
    for ((id, _), component) in plan.all().zip(&system.components) {
        for (key, span) in needs(component) {
            check_one(system, plan, id, component, key, &span, mistakes);
        }
    }
}

/// The keys of a component for which it needs the scheduler.
fn needs(c: &Component) -> Vec<(&'static str, Span)> {
    let on_request = (c.start.value == Start::OnRequest).then(|| ("start", c.start.span.clone()));
    let restart = (c.restart.value != Restart::Never).then(|| ("restart", c.restart.span.clone()));
    let cpu = c
        .cpu
        .value
        .is_limited()
        .then(|| ("cpu", c.cpu.span.clone()));
    on_request.into_iter().chain(restart).chain(cpu).collect()
}

fn check_one(
    system: &System,
    plan: &Plan,
    id: ComponentId,
    component: &Component,
    key: &str,
    span: &Span,
    mistakes: &mut Collector<'_>,
) {
    let of_base = system
        .machines_of(&component.on.value)
        .find(|&here| plan.starter(id, here) == Starter::RootTask);
    let Some(here) = of_base else { return };
    let (name, Here { node, nodes }) = (&component.name.value, here);
    if plan.server(SCHEDULER, here).is_none() {
        let what = format!(
            "`{key}` needs the scheduler, and on machine {node} of {nodes}, where `{name}` runs, there is none"
        );
        let remedy = format!("add a component that serves `{SCHEDULER}`, or remove `{key}`");
        return mistakes.add(span, what, remedy);
    }
    let what = format!(
        "`{name}` is of the base, which the root task starts at boot and never again: it drives a device, or a driver or the \
         scheduler depends on it"
    );
    mistakes.add(span, what, format!("remove `{key}`"));
}
