//! Where a machine's keys come from: two machines that have random numbers from a virtio-rng device and nowhere else speak to each other, and one that has none at all says so and speaks
//! to nobody, though it runs. To an ordinary machine it does not matter which the others are.

use std::time::Duration;

use isthmus_abi::{NotExecuted, Outcome};
use isthmus_interface::CallError;
use isthmus_testkit::{Failure, Randomness, says};

use crate::keys::call;
use crate::lab::Lab;
use crate::policy::lookup;
use crate::sites::Site;

const LIMIT: Duration = Duration::from_secs(30);
/// Machine 3 is an ordinary one, and 4 has nothing.
const BY_DEVICE: [usize; 2] = [1, 2];
const WITHOUT: usize = 4;

pub(crate) fn is_had_or_asked_for(lab: &Lab) -> Result<(), Failure> {
    let mut machines = lab.machines(WITHOUT)?;
    for node in BY_DEVICE {
        machines = machines.randomness_of(node, Randomness::Device);
    }
    let machines = machines.randomness_of(WITHOUT, Randomness::Nowhere);
    let cluster = machines.start()?;
    let refusal = says(
        "netipc",
        "this machine speaks to no other: it has no source of random numbers",
    );
    cluster.machine(WITHOUT).wait_for(&refusal, LIMIT)?;
    let sites = Site::all(&cluster)?;
    let [first, second, ordinary, without] = &sites[..] else {
        return Err(cluster.failure("four machines were asked for"));
    };
    for (from, to) in [
        (first, second),
        (second, first),
        (ordinary, first),
        (second, ordinary),
    ] {
        from.right("a call", call(&from.holder(to.node)?))?;
    }
    // It is up, and calls on itself go well; nobody else is reached from there, nor reaches it.
    without.right("a call at home", call(&without.holder(without.node)?))?;
    let gone = Outcome::NotExecuted(NotExecuted::PeerUnreachable);
    for (from, to) in [(without, first), (first, without), (ordinary, without)] {
        match lookup(from, &format!("/node/{}/holder", to.node))? {
            Err(CallError::Outcome(outcome)) if outcome == gone => {}
            other => return Err(from.failure(format!("machine {} answers: {other:?}", to.node))),
        }
    }
    Ok(())
}
