//! The cluster's keys change while machines run: a fourth machine is added and called, the secret is rotated, a machine is expelled. Calls between the others never notice;
//! the expelled one's end, on both sides, for the reason that it cannot be reached any more. What was recorded, or made by somebody else, changes nothing. Then one machine alone is reached, and
//! passes on what is the others'; and so does who starts again with an old file get the present keys.
//!
//! The administrator is the test, at a port of the switch: it sends each machine its update as one datagram, as `isthmus cluster push` does.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use holder_interface::{HolderClient, HolderError};
use isthmus_abi::{NotExecuted, Outcome};
use isthmus_interface::CallError;
use isthmus_testkit::{Agent, Cluster, Failure, Host};
use netipc_crypto::update::{self, Urgency};
use netipc_crypto::{ClusterKeys, Secret};

use crate::lab::Lab;
use crate::policy::lookup;
use crate::sites::{Called, Site};

const MACHINES: usize = 4;
/// Who is added, and who is expelled: machines 4 and 3.
const ADDED: usize = 3;
const EXPELLED: usize = 2;
const LIMIT: Duration = Duration::from_secs(30);
/// Calls of each bystander after each change, at least.
const CALLS: u64 = 20;

/// What `isthmus cluster` would have in its folder.
struct Administrator {
    own: Secret,
    /// Each machine's present keys.
    machines: Vec<ClusterKeys>,
    /// Random numbers that nobody needs to be unable to foresee.
    drawn: u8,
    host: Host,
    /// Everything that was sent: to whom, and what.
    sent: Vec<(usize, Vec<u8>)>,
}

impl Administrator {
    fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        core::array::from_fn(|index| self.drawn ^ (index as u8).wrapping_mul(31))
    }

    /// Changes every machine's keys, and sends these theirs: each its own, or all of them to one machine.
    fn change(
        &mut self,
        to: &[usize],
        via: Via,
        urgency: Urgency,
        change: impl Fn(&mut ClusterKeys),
    ) -> Result<(), Failure> {
        for keys in &mut self.machines {
            keys.generation += 1;
            change(keys);
        }
        for &index in to {
            let ephemeral = self.draw();
            let next = &self.machines[index];
            let update = update::seal(&self.own, &next.public, next, urgency, ephemeral);
            let update = update.ok_or_else(|| Failure::new("a key is no key"))?;
            let reached = match via {
                Via::Itself => index,
                Via::Machine(only) => only,
            };
            self.host.send(reached as u8 + 1, &update)?;
            self.sent.push((reached, update.to_vec()));
        }
        Ok(())
    }
}

/// Whom the administrator reaches.
#[derive(Clone, Copy)]
enum Via {
    /// Each machine.
    Itself,
    /// One, that passes the others' on.
    Machine(usize),
}

/// Keys of a cluster of `count` machines, each changed as its test wants.
pub(crate) fn cluster_of(
    count: usize,
    change: impl Fn(&mut ClusterKeys),
) -> Result<Vec<ClusterKeys>, Failure> {
    let mut drawn = 0_u8;
    let keys = ClusterKeys::generate(count, || {
        drawn += 1;
        Ok::<_, core::convert::Infallible>(core::array::from_fn(|index| drawn ^ index as u8))
    });
    let Ok(mut keys) = keys;
    keys.iter_mut().for_each(change);
    Ok(keys)
}

/// A file for each machine.
pub(crate) fn write_all(folder: &Path, keys: &[ClusterKeys]) -> Result<Vec<PathBuf>, Failure> {
    let write = |keys: &ClusterKeys| {
        let file = folder.join(format!("{}.keys", keys.node.0));
        let written = std::fs::write(&file, keys.to_bytes());
        written.map_err(|error| Failure::new(error.to_string()))?;
        Ok(file)
    };
    keys.iter().map(write).collect()
}

/// Waits until a machine has keys of this generation.
fn has(site: &Site<'_>, generation: u64) -> Result<(), Failure> {
    let end = Instant::now() + LIMIT;
    while site.statistics()?.keys != generation {
        if Instant::now() > end {
            return Err(site.failure(format!("it has no keys of generation {generation}")));
        }
    }
    Ok(())
}

