//! What a server takes back reaches it no more, from any machine, however it got there; and the server can find out when nobody has it any more.

use std::time::{Duration, Instant};

use holder_interface::{FIRST_OBJECT, Holder, Tell};
use isthmus_abi::{NotExecuted, Outcome};
use isthmus_interface::{CallError, Cap};
use isthmus_testkit::{Cluster, Failure};

use crate::lab::Lab;
use crate::sites::{Site, Way, hop};

/// A revocation is complete when the session with a lost importer has ended; and on a busy host machines stand still for some time.
const COMPLETE_WITHIN: Duration = Duration::from_secs(10);

/// What the second importer suffers meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    /// Nothing.
    Well,
    /// Nothing reaches it from its server's machine, or the other way round.
    Cut,
    /// It is stopped.
    Paused,
    /// It is dead.
    Killed,
}

/// An object of the first machine, as the second has it and has handed it on to the third.
struct Object {
    number: u16,
    first: Cap<dyn Holder>,
    second: Cap<dyn Holder>,
    /// Requests that have run there.
    ran: u64,
}

struct Scene<'c> {
    cluster: &'c Cluster,
    sites: Vec<Site<'c>>,
    made: u16,
}

impl Scene<'_> {
    fn home(&self) -> &Site<'_> {
        &self.sites[0]
    }

    /// A new object, which both importers have called.
    fn lend(&mut self) -> Result<Object, Failure> {
        let number = FIRST_OBJECT + self.made;
        self.made += 1;
        let giver = &self.sites[1];
        let first = giver.right("make", giver.holder(self.home().node)?.make(number))?;
        giver.right("keep", giver.holder(giver.node)?.keep(0, &first))?;
        let (second, _) = hop(&self.sites, 1, 2, Way::Call)?;
        let mut object = Object {
            number,
            first,
            second,
            ran: 0,
        };
        self.works(&mut object)?;
        Ok(object)
    }

    fn works(&self, object: &mut Object) -> Result<(), Failure> {
        for (site, capability) in [(1, &object.first), (2, &object.second)] {
            let site = &self.sites[site];
            site.right("run", site.run(capability, object.ran))?;
            object.ran += 1;
        }
        self.stands(object)
    }

    /// Nothing has run at an object but what was answered.
    fn stands(&self, object: &Object) -> Result<(), Failure> {
        let home = self.home();
        let ran = home.right("ran", home.holder(home.node)?.ran(object.number))?;
        if ran == object.ran {
            Ok(())
        } else {
            Err(home.failure(format!("{ran} requests have run, not {}", object.ran)))
        }
    }

    fn revoke(&self, object: &Object, tell: Tell) -> Result<u64, Failure> {
        let home = self.home();
        home.right(
            "revoke",
            home.holder(home.node)?.revoke(object.number, tell),
        )
    }

    fn unconfirmed(&self, number: u64) -> Result<u64, Failure> {
        let home = self.home();
        home.right("unconfirmed", home.holder(home.node)?.unconfirmed(number))
    }

    /// A call through a revoked capability is refused for that reason; or the importer's proxy has taken it away already, and nothing is in the client's slot.
    fn is_refused(&self, site: usize, capability: &Cap<dyn Holder>) -> Result<(), Failure> {
        let site = &self.sites[site];
        match site.run(capability, 0) {
            Err(CallError::Outcome(Outcome::NotExecuted(
                NotExecuted::Revoked | NotExecuted::NotAnEndpoint,
            ))) => Ok(()),
            other => Err(site.failure(format!("a revoked capability: {other:?}"))),
        }
    }

    fn completes(&self, number: u64) -> Result<(), Failure> {
        let end = Instant::now() + COMPLETE_WITHIN;
        loop {
            match self.unconfirmed(number)? {
                0 => return Ok(()),
                left if Instant::now() > end => {
                    return Err(self
                        .home()
                        .failure(format!("{left} importers do not confirm")));
                }
                _ => {}
            }
        }
    }

    fn begin(&self, meanwhile: Meanwhile) {
        match meanwhile {
            Meanwhile::Well => {}
            Meanwhile::Cut => self.cluster.cut(1, 3),
            Meanwhile::Paused => self.cluster.machine(3).pause(),
            Meanwhile::Killed => self.cluster.machine(3).kill(),
        }
    }

    fn end(&mut self, meanwhile: Meanwhile) -> Result<(), Failure> {
        match meanwhile {
            Meanwhile::Well => {}
            Meanwhile::Cut => self.cluster.mend(1, 3),
            Meanwhile::Paused => self.cluster.machine(3).resume(),
            Meanwhile::Killed => self.cluster.machine(3).restart()?,
        }
        Ok(())
    }

    /// The object is revoked, the other one is not.
    fn one(&mut self, meanwhile: Meanwhile) -> Result<(), Failure> {
        let mut other = self.lend()?;
        let object = self.lend()?;
        let before = self.home().statistics()?;
        self.begin(meanwhile);
        let number = self.revoke(&object, Tell::Netipc)?;
        if meanwhile != Meanwhile::Well {
            let left = self.unconfirmed(number)?;
            let after = self.home().statistics()?;
            // The second importer cannot have confirmed; but its session may have ended already.
            if left == 0 && after.sessions_down == before.sessions_down {
                return Err(self.home().failure("who could not be told has confirmed"));
            }
        }
        self.is_refused(1, &object.first)?;
        if meanwhile == Meanwhile::Well {
            self.is_refused(2, &object.second)?;
            self.completes(number)?;
            self.stands(&object)?;
            return self.works(&mut other);
        }
        self.completes(number)?;
        self.end(meanwhile)?;
        if meanwhile == Meanwhile::Killed {
            let machine = self.cluster.machine(3);
            machine.wait_until_up()?;
            self.sites[2] = Site::of(self.cluster, machine)?;
        } else {
            // It may not know yet that its session has ended; whatever it hears, nothing runs.
            let late = &self.sites[2];
            for _ in 0..2 {
                match late.run(&object.second, 0) {
                    Err(CallError::Outcome(_)) => {}
                    other => return Err(late.failure(format!("{meanwhile:?}: {other:?}"))),
                }
            }
        }
        self.stands(&object)?;
        // All is well again.
        self.lend().map(drop)
    }

    /// Netipc is told by nobody, and finds out.
    fn untold(&mut self) -> Result<(), Failure> {
        let mut other = self.lend()?;
        let object = self.lend()?;
        self.revoke(&object, Tell::Nobody)?;
        let second = &self.sites[2];
        match second.run(&object.second, 0) {
            Err(CallError::Outcome(Outcome::NotExecuted(NotExecuted::Revoked))) => {}
            other => return Err(second.failure(format!("nobody was told: {other:?}"))),
        }
        self.is_refused(1, &object.first)?;
        self.stands(&object)?;
        self.works(&mut other)
    }
}

/// Whether the importers are well, or one is cut off, stopped or dead.
pub(crate) fn is_effective(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(3)?.start()?;
    let mut scene = Scene {
        cluster: &cluster,
        sites: Site::all(&cluster)?,
        made: 0,
    };
    scene.one(Meanwhile::Well)?;
    scene.untold()?;
    scene.one(Meanwhile::Cut)?;
    scene.one(Meanwhile::Paused)?;
    scene.one(Meanwhile::Killed)
}
