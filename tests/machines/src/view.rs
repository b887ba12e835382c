//! Who owns what when machines die, are cut off or stand still: by the proxies' views on real machines, asked by agents.
//!
//! Two machines own things, and a third, where there is one, only votes. What is shown is what a majority is for: nobody takes over while the owner
//! may still act, somebody does afterwards, with a higher epoch, and who was away learns it. Without a third machine nobody ever takes over.

use std::time::{Duration, Instant};

use isthmus_abi::{Outcome, Unknown};
use isthmus_interface::CallError;
use isthmus_testkit::{Agent, Cluster, Failure, Voters};
use netipc_interface::{Agreed, Home, HomeId, Homes, HomesClient, HomesError};
use netipc_protocol::NodeId;

use crate::lab::Lab;

/// Boot, and whatever the voters have to agree on, on a busy host.
const LIMIT: Duration = Duration::from_secs(90);
/// A takeover: lease, drift, and what a busy host adds.
const TAKEOVER: Duration = Duration::from_secs(30);
/// Longer than any lease and its drift, and than an election after it.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(4);
/// Between two questions.
const AGAIN: Duration = Duration::from_millis(100);
/// The machine that only votes.
const WITNESS: u8 = 3;
/// What is owned.
const THING: HomeId = HomeId {
    high: 0x7468,
    low: 1,
};
const OTHER: HomeId = HomeId {
    high: 0x7468,
    low: 2,
};

type Said<T> = Result<T, CallError<HomesError>>;

/// A machine's view, asked from outside.
struct Eyes<'m> {
    node: u8,
    agent: Agent<'m>,
}

impl<'m> Eyes<'m> {
    fn of(cluster: &'m Cluster, node: u8) -> Result<Self, Failure> {
        let agent = cluster.machine(node.into()).agent()?;
        Ok(Self { node, agent })
    }

    fn homes(&self) -> Result<HomesClient<&Agent<'m>>, Failure> {
        let netipc = self.agent.granted::<dyn Homes>("netipc")?;
        Ok(HomesClient::new(&self.agent, netipc))
    }

    fn home(&self, id: HomeId) -> Result<Said<Home>, Failure> {
        Ok(self.homes()?.home(id))
    }

    fn claim(&self, id: HomeId) -> Result<Said<Home>, Failure> {
        Ok(self.homes()?.claim(id))
    }
}

/// Asks until it is so.
fn until<T>(
    cluster: &Cluster,
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> Result<Result<T, String>, Failure>,
) -> Result<T, Failure> {
    let end = Instant::now() + limit;
    loop {
        match ask()? {
            Ok(value) => return Ok(value),
            Err(last) if Instant::now() >= end => {
                return Err(cluster.failure(format!("{what}: not so, but {last}")));
            }
            Err(_) => std::thread::sleep(AGAIN),
        }
    }
}

fn expect<T: std::fmt::Debug>(
    cluster: &Cluster,
    what: &str,
    said: T,
    is: bool,
) -> Result<(), Failure> {
    match is {
        true => Ok(()),
        false => Err(cluster.failure(format!("{what}: {said:?}"))),
    }
}

