//! Several machines: mounts, cluster-wide names, directories that were given away, watches; and what look-ups cost.

use core::time::Duration;

use isthmus_runtime::interface::CallError;
use isthmus_runtime::{Kernel, say};
use naming_interface::{Access, Kind, Lease, NamingClient, NamingError, Reach};
use naming_programs::{OWNER, OwnerClient, SHARED};
use netipc_interface::NetipcClient;
use remote_programs::{Failure, failure};

use crate::tools::{Heard, Tools, done, equal, holds, lease, look, path, refused};

/// The machine of the owner.
const OWNERS: u8 = 1;
/// For what is to be heard at once.
const SOON: Duration = Duration::from_secs(10);
/// Look-ups whose calls are counted.
const LOOKS: u64 = 10;

pub fn all(tools: &Tools) -> Result<(), Failure> {
    let owner = tools.owner()?;
    equal("the owner's machine", owner.node(), Ok(OWNERS))?;
    mounts(tools)?;
    cost(tools)?;
    shared(tools, &owner)?;
    cluster(tools)
}

/// Every machine's tree is below `/node`.
fn mounts(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    done("by the machine", look(root, "/node/1/owner"))?;
    refused(
        "not there",
        look(root, "/node/1/nothing"),
        NamingError::NotFound,
    )?;
    refused(
        "not here",
        look(root, "/node/2/owner"),
        NamingError::NotFound,
    )?;
    let machines = done("machines", root.list(path("/node"), None))?;
    equal(
        "machines",
        machines.items.len(),
        tools.startup.machine.nodes.into(),
    )?;
    equal("kind", machines.items[0].kind, Kind::Machine)?;
    holds("there", root.list(path("/node/1"), None), &[OWNER, SHARED])?;
    let here = done("here", root.list(path("/"), None))?;
    let owner = here.items.iter().find(|item| item.name.as_str() == OWNER);
    equal(
        "the owner",
        owner.map(|item| item.kind),
        Some(Kind::Elsewhere { node: OWNERS }),
    )?;
    let register = tools.register(root, "/node/1/x", Lease::MAX, Reach::Machine);
    refused("register there", register, NamingError::NotPermitted)?;
    refused(
        "unlink there",
        root.unlink(path("/node/1/owner")),
        NamingError::NotPermitted,
    )?;
    let opened = root.open(path("/node/1/shared"), Access::Change);
    refused(
        "open there to change",
        opened.map(drop),
        NamingError::NotPermitted,
    )?;
    let there = &tools.open(root, "/node/1", Access::Read)?;
    holds(
        "through a capability",
        there.list(path("/"), None),
        &[OWNER, SHARED],
    )?;
    done("through a capability", look(there, OWNER))?;
    let below = &tools.open(there, SHARED, Access::Read)?;
    holds("below", below.list(path("/"), None), &[])?;
    holds("never above", below.list(path("../.."), None), &[])?;
    say!("mounts are right");
    Ok(())
}

/// Calls of this machine to others.
fn calls(tools: &Tools) -> Result<u64, Failure> {
    let netipc = tools.startup.endpoint(NetipcClient::<Kernel>::INTERFACE);
    let netipc = netipc.map_err(|missing| failure!("{missing}"))?;
    let statistics = NetipcClient::new(Kernel, netipc).statistics();
    Ok(statistics
        .map_err(|error| failure!("netipc: {error}"))?
        .calls)
}

/// A look-up is one round trip, whether the machine is said or found. Naming may ask for news meanwhile, when the owner renews; not each time.
fn cost(tools: &Tools) -> Result<(), Failure> {
    for text in ["/owner", "/node/1/owner"] {
        let mut least = u64::MAX;
        for _ in 0..LOOKS {
            let before = calls(tools)?;
            done(text, look(&tools.root(), text))?;
            least = least.min(calls(tools)? - before);
        }
        equal("round trips of a look-up", least, 1)?;
    }
    let before = calls(tools)?;
    for _ in 0..LOOKS {
        done("here", look(&tools.root(), "/owner"))?;
    }
    let made = calls(tools)? - before;
    // Renewals come once a second.
    if made > 2 * LOOKS {
        return Err(failure!("{LOOKS} look-ups cost {made} round trips"));
    }
    refused(
        "nowhere",
        look(&tools.root(), "/nothing"),
        NamingError::NotFound,
    )?;
    say!("look-ups cost one round trip");
    Ok(())
}

/// A directory of another machine that was given away is a whole tree, with its giver's rights.
fn shared(tools: &Tools, owner: &OwnerClient<Kernel>) -> Result<(), Failure> {
    let given = owner.share().map_err(|error| failure!("share: {error}"))?;
    let shared = &NamingClient::new(Kernel, given);
    let watcher = tools.notification()?;
    let root = &tools.root();
    let watched = done(
        "watch there",
        root.watch(path("/node/1/shared"), Lease::MAX, watcher),
    )?;
    done("create there", shared.create(path("d"), Lease::MAX))?;
    equal("heard from there", tools.listen(SOON), Heard::InTime)?;
    done(
        "register there",
        tools.register(shared, "d/x", Lease::MAX, Reach::Machine),
    )?;
    done("by the machine", look(root, "/node/1/shared/d/x"))?;
    done("by the directory", look(shared, "d/../d/x"))?;
    holds("no way up", shared.list(path("/.."), None), &["d"])?;
    done("rename there", shared.rename(path("d"), path("e")))?;
    let changes = done(
        "rewatch there",
        root.rewatch(path("/node/1/shared"), watched.id, Lease::MAX),
    )?;
    equal("changes", changes, watched.changes + 2)?;
    done(
        "unwatch there",
        root.unwatch(path("/node/1/shared"), watched.id),
    )?;
    done("unlink there", shared.unlink(path("e/x")))?;
    done("unlink there", shared.unlink(path("e")))?;
    say!("what was given away is right");
    Ok(())
}

/// A name of the cluster is one machine's.
fn cluster(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    let taken = tools.register(root, OWNER, Lease::MAX, Reach::Cluster);
    refused("taken", taken, NamingError::Exists)?;
    done(
        "this machine's",
        tools.register(root, OWNER, Lease::MAX, Reach::Machine),
    )?;
    let here = done("list", root.list(path("/"), None))?;
    let owner = here.items.iter().find(|item| item.name.as_str() == OWNER);
    equal(
        "this machine's hides it",
        owner.map(|item| item.kind),
        Some(Kind::Entry),
    )?;
    done("unlink", root.unlink(path(OWNER)))?;
    // Its naming hears of it by and by.
    done(
        "of the cluster",
        tools.register(root, "mine", lease(naming_programs::LEASE), Reach::Cluster),
    )?;
    let found = tools.until(|| {
        let page = root.list(path("/node/1"), None)?;
        // That machine's own names only: `mine` is not there.
        let there = page.items.iter().any(|item| item.name.as_str() == "mine");
        if there {
            Err(CallError::Interface(NamingError::Exists))
        } else {
            Ok(())
        }
    });
    done("not in another's tree", found)?;
    done("unlink", root.unlink(path("mine")))?;
    say!("names of the cluster are right");
    Ok(())
}