/// A call, of an object that is not there: the server says so, and so it has run.
pub(crate) fn call(holder: &HolderClient<&Agent<'_>>) -> Called<u64> {
    match holder.ran(0) {
        Err(CallError::Interface(HolderError::BadObject)) => Ok(0),
        other => other,
    }
}

/// Sooner or later nobody is there, and then it stays so.
fn is_unreachable(site: &Site<'_>, node: u8) -> Result<(), Failure> {
    let end = Instant::now() + LIMIT;
    let gone = Outcome::NotExecuted(NotExecuted::PeerUnreachable);
    let mut row = 0;
    while row < 3 {
        match lookup(site, &format!("/node/{node}/holder"))? {
            Err(CallError::Outcome(outcome)) if outcome == gone => row += 1,
            other if Instant::now() > end => {
                return Err(site.failure(format!("machine {node} answers: {other:?}")));
            }
            _ => row = 0,
        }
    }
    Ok(())
}

/// Machines that call machine 1 all the while.
struct Bystanders {
    calls: [AtomicU64; MACHINES],
    over: AtomicBool,
}

impl Bystanders {
    /// Calls until it is over; the first call that does not go well is the end.
    fn call(&self, site: &Site<'_>) -> Result<(), Failure> {
        let home = site.holder(1)?;
        while !self.over.load(Ordering::Relaxed) {
            site.right("a bystander's call", call(&home))?;
            self.calls[usize::from(site.node) - 1].fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Waits until a bystander has made some more calls.
    fn go_on(&self, site: &Site<'_>) -> Result<(), Failure> {
        let made = &self.calls[usize::from(site.node) - 1];
        let wanted = made.load(Ordering::Relaxed) + CALLS;
        let end = Instant::now() + LIMIT;
        while made.load(Ordering::Relaxed) < wanted {
            if Instant::now() > end {
                return Err(site.failure("a bystander calls no more"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

pub(crate) fn change_while_machines_run(lab: &Lab) -> Result<(), Failure> {
    let own = Secret([0x5a; 32]);
    // The first three know of each other, the fourth of nobody's keys but theirs, until it is added.
    let machines = cluster_of(MACHINES, |keys| {
        keys.administrator = Some(own.public());
        keys.public[ADDED] = None;
    })?;
    let folder = tempfile::tempdir().map_err(|error| Failure::new(error.to_string()))?;
    let write =
        |keys: &ClusterKeys| write_all(folder.path(), core::slice::from_ref(keys)).map(drop);
    let cluster = lab
        .machines(MACHINES)?
        .keys(Some(write_all(folder.path(), &machines)?))
        .with_outsider()
        .prepare()?;
    let first = &cluster.machines()[..ADDED];
    first.iter().try_for_each(isthmus_testkit::Machine::start)?;
    let mut administrator = Administrator {
        own,
        machines,
        drawn: 0,
        host: cluster.host()?,
        sent: Vec::new(),
    };
    let sites = first.iter().map(|machine| Site::of(&cluster, machine));
    let sites = sites.collect::<Result<Vec<_>, _>>()?;
    let bystanders = Bystanders {
        calls: [const { AtomicU64::new(0) }; MACHINES],
        over: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        let calling = scope.spawn(|| bystanders.call(&sites[1]));
        let changed = changes(&cluster, &sites, &bystanders, &mut administrator, &write);
        bystanders.over.store(true, Ordering::Relaxed);
        let called = calling.join();
        changed?;
        called.unwrap_or_else(|_| Err(cluster.failure("a bystander panicked")))
    })
}

fn changes(
    cluster: &Cluster,
    sites: &[Site<'_>],
    bystanders: &Bystanders,
    administrator: &mut Administrator,
    write: &impl Fn(&ClusterKeys) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let [home, friend, expelled] = sites else {
        return Err(cluster.failure("three machines were to run"));
    };
    bystanders.go_on(friend)?;
    // A machine that is not of the cluster yet.
    is_unreachable(home, ADDED as u8 + 1)?;
    let public = administrator.machines[ADDED].private.public();
    administrator.change(&[0, 1, 2], Via::Itself, Urgency::Overlap, |keys| {
        keys.public[ADDED] = Some(public);
    })?;
    sites.iter().try_for_each(|site| has(site, 2))?;
    write(&administrator.machines[ADDED])?;
    let machine = cluster.machine(ADDED + 1);
    machine.start()?;
    machine.wait_until_up()?;
    let added = Site::of(cluster, machine)?;
    for (from, to) in [(&added, home), (home, &added), (expelled, &added)] {
        from.right("a call", call(&from.holder(to.node)?))?;
    }
    bystanders.go_on(friend)?;

    // Another secret: sessions that are there go on, and so do calls.
    let expelled_home = expelled.holder(home.node)?;
    let added_home = added.holder(home.node)?;
    administrator.change(&[0, 1, 2, 3], Via::Itself, Urgency::Overlap, |keys| {
        keys.shared = Secret([0x77; 32]);
    })?;
    for site in [home, friend, expelled, &added] {
        has(site, 3)?;
    }
    expelled.right("after the rotation", call(&expelled_home))?;
    added.right("after the rotation", call(&added_home))?;
    bystanders.go_on(friend)?;

    // Its keys are in wrong hands.
    administrator.change(&[0, 1, 3], Via::Itself, Urgency::AtOnce, |keys| {
        keys.public[EXPELLED] = None;
        keys.shared = Secret([0x78; 32]);
    })?;
    for site in [home, friend, &added] {
        has(site, 4)?;
        is_unreachable(site, expelled.node)?;
    }
    if let Ok(_) | Err(CallError::Interface(_)) = call(&expelled_home) {
        return Err(expelled.failure("who is expelled is still served"));
    }
    for node in [home.node, friend.node, added.node] {
        is_unreachable(expelled, node)?;
    }
    added.right("after the expulsion", call(&added_home))?;
    bystanders.go_on(friend)?;

    // What was recorded, what is another's, and what is nobody's.
    let before = home.statistics()?;
    let own = administrator.sent.iter().filter(|(to, _)| *to == 0).count() as u64;
    for (to, update) in administrator.sent.clone() {
        administrator.host.send(home.node, &update)?;
        administrator.host.send(to as u8 + 1, &update)?;
    }
    let mut keys = administrator.machines[0].clone();
    keys.generation += 1;
    let somebody = Secret([3; 32]);
    let forged = update::seal(&somebody, &keys.public, &keys, Urgency::AtOnce, [9; 32]);
    let forged = forged.ok_or_else(|| Failure::new("a key is no key"))?;
    administrator.host.send(home.node, &forged)?;
    // Its own twice; the others' it keeps for them, who have them.
    let refused = 2 * own + 1;
    let end = Instant::now() + LIMIT;
    while home.statistics()?.keys_refused < before.keys_refused + refused {
        if Instant::now() > end {
            return Err(home.failure("not everything that was repeated has been refused"));
        }
    }
    for site in [home, friend, &added] {
        has(site, 4)?;
    }
    added.right("after the replays", call(&added_home))?;
    bystanders.go_on(friend)?;
    passed_on(cluster, [home, friend, &added], administrator)?;
    bystanders.go_on(friend)
}

/// The administrator reaches machine 1 only; and a machine that starts again with the keys that it was first given gets the present ones from the others, with whom it has no secret in common.
fn passed_on(
    cluster: &Cluster,
    [home, friend, added]: [&Site<'_>; 3],
    administrator: &mut Administrator,
) -> Result<(), Failure> {
    administrator.change(&[3, 1, 0], Via::Machine(0), Urgency::AtOnce, |keys| {
        keys.shared = Secret([0x79; 32]);
    })?;
    for site in [home, friend, added] {
        has(site, 5)?;
    }
    let machine = cluster.machine(ADDED + 1);
    machine.kill();
    machine.start()?;
    machine.wait_until_up()?;
    let again = Site::of(cluster, machine)?;
    has(&again, 5)?;
    for (from, to) in [(&again, home), (home, &again), (friend, &again)] {
        from.right("after the restart", call(&from.holder(to.node)?))?;
    }
    Ok(())
}
