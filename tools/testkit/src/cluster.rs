//! Several machines around one switch.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netipc_crypto::{Encryption, KeyLog, Voters};
use qemu_machines::{Arch, Clock, Console, Link, Machine as Definition, Node, Randomness};
use qemu_switch::{
    Attachment, Config, Faults, LinkState, PortId, Script, ScriptError, Sighting, Switch, Verdict,
};

use crate::console::ConsoleLine;
use crate::failure::Failure;
use crate::host::Host;
use crate::image::SystemImage;
use crate::keys::{self, Wishes};
use crate::machine::Machine;
use crate::pattern::Pattern;
use crate::scratch::Scratch;
use crate::transcript::{Listener, Transcript};
use crate::{agent, build};

/// The socket of the port that no machine has.
const OUTSIDER: &str = "outsider.net";

/// What a cluster is to be made of.
pub struct ClusterBuilder {
    images: Vec<SystemImage>,
    memory_mib: u32,
    clock: Clock,
    arguments: String,
    seed: u64,
    faults: Faults,
    pcap: Option<PathBuf>,
    listener: Option<Listener>,
    own: BTreeMap<usize, Own>,
    /// The machine that waits for a debugger.
    debugged: Option<usize>,
    /// Whether each machine's QEMU takes commands: `Some` if it does.
    monitored: Option<Monitored>,
    wishes: Wishes,
    /// Keys that are given, machine 1's first; else new ones are drawn.
    keys: Option<Vec<PathBuf>>,
    outsider: Option<Outsider>,
}

/// There is a port that no machine has.
#[derive(Clone, Copy, Debug)]
struct Outsider;

/// QEMU takes commands while it runs.
#[derive(Clone, Copy, Debug)]
struct Monitored;

/// What one machine has for itself.
#[derive(Clone, Debug, Default)]
struct Own {
    memory_mib: Option<u32>,
    arguments: Option<String>,
    randomness: Randomness,
}

/// Machines 1 to n, and their switch. When it goes, they are killed and their sockets removed.
#[derive(Debug)]
pub struct Cluster {
    // In this order they go: machines before the switch, the folder last.
    machines: Vec<Machine>,
    switch: Switch,
    transcript: Arc<Transcript>,
    scratch: Scratch,
}

impl ClusterBuilder {
    /// Memory of each machine.
    #[must_use]
    pub fn memory_mib(self, memory_mib: u32) -> Self {
        Self { memory_mib, ..self }
    }

    /// Memory of machine `node`, from 1, where it differs from the others.
    #[must_use]
    pub fn memory_mib_of(mut self, node: usize, memory_mib: u32) -> Self {
        self.own.entry(node).or_default().memory_mib = Some(memory_mib);
        self
    }

    /// Facts for the programs of machine `node`, from 1, instead of those for all.
    #[must_use]
    pub fn arguments_of(mut self, node: usize, arguments: impl Into<String>) -> Self {
        self.own.entry(node).or_default().arguments = Some(arguments.into());
        self
    }

    /// Where machine `node`, from 1, has its random numbers from: the host, if nothing else is said.
    #[must_use]
    pub fn randomness_of(mut self, node: usize, randomness: Randomness) -> Self {
        self.own.entry(node).or_default().randomness = randomness;
        self
    }

    /// What makes the machines' clocks tick.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Facts for the machines' programs: `key=value key=value`.
    #[must_use]
    pub fn arguments(self, arguments: impl Into<String>) -> Self {
        Self {
            arguments: arguments.into(),
            ..self
        }
    }

    /// What all links do to frames, and the seed that decides to which.
    #[must_use]
    pub fn faults(self, seed: u64, faults: Faults) -> Self {
        Self {
            seed,
            faults,
            ..self
        }
    }

    /// Records the network.
    #[must_use]
    pub fn pcap(self, file: Option<PathBuf>) -> Self {
        Self { pcap: file, ..self }
    }

    /// Calls `listener` with each line of each console, as it comes.
    #[must_use]
    pub fn on_line(self, listener: impl Fn(&ConsoleLine) + Send + Sync + 'static) -> Self {
        Self {
            listener: Some(Box::new(listener)),
            ..self
        }
    }

    /// Has machine `node`, from 1, wait for gdb before its first instruction, at port [`Self::GDB_PORT`] of this host.
    #[must_use]
    pub fn debugged(self, node: Option<usize>) -> Self {
        Self {
            debugged: node,
            ..self
        }
    }

    /// Has QEMU take commands while the machines run: [`Machine::monitor`].
    #[must_use]
    pub fn monitored(self) -> Self {
        Self {
            monitored: Some(Monitored),
            ..self
        }
    }

    /// With one more port at the switch, at which the test itself can be: [`Cluster::outsider`].
    #[must_use]
    pub fn with_outsider(self) -> Self {
        Self {
            outsider: Some(Outsider),
            ..self
        }
    }

