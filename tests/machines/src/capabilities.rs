//! Components hold the capabilities that the description gives them, and no other: the machine is asked, slot by slot.

use std::time::Duration;

use isthmus_description::capabilities::Verdict;
use isthmus_description::{Description, Here};
use isthmus_testkit::{CAPABILITIES, Failure};

use crate::lab::Lab;

/// Every slot of every component is looked into before anything starts.
const LIMIT: Duration = Duration::from_secs(60);
const DEMO: &str = include_str!("../../../systems/demo.toml");
const PROCESSES: &str = include_str!("../systems/processes.toml");

fn describe(text: &str) -> Result<Description, Failure> {
    isthmus_description::describe(text).map_err(|mistakes| Failure::new(mistakes.to_string()))
}

/// Of components that the scheduler starts, too, and of the servers to which the root task hands things over.
pub(crate) fn of_processes(lab: &Lab) -> Result<(), Failure> {
    let description = describe(PROCESSES)?;
    let here = Here { node: 1, nodes: 1 };
    let cluster = lab.machines(1)?.arguments(CAPABILITIES).start()?;
    let machine = cluster.machine(1);
    let found = machine.capabilities(&description.asked(here), LIMIT)?;
    let compared = description.compare(here, &found);
    if !compared.agrees() || compared.handed_over.is_empty() {
        return Err(machine.failure(format!("not as described: {compared:?}")));
    }
    Ok(())
}

/// Of everybody on two machines that run different components.
pub(crate) fn as_described(lab: &Lab) -> Result<(), Failure> {
    let description = describe(DEMO)?;
    let cluster = lab.machines(2)?.arguments(CAPABILITIES).start()?;
    for node in 1..=2 {
        let machine = cluster.machine(node);
        let here = Here {
            node: node as u8,
            nodes: 2,
        };
        let found = machine.capabilities(&description.asked(here), LIMIT)?;
        let compared = description.compare(here, &found);
        if !compared.agrees() {
            return Err(machine.failure(format!("not as described: {compared:?}")));
        }
        // That is worth something only if much was found, and if a difference would be seen.
        let right = compared
            .planned
            .iter()
            .filter(|(_, v)| *v == Verdict::Right)
            .count();
        if right < 50 {
            return Err(machine.failure(format!("only {right} capabilities were found")));
        }
        let other = Here {
            node: 3 - here.node,
            nodes: 2,
        };
        if description.compare(other, &found).agrees() {
            return Err(machine.failure("it agrees with the plan of the other machine too"));
        }
        machine.wait_until_up()?;
    }
    Ok(())
}
