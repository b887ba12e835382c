//! Capabilities across machines: they come home however far they have gone, and what was handed on lives on without whoever handed it on.
//!
//! On each machine is a server that makes capabilities and keeps others' (`tests/programs/holder`), and an agent, through which the test calls. The test has capabilities
//! given from machine to machine, in calls and in replies, and asks the proxies how often each of them carried a call: so a chain of proxies would be seen.

use holder_interface::{FIRST_OBJECT, Holder, Ran};
use isthmus_interface::Cap;
use isthmus_testkit::Failure;

use crate::lab::Lab;
use crate::sites::{Site, Way, hop};

/// As far as a capability goes.
const HOPS: usize = 10;
/// Measurements of one call: something else may make one meanwhile, but hardly each time.
const TRIES: u64 = 12;
/// What the proxies of all machines have carried: calls of local clients, and requests of peers.
fn carried(sites: &[Site<'_>]) -> Result<Vec<[u64; 2]>, Failure> {
    let each = sites.iter().map(|site| {
        let statistics = site.statistics()?;
        Ok([statistics.calls, statistics.requests])
    });
    each.collect()
}

/// The capability leads to the object, and a call costs what it must: none of the proxies but the caller's and the object's takes part, and neither of them at home.
fn leads_straight(
    sites: &[Site<'_>],
    at: usize,
    capability: &Cap<dyn Holder>,
    home: usize,
    object: u16,
) -> Result<(), Failure> {
    let site = &sites[at];
    let mut wanted = vec![[0, 0]; sites.len()];
    if at != home {
        wanted[at][0] = 1;
        wanted[home][1] = 1;
    }
    let mut least = vec![[u64::MAX; 2]; sites.len()];
    for request in 0..TRIES {
        let before = carried(sites)?;
        let ran = site.right("run", site.run(capability, request))?;
        let right = Ran {
            node: sites[home].node,
            object,
            request,
        };
        if ran != right {
            return Err(site.failure(format!("{ran:?}, not {right:?}")));
        }
        for ((least, before), after) in least.iter_mut().zip(before).zip(carried(sites)?) {
            for (least, (before, after)) in least.iter_mut().zip(before.into_iter().zip(after)) {
                *least = (*least).min(after - before);
            }
        }
        if least == wanted {
            return Ok(());
        }
    }
    Err(site.failure(format!(
        "a call was carried [by clients, of peers] {least:?}, not {wanted:?}"
    )))
}

/// Three machines, ten hops, by calls and by replies; each third one home. Never is there a chain.
pub(crate) fn comes_home(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(3)?.start()?;
    let sites = Site::all(&cluster)?;
    for (object, ways) in [
        (FIRST_OBJECT, [Way::Reply, Way::Call]),
        (FIRST_OBJECT + 1, [Way::Call, Way::Call]),
        (FIRST_OBJECT + 2, [Way::Reply, Way::Reply]),
    ] {
        let home = &sites[0];
        let made = home.right("make", home.holder(home.node)?.make(object))?;
        home.right("keep", home.holder(home.node)?.keep(0, &made))?;
        for number in 0..HOPS {
            let (from, to) = (number % sites.len(), (number + 1) % sites.len());
            let (capability, own) = hop(&sites, from, to, ways[number % ways.len()])?;
            let wanted = if to == 0 { object } else { 0 };
            if own != wanted {
                return Err(
                    sites[to].failure(format!("hop {number}: it is {own} there, not {wanted}"))
                );
            }
            leads_straight(&sites, to, &capability, 0, object)?;
        }
    }
    Ok(())
}

/// What an introducer has handed on, in a call and in a reply, works when its machine is dead, and when it is back.
pub(crate) fn lives_on(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(3)?.start()?;
    let sites = Site::all(&cluster)?;
    let [home, introducer, receiver] = &sites[..] else {
        return Err(cluster.failure("three machines were asked for"));
    };
    let mut handed = Vec::new();
    for (object, way) in (FIRST_OBJECT..).zip([Way::Call, Way::Reply]) {
        let made = introducer.right("make", introducer.holder(home.node)?.make(object))?;
        introducer.right("keep", introducer.holder(introducer.node)?.keep(0, &made))?;
        let (capability, _) = hop(&sites, 1, 2, way)?;
        leads_straight(&sites, 2, &capability, 0, object)?;
        handed.push((object, capability));
    }
    let works = |request: u64| {
        handed.iter().try_for_each(|(object, capability)| {
            let ran = receiver.right("run", receiver.run(capability, request))?;
            if (ran.node, ran.object, ran.request) == (home.node, *object, request) {
                Ok(())
            } else {
                Err(receiver.failure(format!("{ran:?}")))
            }
        })
    };
    let machine = cluster.machine(usize::from(introducer.node));
    machine.pause();
    works(100)?;
    machine.resume();
    works(101)?;
    machine.kill();
    works(102)?;
    machine.restart()?;
    machine.wait_until_up()?;
    works(103)
}