/// All of these machines are members, and these hold leases.
fn all_up(cluster: &Cluster, eyes: &[&Eyes<'_>], members: u8) -> Result<(), Failure> {
    for one in eyes {
        let holder = members & 1 << (one.node - 1) != 0;
        until(cluster, "every machine is a member", LIMIT, || {
            let agreed = one.homes()?.agreed();
            let well = |agreed: &Agreed| agreed.members == members && agreed.leased == holder;
            Ok(match agreed {
                Ok(agreed) if well(&agreed) => Ok(()),
                other => Err(format!("{}: {other:?}", one.node)),
            })
        })?;
    }
    Ok(())
}

/// A machine owns it, and may act: in which epoch.
fn owns(cluster: &Cluster, who: &Eyes<'_>, what: &str, said: Said<Home>) -> Result<u64, Failure> {
    let is = matches!(said, Ok(Home { owner: Some(owner), left_us: 1.., .. }) if owner == who.node);
    expect(cluster, what, said, is)?;
    Ok(said.map_or(0, |home| home.epoch))
}

/// A machine sees that nobody owns it, and takes it: in which epoch.
fn takes_over(cluster: &Cluster, who: &Eyes<'_>, from: u64) -> Result<u64, Failure> {
    let epoch = until(cluster, "somebody takes over", TAKEOVER, || {
        Ok(match who.home(THING)? {
            Ok(Home { owner: None, .. }) => match who.claim(THING)? {
                Ok(home) if home.owner == Some(who.node) && home.left_us > 0 => Ok(home.epoch),
                other => Err(format!("{other:?}")),
            },
            other => Err(format!("{other:?}")),
        })
    })?;
    expect(
        cluster,
        "a takeover has a higher epoch",
        epoch,
        epoch > from,
    )?;
    Ok(epoch)
}

/// Three machines, of which one only votes: the owner gives it back, hands it over, is killed, cut off, and stopped.
pub(crate) fn owners(lab: &Lab) -> Result<(), Failure> {
    // By the cluster's keys; elsewhere it is the arguments that name them.
    let voters = Voters::new([1, 2, 3].map(NodeId), [NodeId(3)]);
    let voters = voters.map_err(|error| Failure::new(error.to_string()))?;
    let cluster = lab.machines(3)?.voters(voters).start()?;
    let (one, two, three) = (
        Eyes::of(&cluster, 1)?,
        Eyes::of(&cluster, 2)?,
        Eyes::of(&cluster, WITNESS)?,
    );
    all_up(&cluster, &[&one, &two, &three], 0b011)?;
    let first = owns(&cluster, &one, "the first gets it", one.claim(THING)?)?;
    let said = two.claim(THING)?;
    let held = matches!(said, Ok(Home { owner: Some(1), epoch, left_us: 0 }) if epoch == first);
    expect(&cluster, "the second is told who was first", said, held)?;
    let said = three.claim(THING)?;
    let witness = said == Err(CallError::Interface(HomesError::Witness));
    expect(&cluster, "a witness owns nothing", said, witness)?;
    let second = given(&cluster, &one, &two, first)?;
    let third = killed(&cluster, &one, &two, second)?;
    let one = Eyes::of(&cluster, 1)?;
    all_up(&cluster, &[&one, &two, &three], 0b011)?;
    let fourth = cut_off(&cluster, &two, &one, third)?;
    all_up(&cluster, &[&one, &two, &three], 0b011)?;
    stopped(&cluster, &one, &two, fourth)
}

/// Given back and claimed, handed over and handed back: at once, and in higher epochs.
fn given(cluster: &Cluster, one: &Eyes<'_>, two: &Eyes<'_>, first: u64) -> Result<u64, Failure> {
    let said = one.homes()?.release(THING, first);
    expect(cluster, "an owner gives it back", said, said.is_ok())?;
    let second = owns(cluster, two, "then the other gets it", two.claim(THING)?)?;
    expect(cluster, "in a higher epoch", second, second > first)?;
    let said = one.homes()?.release(THING, first);
    let not_owner = said == Err(CallError::Interface(HomesError::NotOwner));
    expect(cluster, "who was the owner is it no more", said, not_owner)?;
    let said = two.homes()?.hand_over(THING, second, 3);
    let no_member = said == Err(CallError::Interface(HomesError::NoMember));
    expect(cluster, "a witness is no heir", said, no_member)?;
    let said = two.homes()?.hand_over(THING, second, 1);
    expect(cluster, "an owner hands it over", said, said.is_ok())?;
    let third = owns(cluster, one, "its heir has it", one.claim(THING)?)?;
    expect(cluster, "in a higher epoch", third, third > second)?;
    Ok(third)
}

/// The owner's machine dies: the other takes over after the lease, and the machine that comes back is told.
fn killed(cluster: &Cluster, dead: &Eyes<'_>, heir: &Eyes<'_>, epoch: u64) -> Result<u64, Failure> {
    let machine = cluster.machine(dead.node.into());
    machine.kill();
    let after = takes_over(cluster, heir, epoch)?;
    machine.restart()?;
    let back = Eyes::of(cluster, dead.node)?;
    until(cluster, "who comes back learns it", LIMIT, || {
        Ok(match back.home(THING)? {
            Ok(home) if (home.owner, home.epoch) == (Some(heir.node), after) => Ok(()),
            other => Err(format!("{other:?}")),
        })
    })?;
    Ok(after)
}

/// The owner's machine is cut off: it stops before the other owns it, and learns it when the network is whole.
fn cut_off(
    cluster: &Cluster,
    alone: &Eyes<'_>,
    heir: &Eyes<'_>,
    epoch: u64,
) -> Result<u64, Failure> {
    owns(cluster, alone, "it is the owner", alone.home(THING)?)?;
    for other in (1..=3).filter(|other| *other != usize::from(alone.node)) {
        cluster.cut(alone.node.into(), other);
    }
    let after = takes_over(cluster, heir, epoch)?;
    // Asked after the other has owned it: it may not, by its own clock, though it knows of nothing.
    let said = alone.home(THING)?;
    let knows_of_nothing = matches!(said, Ok(home) if home.epoch == epoch && home.left_us == 0);
    expect(
        cluster,
        "the one that is cut off has stopped",
        said,
        knows_of_nothing,
    )?;
    let said = alone.homes()?.release(OTHER, 1);
    let unknown = said
        == Err(CallError::Outcome(Outcome::Unknown(
            Unknown::DeadlinePassed,
        )));
    expect(cluster, "without a majority nobody knows", said, unknown)?;
    for other in (1..=3).filter(|other| *other != usize::from(alone.node)) {
        cluster.mend(alone.node.into(), other);
    }
    until(cluster, "who was cut off learns it", LIMIT, || {
        Ok(match alone.home(THING)? {
            Ok(home) if (home.owner, home.epoch) == (Some(heir.node), after) => Ok(()),
            other => Err(format!("{other:?}")),
        })
    })?;
    let said = alone.homes()?.release(THING, epoch);
    let not_owner = said == Err(CallError::Interface(HomesError::NotOwner));
    expect(cluster, "its epoch is over", said, not_owner)?;
    Ok(after)
}

/// The owner's machine stands still for longer than its lease: the first thing that it can say afterwards is that it may not.
fn stopped(
    cluster: &Cluster,
    still: &Eyes<'_>,
    heir: &Eyes<'_>,
    epoch: u64,
) -> Result<(), Failure> {
    owns(cluster, still, "it is the owner", still.home(THING)?)?;
    let machine = cluster.machine(still.node.into());
    machine.pause();
    let taken = takes_over(cluster, heir, epoch);
    machine.resume();
    let after = taken?;
    let said = still.home(THING)?;
    let acts = matches!(said, Ok(home) if home.owner == Some(still.node) && home.left_us > 0);
    expect(cluster, "who stood still does not act", said, !acts)?;
    // The suspicion was false, and does no more harm than that.
    until(cluster, "who stood still is a member again", LIMIT, || {
        let theirs = still.home(THING)?;
        Ok(match still.claim(OTHER)? {
            Ok(home) if home.owner == Some(still.node) => Ok(()),
            other => Err(format!("{other:?}, {theirs:?}")),
        })
    })?;
    let said = still.home(THING)?;
    let learnt = matches!(said, Ok(home) if (home.owner, home.epoch) == (Some(heir.node), after));
    expect(cluster, "and has learnt whose it is", said, learnt)
}

/// Two machines without a witness: nobody takes over from a machine that is dead; when it is back, both begin anew.
pub(crate) fn without_witness(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.arguments("voters=1,2").start()?;
    let (one, two) = (Eyes::of(&cluster, 1)?, Eyes::of(&cluster, 2)?);
    all_up(&cluster, &[&one, &two], 0b011)?;
    let epoch = owns(&cluster, &one, "the first gets it", one.claim(THING)?)?;
    cluster.machine(1).kill();
    let since = Instant::now();
    let said = two.claim(OTHER)?;
    let unknown = said
        == Err(CallError::Outcome(Outcome::Unknown(
            Unknown::DeadlinePassed,
        )));
    expect(&cluster, "without a majority nobody knows", said, unknown)?;
    std::thread::sleep(LONGER_THAN_A_LEASE.saturating_sub(since.elapsed()));
    let said = two.home(THING)?;
    let stays = matches!(said, Ok(home) if (home.owner, home.epoch) == (Some(1), epoch));
    expect(&cluster, "it stays with the dead", said, stays)?;
    cluster.machine(1).restart()?;
    let one = Eyes::of(&cluster, 1)?;
    all_up(&cluster, &[&one, &two], 0b011)?;
    // What could not be agreed on was asked for all the same, and is carried out by now, or soon.
    until(&cluster, "what was asked for is done", LIMIT, || {
        Ok(match two.home(OTHER)? {
            Ok(home) if home.owner == Some(2) => Ok(()),
            other => Err(format!("{other:?}")),
        })
    })?;
    let again = owns(
        &cluster,
        &two,
        "everything must be claimed again",
        two.claim(THING)?,
    )?;
    expect(&cluster, "in a higher epoch", again, again > epoch)
}