    /// How many machines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Whether the machines encrypt what they send each other: [`Encryption::On`] if nothing else is said. Without it anybody on the switch can read and
    /// forge; a test that looks into frames needs that.
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.wishes.encryption = encryption;
        self
    }

    /// Whether the machines say the keys of their sessions, on their consoles.
    #[must_use]
    pub fn key_log(mut self, key_log: KeyLog) -> Self {
        self.wishes.key_log = key_log;
        self
    }

    /// Who votes on the view of the cluster; nobody if nothing is said.
    #[must_use]
    pub fn voters(mut self, voters: Voters) -> Self {
        self.wishes.voters = voters;
        self
    }

    /// The machines' keys, machine 1's first, as `isthmus cluster` writes them; if nothing is said, new ones are drawn at each start of a cluster.
    #[must_use]
    pub fn keys(self, keys: Option<Vec<PathBuf>>) -> Self {
        Self { keys, ..self }
    }

    /// Where a machine waits for gdb: gdb's own custom.
    pub const GDB_PORT: u16 = 1234;

    /// Makes the switch, then starts the machines.
    ///
    /// # Errors
    /// If a socket cannot be made or QEMU cannot be started; then nothing is left.
    pub fn start(self) -> Result<Cluster, Failure> {
        let cluster = self.prepare()?;
        cluster.machines.iter().try_for_each(Machine::start)?;
        Ok(cluster)
    }

    /// Makes the switch and the machines, but starts none: a test starts them in its own order.
    ///
    /// # Errors
    /// If a socket cannot be made.
    pub fn prepare(self) -> Result<Cluster, Failure> {
        let scratch = Scratch::new()?;
        let count = self.images.len();
        if let Some(node) = self.debugged.filter(|node| !(1..=count).contains(node)) {
            return Err(Failure::new(format!(
                "there is no machine {node} of {count}"
            )));
        }
        let nodes = (1..=count)
            .map(|id| Node::new(id, count))
            .collect::<Result<Vec<_>, _>>();
        let nodes = nodes.map_err(|error| Failure::new(error.to_string()))?;
        let socket = |node: &Node| scratch.path().join(format!("{}.net", node.id()));
        let outsider = self.outsider.map(|Outsider| scratch.path().join(OUTSIDER));
        let sockets = nodes.iter().map(&socket).chain(outsider);
        let config = Config {
            ports: sockets
                .map(|listen| Attachment::Stream { listen })
                .collect(),
            seed: self.seed,
            faults: self.faults,
            pcap: self.pcap,
        };
        let keys = match self.keys {
            Some(keys) => keys,
            None => keys::for_machines(scratch.path(), count, self.wishes)?,
        };
        let switch = Switch::start(config).map_err(|error| Failure::new(error.to_string()))?;
        let transcript = Arc::new(Transcript::new(self.listener));
        let machine = |(image, node): (&SystemImage, &Node)| {
            let own = self.own.get(&node.id().into()).cloned().unwrap_or_default();
            let monitor = self
                .monitored
                .map(|Monitored| scratch.path().join(format!("{}.monitor", node.id())));
            let mut extra = if self.debugged == Some(node.id().into()) {
                vec![
                    "-gdb".into(),
                    format!("tcp:127.0.0.1:{}", Self::GDB_PORT).into(),
                    "-S".into(),
                ]
            } else {
                Vec::new()
            };
            if let Some(socket) = &monitor {
                let socket = format!("unix:{},server=on,wait=off", socket.display());
                extra.extend(["-monitor".into(), socket.into()]);
            }
            let definition = Definition {
                extra,
                node: *node,
                memory_mib: own.memory_mib.unwrap_or(self.memory_mib),
                link: Link::Stream {
                    socket: socket(node),
                },
                console: Console::Stdio,
                clock: self.clock,
                randomness: own.randomness,
                arguments: own.arguments.unwrap_or_else(|| self.arguments.clone()),
                keys: keys.get(usize::from(node.id()) - 1).cloned(),
                ..Definition::new(image.image().clone())
            };
            Machine::new(
                definition,
                monitor,
                Arc::clone(image.programs()),
                Arc::clone(&transcript),
            )
        };
        let machines = self.images.iter().zip(&nodes).map(machine).collect();
        Ok(Cluster {
            machines,
            switch,
            transcript,
            scratch,
        })
    }
}

impl Cluster {
    /// Builds the system that `description` describes (as `./isthmus build` does, with the release kernel), for one machine of each of `archs`. The file is looked for
    /// where the test runs, which is its package's folder, then in the workspace's folder.
    ///
    /// # Errors
    /// Every mistake in the description, what the compiler says, or what has to be installed.
    pub fn build(description: impl AsRef<Path>, archs: &[Arch]) -> Result<ClusterBuilder, Failure> {
        Ok(Self::of(&build::images(description.as_ref(), "", archs)?))
    }

