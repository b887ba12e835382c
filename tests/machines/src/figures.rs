//! What is measured with the scenarios' own machines, for `isthmus bench`.

use std::time::Duration;

use holder_interface::{FIRST_OBJECT, Took};
use isthmus_testkit::{Failure, Machine, Said};

use crate::lab::{Lab, wait_for_ok};
use crate::sites::Site;

/// The system of the machines whose capabilities are revoked.
pub const REVOKING: &str = "tests/machines/systems/hand-over.toml";
/// The system of the machines that lend memory.
pub const LENDING: &str = "tests/machines/systems/bulk.toml";
/// Bytes that are lent there.
pub const LENT: u64 = 4 << 20;
/// A transfer, on a busy host.
const LIMIT: Duration = Duration::from_secs(120);

/// What moving [`LENT`] bytes takes by the server's clock, and small calls from the lender's machine to the server's meanwhile. All in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The server's fetch from the caller's machine, its memory's mapping by the proxy included.
    pub fetched: u64,
    /// Its store to the caller's machine.
    pub stored: u64,
    /// Small calls while nothing is moved.
    pub still: Small,
    /// Small calls meanwhile.
    pub beside: Small,
}

/// What small calls take, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Small {
    /// The median.
    pub p50: u64,
    /// 99 of 100 take no longer.
    pub p99: u64,
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
    let (server, client) = (cluster.machine(1), cluster.machine(2));
    let (fetched, stored) = (micros(server, "fetched")?, micros(server, "stored")?);
    // A round of small calls later all of those are told of.
    wait_for_ok(client, "client", "cycles", LIMIT)?;
    let (still, beside) = small(client)?;
    Ok(Moved {
        fetched,
        stored,
        still,
        beside,
    })
}

/// What the server says: "N bytes DONE in T us".
fn micros(server: &Machine, done: &str) -> Result<u64, Failure> {
    let words = format!("{LENT} bytes {done} in ");
    let says = |said: &Said| said.words().is_some_and(|said| said.contains(&words));
    let line = server.wait_for_line(&words, LIMIT, says)?;
    let time = line.said.words().and_then(|said| said.split(&words).nth(1));
    let micros = time.and_then(|time| time.split(' ').next()?.parse().ok());
    micros.ok_or_else(|| server.failure("the server does not say how long it took"))
}

/// What the client of small calls has said last: "still P50 us P99 us of N, beside P50 us P99 us of N, chunks N".
fn small(client: &Machine) -> Result<(Small, Small), Failure> {
    let read = |words: &str| {
        let mut words = words.split(' ');
        Some(Small {
            p50: words.next()?.parse().ok()?,
            p99: words.nth(1)?.parse().ok()?,
        })
    };
    let lines = client.lines();
    let said = lines.iter().filter_map(|line| line.said.words());
    let mut both = said.filter_map(|words| {
        let (still, beside) = words.split_once("still ")?.1.split_once(", beside ")?;
        read(still).zip(read(beside))
    });
    let told = both.next_back().filter(|(_, beside)| beside.p50 > 0);
    told.ok_or_else(|| client.failure("no small call was made while memory was moved"))
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
