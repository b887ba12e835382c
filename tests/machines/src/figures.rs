//! What is measured with the scenarios' own machines, for `isthmus bench`.

use holder_interface::{FIRST_OBJECT, Took};
use isthmus_testkit::Failure;

use crate::lab::Lab;
use crate::sites::Site;

/// The system of these machines.
pub const SYSTEM: &str = "tests/machines/systems/hand-over.toml";

/// Has a capability handed to and fro between two machines, so often that the exporter's tree of it is `depth` deep, and revokes it at its root; `count` times.
///
/// # Errors
/// If a call fails, or the revocation is not confirmed.
pub fn revocation(lab: &Lab, depth: usize, count: u16) -> Result<Vec<Took>, Failure> {
    let cluster = lab.machines(3)?.start()?;
    let sites = Site::all(&cluster)?;
    let [home, one, other] = &sites[..] else {
        return Err(cluster.failure("there are not three machines"));
    };
    // Each look-up makes an import, so each is made once.
    let at_home = one.holder(home.node)?;
    let mine = home.holder(home.node)?;
    let hops = [
        (one, one.holder(one.node)?, one.holder(other.node)?),
        (other, other.holder(other.node)?, other.holder(one.node)?),
    ];
    (FIRST_OBJECT..FIRST_OBJECT + count)
        .map(|object| {
            let lent = one.right("make", at_home.make(object))?;
            let [(_, first, _), _] = &hops;
            one.right("keep", first.keep(PLACE, &lent))?;
            // The first importer's is the first level.
            for level in 1..depth {
                let (giver, here, there) = &hops[(level - 1) % hops.len()];
                let capability = giver.right("show", here.show(PLACE))?;
                giver.right("keep", there.keep(PLACE, &capability))?;
            }
            let (end, here, _) = &hops[(depth - 1) % hops.len()];
            let last = end.right("show", here.show(PLACE))?;
            end.right("run", end.run(&last, 0))?;
            let took = home.right("revoke", mine.revoke_and_wait(object))?;
            match end.run(&last, 0) {
                Err(_) => Ok(took),
                Ok(_) => Err(end.failure("the end of the tree was not revoked")),
            }
        })
        .collect()
}

/// In which of a holder's places a capability is kept on its way.
const PLACE: u8 = 0;