    /// The same, with an agent on each machine, through which the test makes typed calls ([`Machine::agent`]). The description's console must be there and
    /// `serves = ["console"]`.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_with_agents(
        description: impl AsRef<Path>,
        archs: &[Arch],
    ) -> Result<ClusterBuilder, Failure> {
        Self::build_with_agents_that_use(&[], description, archs)
    }

    /// The same, with agents that use further interfaces of their machines, which have no name ([`Agent::granted`](crate::Agent::granted)).
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_with_agents_that_use(
        interfaces: &[&str],
        description: impl AsRef<Path>,
        archs: &[Arch],
    ) -> Result<ClusterBuilder, Failure> {
        let agent = agent::component(interfaces);
        Ok(Self::of(&build::images(
            description.as_ref(),
            &agent,
            archs,
        )?))
    }

    /// One machine for each image, the first is node 1.
    pub fn of<'a>(images: impl IntoIterator<Item = &'a SystemImage>) -> ClusterBuilder {
        ClusterBuilder {
            images: images.into_iter().cloned().collect(),
            memory_mib: Definition::DEFAULT_MEMORY_MIB,
            clock: Clock::Real,
            arguments: String::new(),
            seed: 0,
            faults: Faults::NONE,
            pcap: None,
            listener: None,
            own: BTreeMap::new(),
            debugged: None,
            monitored: None,
            wishes: Wishes::default(),
            keys: None,
            outsider: None,
        }
    }

    /// Machine `node`, from 1.
    ///
    /// # Panics
    /// If there is none: the test made the cluster and knows how many it has.
    #[must_use]
    pub fn machine(&self, node: usize) -> &Machine {
        let count = self.machines.len();
        node.checked_sub(1)
            .and_then(|index| self.machines.get(index))
            .unwrap_or_else(|| {
                panic!("there is no machine {node} of {count}; they are counted from 1")
            })
    }

    /// All machines.
    #[must_use]
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// The switch between them.
    #[must_use]
    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    /// The switch's port at which machine `node` is, from 1.
    ///
    /// # Panics
    /// If there is no such machine.
    #[must_use]
    pub fn port(&self, node: usize) -> PortId {
        PortId(self.machine(node).node() - 1)
    }

    /// Cuts the link between two machines, both ways.
    pub fn cut(&self, a: usize, b: usize) {
        self.switch.cut(self.port(a), self.port(b));
    }

    /// Mends it.
    pub fn mend(&self, a: usize, b: usize) {
        self.switch.mend(self.port(a), self.port(b));
    }

    /// Cuts or mends one direction.
    pub fn set_link(&self, from: usize, to: usize, state: LinkState) {
        self.switch.set_link(self.port(from), self.port(to), state);
    }

    /// Changes what all links do to frames.
    pub fn set_faults(&self, faults: Faults) {
        self.switch.set_all_faults(faults);
    }

    /// Tells the switch what to do to the machines' frames: `loss 1>2 5%`, `partition 1 2,3` ([`qemu_switch::commands::GRAMMAR`]).
    ///
    /// # Errors
    /// If it is no command, or names a machine that is not there.
    pub fn net(&self, command: &str) -> Result<(), Failure> {
        let told = command
            .parse()
            .and_then(|command| self.switch.apply(&command));
        told.map_err(|error| Failure::new(error.to_string()))
    }

    /// Has the switch do what a script says, beginning now: lines `2s cut 1-2`.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn play(&self, script: &str) -> Result<(), Failure> {
        let script: Script = script
            .parse()
            .map_err(|error: ScriptError| Failure::new(error.to_string()))?;
        let played = self.switch.play(script);
        played.map_err(|error| Failure::new(error.to_string()))
    }

    /// Takes the port that no machine has ([`ClusterBuilder::with_outsider`]): Ethernet frames go in and come out as QEMU's do on a stream, each behind its
    /// length ([`qemu_switch::framing`]).
    ///
    /// # Errors
    /// If there is no such port, or it is taken.
    pub fn outsider(&self) -> Result<UnixStream, Failure> {
        let socket = self.scratch.path().join(OUTSIDER);
        UnixStream::connect(&socket)
            .map_err(|error| self.failure(format!("{}: {error}", socket.display())))
    }

    /// A host at the port that no machine has ([`ClusterBuilder::with_outsider`]).
    ///
    /// # Errors
    /// If there is no such port, or it is taken.
    pub fn host(&self) -> Result<Host, Failure> {
        self.outsider().map(Host::new)
    }

    /// Has `observer` asked about each frame. It runs in the switch's thread: it must not wait for anything.
    pub fn observe(&self, observer: impl FnMut(&Sighting<'_>) -> Verdict + Send + 'static) {
        self.switch.observe(observer);
    }

    /// Waits until every machine has said something that fits.
    ///
    /// # Errors
    /// When one has not within `timeout`.
    pub fn wait_for_all(
        &self,
        pattern: &Pattern,
        timeout: Duration,
    ) -> Result<Vec<ConsoleLine>, Failure> {
        let deadline = Instant::now() + timeout;
        let left = || deadline.saturating_duration_since(Instant::now());
        self.machines
            .iter()
            .map(|machine| machine.wait_for(pattern, left()))
            .collect()
    }

    /// When the cluster was made: the zero of all lines' times.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.transcript.started()
    }

    /// All that all machines said.
    #[must_use]
    pub fn transcript(&self) -> String {
        format!(
            "{}switch: {}\n",
            self.transcript.text(),
            self.switch.counters()
        )
    }

    /// A failure that carries it.
    pub fn failure(&self, what: impl Into<String>) -> Failure {
        Failure::new(what).with_transcript(self.transcript())
    }
}
