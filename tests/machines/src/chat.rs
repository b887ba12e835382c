//! The example `chat`: a listener beside the room is woken by events, one on another machine by an answer that comes later, and both hear every line once and in
//! order. A listener that starts late hears what was said before.

use std::time::Duration;

use isthmus_testkit::{Cluster, Failure, Said, says};

use crate::lab::Lab;

const LIMIT: Duration = Duration::from_secs(60);
const HEARD: [&str; 3] = [
    "heard 1: Mr. Watson",
    "heard 2: come here",
    "heard 3: I want to see you",
];

pub fn everybody_hears(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.start()?;
    for (node, who, how) in [
        (1, "near", "listening, by events"),
        (2, "far", "listening, by waiting"),
    ] {
        cluster.machine(node).wait_for(&says(who, how), LIMIT)?;
        hears_all(&cluster, node, who)?;
    }
    // The room remembers: who comes back hears it again.
    cluster.machine(2).restart()?;
    hears_all(&cluster, 2, "far")
}

fn hears_all(cluster: &Cluster, node: usize, who: &str) -> Result<(), Failure> {
    let machine = cluster.machine(node);
    machine.wait_for(&says(who, HEARD[2]), LIMIT)?;
    let heard: Vec<String> = machine
        .lines()
        .iter()
        .filter(|line| line.said.component() == Some(who))
        .filter_map(|line| Said::words(&line.said).map(str::to_owned))
        .filter(|words| words.starts_with("heard "))
        .collect();
    if heard.len() >= HEARD.len() && heard[..HEARD.len()] == HEARD {
        Ok(())
    } else {
        Err(cluster.failure(format!("{who} on machine {node} heard {heard:?}")))
    }
}
