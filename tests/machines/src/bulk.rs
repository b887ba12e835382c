//! Memory that is lent to a server on another machine is fetched from and stored into, whole and right, while small calls go on; also on one machine, and
//! when frames are lost.

use std::time::Duration;

use isthmus_testkit::{Failure, Machine, contains};

use netipc_protocol::limits::BULK_WINDOW_MAX;

use crate::lab::{Lab, wait_for_ok};

/// Megabytes are moved one way and back; on a busy host in seconds.
const LIMIT: Duration = Duration::from_secs(120);
/// What the lender checks, one after the other.
const CHECKS: [&str; 4] = ["fetching", "storing", "refusals", "cycles"];
/// Chunks that come to a machine or leave it during one small call, at most, where no frame is lost: what may be under way when it begins, and as much again. Without a
/// limit on its share of the processor a whole transfer passes. A call whose own frame is lost waits for its second sending, and the transfer is right to go on
/// meanwhile: as much as the wire carries in that pause, which says nothing of fairness.
const CHUNKS_MEANWHILE: u64 = 2 * BULK_WINDOW_MAX as u64;
const LOSS: &str = "
0s  loss all 5%
";

/// From one machine to another.
pub(crate) fn moved(lab: &Lab) -> Result<(), Failure> {
    judged(lab, 2, None)
}

/// On one machine: the same programs.
pub(crate) fn moved_here(lab: &Lab) -> Result<(), Failure> {
    judged(lab, 1, None)
}

/// One frame in twenty is lost.
pub(crate) fn moved_under_loss(lab: &Lab) -> Result<(), Failure> {
    judged(lab, 2, Some(LOSS))
}

fn judged(lab: &Lab, count: usize, script: Option<&str>) -> Result<(), Failure> {
    let cluster = lab.machines(count)?.start()?;
    let client = cluster.machine(count);
    client.wait_for(&contains("small calls: 200,"), LIMIT)?;
    if let Some(script) = script {
        cluster.play(script)?;
    }
    let small = small_calls(client);
    for check in CHECKS {
        wait_for_ok(client, "client", check, LIMIT)?;
    }
    // They went on meanwhile, and go on: a call that is wrong, or ends otherwise, ends them.
    let next = format!("small calls: {},", small + 600);
    client.wait_for(&contains(&next), LIMIT)?;
    if script.is_some() {
        if cluster.switch().counters().dropped == 0 {
            return Err(cluster.failure("no frame was lost"));
        }
        return Ok(());
    }
    let most = most_chunks(client);
    if count > 1 && most.is_none_or(|most| most > CHUNKS_MEANWHILE) {
        return Err(cluster.failure(format!("a small call has waited for {most:?} chunks")));
    }
    Ok(())
}

/// The most chunks that have come or left during one small call.
fn most_chunks(machine: &Machine) -> Option<u64> {
    let lines = machine.lines();
    let said = lines.iter().filter_map(|line| line.said.words());
    let mut counts = said.filter_map(|words| words.rsplit_once(", chunks ")?.1.parse().ok());
    counts.next_back()
}

/// How many the last line says.
fn small_calls(machine: &Machine) -> u64 {
    let lines = machine.lines();
    let said = lines.iter().filter_map(|line| line.said.words());
    let mut counts = said.filter_map(|words| {
        let (_, rest) = words.split_once("small calls: ")?;
        rest.split_once(',')?.0.parse().ok()
    });
    counts.next_back().unwrap_or(0)
}
