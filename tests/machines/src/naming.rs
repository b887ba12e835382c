//! Naming on one machine and on two: directories, renaming, watching, leases, mounts, names of the cluster, wrong input; and what becomes of a name whose
//! owner dies, alone or with its machine. The client (`tests/programs/naming`) tries everything and judges; it also tells how long a dead owner's name
//! was found, which this test holds against the lease and its drift.

use std::time::Duration;

use isthmus_testkit::{Cluster, Failure, Word, contains, says, understand};

use crate::lab::{Lab, wait_for_ok};

/// Where the owner of names is.
const OWNER: usize = 1;
/// Boot, and some hundred calls, on a busy host.
const LIMIT: Duration = Duration::from_secs(120);
/// The drift of a lease of 3 s, as `docs/naming.md` says: 1 % and 50 ms.
const DRIFT: Duration = Duration::from_millis(80);
/// How late a busy host may be.
const STALL: Duration = Duration::from_secs(3);

/// All on one machine, wrong input among it.
pub(crate) fn alone(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    right(&cluster, 1)?;
    in_time(&cluster, 1)
}

/// The owner on another machine than the client.
pub(crate) fn across(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.start()?;
    right(&cluster, 2)?;
    in_time(&cluster, 2)
}

/// All on one machine with a scheduler: who begins at a directory sees what is below, and so does its child; the scheduler tells naming that the owner has ended, and the name is gone before its lease.
pub(crate) fn with_scheduler(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    wait_for_ok(cluster.machine(1), "parent", "views", LIMIT)?;
    right(&cluster, 1)?;
    let (took, lease) = gone(&cluster, 1)?;
    if took < lease / 2 {
        return Ok(());
    }
    Err(cluster.failure(format!(
        "a name whose owner has ended was found for {took:?}, as if nobody had told naming"
    )))
}

/// The owner's machine is killed, and started again when its name is gone.
pub(crate) fn machine_dies(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.arguments("owner=killed").start()?;
    let client = cluster.machine(2);
    client.wait_for(&says("tester", "waiting for the death"), LIMIT)?;
    cluster.machine(OWNER).kill();
    client.wait_for(&says("tester", "the look-up ended"), LIMIT)?;
    client.wait_for(&says("tester", "gone after"), LIMIT)?;
    cluster.machine(OWNER).restart()?;
    right(&cluster, 2)?;
    in_time(&cluster, 2)
}

/// The client's word. That a component died is meant here.
fn right(cluster: &Cluster, client: usize) -> Result<(), Failure> {
    let wanted = |said: &_| matches!(understand(said), Some(Word::Right(_) | Word::Wrong(_)));
    let line =
        cluster
            .machine(client)
            .wait_for_line("the client to judge naming", LIMIT, wanted)?;
    match understand(&line.said) {
        Some(Word::Right(_)) => Ok(()),
        _ => Err(cluster.failure(format!("{:?}", line.said.words()))),
    }
}

fn in_time(cluster: &Cluster, client: usize) -> Result<(), Failure> {
    let (took, lease) = gone(cluster, client)?;
    if took <= lease + DRIFT + STALL {
        return Ok(());
    }
    Err(cluster.failure(format!(
        "a name whose owner has died was found for {took:?}; its lease was {lease:?}"
    )))
}

/// "gone after N ms of LEASE ms"
fn gone(cluster: &Cluster, client: usize) -> Result<(Duration, Duration), Failure> {
    let line = cluster
        .machine(client)
        .wait_for(&contains("gone after"), LIMIT)?;
    let words = line.said.words().unwrap_or_default();
    let mut numbers = words
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .map(Duration::from_millis);
    numbers
        .next()
        .zip(numbers.next())
        .ok_or_else(|| cluster.failure(format!("{words:?} cannot be read")))
}
