//! Machines on which capabilities are made, kept and given on: a holder (`tests/programs/holder`) and an agent on each.

use std::time::Duration;

use holder_interface::{Holder, HolderClient, HolderError, NAME, Ran};
use isthmus_interface::{CallError, Cap};
use isthmus_testkit::{Agent, Cluster, Failure, Machine};
use netipc_interface::{Netipc, NetipcClient, Statistics};

/// Boot, on a busy host.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a call of a holder has come to.
pub(crate) type Called<T> = Result<T, CallError<HolderError>>;

/// One machine of the test.
pub(crate) struct Site<'m> {
    pub(crate) node: u8,
    pub(crate) agent: Agent<'m>,
    cluster: &'m Cluster,
}

impl<'m> Site<'m> {
    /// All machines of a cluster.
    pub(crate) fn all(cluster: &'m Cluster) -> Result<Vec<Self>, Failure> {
        let machines = cluster.machines().iter();
        machines.map(|machine| Self::of(cluster, machine)).collect()
    }

    /// One machine.
    pub(crate) fn of(cluster: &'m Cluster, machine: &'m Machine) -> Result<Self, Failure> {
        Ok(Self {
            node: machine.node(),
            agent: machine.agent()?.patience(PATIENCE),
            cluster,
        })
    }

    /// Itself.
    pub(crate) fn machine(&self) -> &'m Machine {
        self.cluster.machine(usize::from(self.node))
    }

    /// The holder on a machine, as this one calls it.
    pub(crate) fn holder(&self, node: u8) -> Result<HolderClient<&Agent<'m>>, Failure> {
        let found = self.agent.find(&format!("/node/{node}/{NAME}"))?;
        Ok(HolderClient::new(&self.agent, found))
    }

    /// Calls through a capability that this machine's agent has.
    pub(crate) fn run(&self, capability: &Cap<dyn Holder>, request: u64) -> Called<Ran> {
        HolderClient::new(&self.agent, capability.alias()).run(request)
    }

    /// What must go well.
    pub(crate) fn right<T, E: std::fmt::Debug>(
        &self,
        what: &str,
        result: Result<T, E>,
    ) -> Result<T, Failure> {
        result.map_err(|error| self.failure(format!("{what}: {error:?}")))
    }

    /// Why the test fails, with all consoles.
    pub(crate) fn failure(&self, what: impl std::fmt::Display) -> Failure {
        self.cluster
            .failure(format!("machine {}: {what}", self.node))
    }

    /// What its proxy says of itself.
    pub(crate) fn statistics(&self) -> Result<Statistics, Failure> {
        let netipc = self.agent.granted::<dyn Netipc>("netipc")?;
        let statistics = NetipcClient::new(&self.agent, netipc).statistics();
        self.right("statistics", statistics)
    }
}

/// How a capability goes to the next machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Its machine calls the next one's server with it.
    Call,
    /// The next machine asks for it.
    Reply,
}

/// Has the holder on `to` keep what the holder on `from` has, and gives it to the agent there.
pub(crate) fn hop(
    sites: &[Site<'_>],
    from: usize,
    to: usize,
    way: Way,
) -> Result<(Cap<dyn Holder>, u16), Failure> {
    let (giver, taker) = (&sites[from], &sites[to]);
    let place = 0;
    // To its own server an agent goes by itself: that is local.
    let given = match way {
        Way::Call => {
            let capability = giver.right("show", giver.holder(giver.node)?.show(place))?;
            giver.right("keep", giver.holder(taker.node)?.keep(place, &capability))?
        }
        Way::Reply => {
            let capability = taker.right("show", taker.holder(giver.node)?.show(place))?;
            taker.right("keep", taker.holder(taker.node)?.keep(place, &capability))?
        }
    };
    let here = taker.right("show", taker.holder(taker.node)?.show(place))?;
    Ok((here, given.own))
}
