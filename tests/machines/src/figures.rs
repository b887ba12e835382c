//! What is measured with the scenarios' own machines, for `isthmus bench`.

use holder_interface::{FIRST_OBJECT, Took};
use isthmus_testkit::{Failure, Machine, Said};

use crate::lab::Lab;
use crate::sites::Site;

/// The system of the machines whose capabilities are revoked.
pub const REVOKING: &str = "tests/machines/systems/hand-over.toml";
/// The system of the machines that lend memory.
pub const LENDING: &str = "tests/machines/systems/bulk.toml";
/// Bytes that are lent there.
pub const LENT: u64 = 1 << 20;

/// What a call takes that has [`LENT`] bytes moved, in microseconds: the objects' mapping, filling and summing at the server's is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// From the caller's machine.
    pub fetched: u64,
    /// To the caller's machine.
    pub stored: u64,
}

/// Boots machines of [`LENDING`] that lend once for a fetch and once for a store; small calls go on meanwhile.
///
/// # Errors
/// If one fails.
pub fn bulk(lab: &Lab) -> Result<Moved, Failure> {
    let cluster = lab
        .machines(2)?
        .arguments(format!("bytes={LENT}"))
        .start()?;
    let client = cluster.machine(2);
    Ok(Moved {
        fetched: micros(client, "fetched")?,
        stored: micros(client, "stored")?,
    })
}

/// What the client says: "N bytes DONE in T us".
fn micros(client: &Machine, done: &str) -> Result<u64, Failure> {
    let words = format!("{LENT} bytes {done} in ");
    let says = |said: &Said| said.words().is_some_and(|said| said.contains(&words));
    let line = client.wait_for_line(&words, Machine::BOOT_LIMIT, says)?;
    let time = line.said.words().and_then(|said| said.split(&words).nth(1));
    let micros = time.and_then(|time| time.split(' ').next()?.parse().ok());
    micros.ok_or_else(|| client.failure("the client does not say how long it took"))
}

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
