//! A name that two servers have registered, on machines 1 and 2: one of them owns it, and the other takes over when its machine dies or is cut off. The
//! witness, and everybody else, is told the epoch, which rises with each owner; who is cut off does not say that it is the owner any more.

use std::time::{Duration, Instant};

use isthmus_interface::{Anything, CallError, Cap};
use isthmus_testkit::{Agent, Cluster, Failure};
use kv_interface::{Key, Kv, KvClient, RequestId, Value};
use naming_interface::{Naming, NamingClient, NamingError, Path};

use crate::lab::Lab;

/// Boot, and whatever has to be agreed on, on a busy host.
const LIMIT: Duration = Duration::from_secs(90);
/// Between two look-ups.
const AGAIN: Duration = Duration::from_millis(100);
/// The client that the server counts our requests for.
const CLIENT: u32 = 1;
const NAME: &str = "kv";

/// What naming says: since which epoch, and what.
type Owned = Result<(u64, Cap<Anything>), CallError<NamingError>>;
/// Where it is, and since which epoch.
type Found = (u8, u64);

/// One who looks names up.
struct Looker<'m> {
    node: u8,
    agent: Agent<'m>,
}

fn key() -> Key {
    Key::try_from("where").unwrap_or_default()
}

fn path(text: &str) -> Path {
    Path::new(text).unwrap_or(Path::ROOT)
}

fn request() -> RequestId {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    RequestId {
        client: CLIENT,
        number,
    }
}

impl<'m> Looker<'m> {
    fn on(cluster: &'m Cluster, node: u8) -> Result<Self, Failure> {
        let agent = cluster.machine(node.into()).agent()?;
        Ok(Self { node, agent })
    }

    fn owned(&self) -> Result<Owned, Failure> {
        let naming = self.agent.granted::<dyn Naming>("naming")?;
        Ok(NamingClient::new(&self.agent, naming).owned(path(NAME)))
    }

    /// Whose server answers under the name now, by what was put there.
    fn found(&self) -> Result<Result<Found, String>, Failure> {
        let (epoch, server) = match self.owned()? {
            Ok(found) => found,
            Err(why) => return Ok(Err(format!("{why:?}"))),
        };
        let kv = KvClient::new(&self.agent, Cap::<dyn Kv>::from(server.slot()));
        Ok(match kv.get(request(), key()) {
            Ok(value) => value
                .first()
                .map(|node| (*node, epoch))
                .ok_or_else(|| "nothing".into()),
            Err(why) => Err(format!("{why:?}")),
        })
    }

    /// Looks until the name leads where it should.
    fn until(
        &self,
        cluster: &Cluster,
        what: &str,
        is: impl Fn(Found) -> bool,
    ) -> Result<Found, Failure> {
        let end = Instant::now() + LIMIT;
        loop {
            let found = self.found()?;
            match found {
                Ok(found) if is(found) => return Ok(found),
                last if Instant::now() >= end => {
                    return Err(cluster.failure(format!("{what}, from {}: {last:?}", self.node)));
                }
                _ => std::thread::sleep(AGAIN),
            }
        }
    }

    /// Puts the machine's number into its server.
    fn mark(&self, node: u8) -> Result<(), Failure> {
        let server = self.agent.find::<dyn Kv>(&format!("/node/{node}/{NAME}"))?;
        let kv = KvClient::new(&self.agent, server);
        let value = Value::from_slice(&[node]).unwrap_or_default();
        let put = kv.put(request(), key(), value);
        let machine = self.node;
        put.map(drop)
            .map_err(|why| Failure::new(format!("{machine} cannot put into {node}: {why:?}")))
    }
}

/// The owner's machine dies; the next owner's is cut off.
pub(crate) fn moves(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab
        .machines(3)?
        .arguments("voters=1,2,3 witness=3")
        .start()?;
    let witness = Looker::on(&cluster, 3)?;
    witness.mark(1)?;
    witness.mark(2)?;
    let (owner, first) = witness.until(&cluster, "somebody owns it", |_| true)?;
    let heir = 3 - owner;
    let other = Looker::on(&cluster, heir)?;
    other.until(&cluster, "all say the same", |found| {
        found == (owner, first)
    })?;

    cluster.machine(owner.into()).kill();
    let is_heir = |found: Found| found.0 == heir && found.1 > first;
    let (_, second) = witness.until(&cluster, "the other takes over", is_heir)?;
    cluster.machine(owner.into()).restart()?;
    let back = Looker::on(&cluster, owner)?;
    witness.mark(owner)?;
    back.until(&cluster, "who is back stands by", |found| {
        found == (heir, second)
    })?;

    for node in [owner, 3] {
        cluster.cut(heir.into(), node.into());
    }
    let is_back = |found: Found| found.0 == owner && found.1 > second;
    let (_, third) = witness.until(&cluster, "the first takes over", is_back)?;
    // Asked after the other has answered as the owner: it has its server, and does not say that it owns the name.
    let said = other.owned()?;
    if !matches!(said, Err(CallError::Interface(NamingError::NotSure))) {
        return Err(cluster.failure(format!("the one that is cut off says {said:?}")));
    }
    let own = format!("/node/{heir}/{NAME}");
    other.agent.find::<dyn Kv>(&own)?;
    for node in [owner, 3] {
        cluster.mend(heir.into(), node.into());
    }
    other
        .until(&cluster, "it learns", |found| found == (owner, third))
        .map(drop)
}

/// Two machines without a witness: the name stays with the machine that is dead, and what is asked of the other by its number is answered.
pub(crate) fn stays(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.arguments("voters=1,2").start()?;
    let looker = Looker::on(&cluster, 1)?;
    looker.mark(1)?;
    looker.mark(2)?;
    let (owner, epoch) = looker.until(&cluster, "somebody owns it", |_| true)?;
    let other = Looker::on(&cluster, 3 - owner)?;
    cluster.machine(owner.into()).kill();
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        if let Ok(found) = other.found()? {
            return Err(cluster.failure(format!("somebody took over: {found:?}")));
        }
        std::thread::sleep(AGAIN);
    }
    let own = format!("/node/{}/{NAME}", other.node);
    other.agent.find::<dyn Kv>(&own)?;
    cluster.machine(owner.into()).restart()?;
    let back = Looker::on(&cluster, owner)?;
    back.mark(owner)?;
    back.until(&cluster, "both begin anew", |found| found.1 > epoch)
        .map(drop)
}
