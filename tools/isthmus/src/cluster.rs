//! `./isthmus cluster`: the keys by which machines know each other.
//!
//! A cluster is a folder with a file `machine-N.keys` for each machine: the cluster's secret, the machine's own key pair, every machine's public
//! key, the administrator's, and who votes, as the machine gets them (`netipc_crypto::keys`), and a file `administrator.key`, which no machine gets. Every change rewrites all files, and counts
//! their generation up. Machines that run are sent theirs by [`Cluster::updates`]: `docs/netipc.md` says what follows.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use netipc_crypto::update::{self, Urgency};
use netipc_crypto::{ClusterKeys, Encryption, KeyLog, Secret, Voters, keys};
use netipc_view::limits::VOTERS;
use netipc_wire::NodeId;
use network_interface::{NETIPC_PORT, Node};

use crate::Ending;
use crate::options::{Cluster as Options, Voting};
use crate::ui::Ui;

/// Where this host has its random numbers.
const RANDOM: &str = "/dev/urandom";
/// When machines have what was changed.
const HEARD: &str = "they are sent it (`cluster push`, or `keys` typed into `up`) or started again";
/// For the owner only.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// What the administrator's file begins with.
const ADMINISTRATOR_MAGIC: [u8; 8] = *b"ISTHADM1";
const ADMINISTRATOR_LENGTH: usize = ADMINISTRATOR_MAGIC.len() + 32 + 2;

/// Who may change the keys of machines that run.
struct Administrator {
    private: Secret,
    /// What the last changes ask for that were not sent together.
    urgency: Urgency,
    /// Whether the present keys were sent to machines.
    sent: Sent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    No = 0,
    Yes = 1,
}

/// A cluster's keys, by machine.
struct Cluster {
    folder: PathBuf,
    administrator: Administrator,
    machines: BTreeMap<u8, ClusterKeys>,
}

/// Does what was asked for.
pub fn command(ui: &Ui, options: &Options) -> Result<Ending> {
    match options {
        Options::New {
            folder,
            machines,
            voting,
        } => {
            let mut cluster = Cluster::new(folder, (*machines).into())?;
            cluster.set_voters(voting)?;
            cluster.write()?;
            ui.say(&format!("{} has keys for {machines} machines. Who reads them is a machine of the cluster: keep them secret.", folder.display()));
            cluster.show(ui);
            return Ok(Ending::Well);
        }
        Options::Voters { folder, voting } => {
            let mut cluster = Cluster::read(folder)?;
            cluster.set_voters(voting)?;
            cluster.write()?;
            cluster.show_voters(ui);
            ui.say("It counts when the machines are started with these keys. Stop all of them before you start one: machines with different voters could have two majorities.");
        }
        Options::Show { folder } => Cluster::read(folder)?.show(ui),
        Options::Add { folder } => {
            let mut cluster = Cluster::read(folder)?;
            let node = cluster.add()?;
            cluster.write()?;
            ui.say(&format!(
                "Machine {node} has keys. The others know it when {HEARD}."
            ));
        }
        Options::Remove { folder, machine } => {
            let mut cluster = Cluster::read(folder)?;
            cluster.remove(*machine)?;
            cluster.write()?;
            ui.say(&format!("Machine {machine} is no more. The others forget it when {HEARD}; if its keys may be in other hands: `cluster expel`."));
        }
        Options::Expel { folder, machine } => {
            let mut cluster = Cluster::read(folder)?;
            cluster.remove(*machine)?;
            cluster.rotate_shared()?;
            cluster.administrator.urgency = Urgency::AtOnce;
            cluster.write()?;
            ui.say(&format!("Machine {machine} is no more, and the cluster has another secret, which the others have when {HEARD}. Until then they still speak to it."));
        }
        Options::Rotate { folder, machine } => {
            let mut cluster = Cluster::read(folder)?;
            match machine {
                Some(machine) => cluster.rotate_machine(*machine)?,
                None => cluster.rotate_shared()?,
            }
            cluster.write()?;
            match machine {
                Some(machine) => ui.say(&format!("Start machine {machine} again with its new keys. The others know them when {HEARD}; until a minute after, they take its old ones, too.")),
                None => ui.say(&format!("The machines have the new secret when {HEARD}.")),
            }
        }
        Options::Push {
            folder,
            via: machine,
        } => {
            let mut cluster = Cluster::read(folder)?;
            let socket = UdpSocket::bind(("0.0.0.0", NETIPC_PORT));
            let socket = socket.with_context(|| format!("UDP port {NETIPC_PORT} of this host"))?;
            let updates = cluster.updates()?;
            for (node, update) in via(&updates, *machine)? {
                let address = Ipv4Addr::from(machine_address(node)?);
                let sent = socket.send_to(update, (address, NETIPC_PORT));
                sent.with_context(|| format!("machine {node}, {address}"))?;
            }
            cluster.write()?;
            ui.say("The keys were sent, once. A machine that has them passes on those of the others, so one that is reached is enough. Each console says when they are in force (\"netipc: keys of generation ...\").");
        }
    }
    Ok(Ending::Well)
}

/// What the present keys of a cluster's folder are to machines that run: the machine, and the datagram for its netipc.
pub fn updates(folder: &Path) -> Result<Vec<(u8, Vec<u8>)>> {
    let mut cluster = Cluster::read(folder)?;
    let updates = cluster.updates()?;
    cluster.write()?;
    Ok(updates)
}

/// Which datagram goes to which machine: each machine's to itself, then each to everybody else, for it to be passed on; or all of them to machine `only`.
///
/// # Errors
/// If that is no machine of the cluster.
pub fn via(updates: &[(u8, Vec<u8>)], only: Option<u8>) -> Result<Vec<(u8, &[u8])>> {
    let nodes: Vec<u8> = updates.iter().map(|(node, _)| *node).collect();
    if let Some(only) = only {
        if !nodes.contains(&only) {
            bail!("there is no machine {only}");
        }
        let all = updates.iter().map(|(_, update)| (only, &update[..]));
        return Ok(all.collect());
    }
    let own = updates.iter().map(|(node, update)| (*node, &update[..]));
    let others = updates.iter().flat_map(|(of, update)| {
        let others = nodes.iter().filter(move |node| *node != of);
        others.map(|node| (*node, &update[..]))
    });
    Ok(own.chain(others).collect())
}

fn machine_address(node: u8) -> Result<[u8; 4]> {
    let node = Node::new(node).with_context(|| format!("there is no machine {node}"))?;
    Ok(node.address())
}

/// The files of machines 1 to `count` in a cluster's folder.
pub fn files(folder: &Path, count: usize) -> Result<Vec<PathBuf>> {
    let cluster = Cluster::read(folder)?;
    (1..=count)
        .map(|node| {
            let known = u8::try_from(node).is_ok_and(|node| cluster.machines.contains_key(&node));
            if !known {
                bail!(
                    "{} has no keys for machine {node}: `isthmus cluster add` makes them",
                    folder.display()
                );
            }
            Ok(file_of(folder, node))
        })
        .collect()
}

fn file_of(folder: &Path, node: impl std::fmt::Display) -> PathBuf {
    folder.join(format!("machine-{node}.keys"))
}

fn administrator_of(folder: &Path) -> PathBuf {
    folder.join("administrator.key")
}

fn draw() -> Result<[u8; 32]> {
    let mut drawn = [0; 32];
    let mut random = File::open(RANDOM).context(RANDOM)?;
    random.read_exact(&mut drawn).context(RANDOM)?;
    Ok(drawn)
}

impl Administrator {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; ADMINISTRATOR_LENGTH] = bytes.try_into().ok()?;
        let rest = bytes.strip_prefix(&ADMINISTRATOR_MAGIC)?;
        let (private, flags) = rest.split_first_chunk()?;
        Some(Self {
            private: Secret(*private),
            urgency: match flags[0] {
                0 => Urgency::Overlap,
                1 => Urgency::AtOnce,
                _ => return None,
            },
            sent: match flags[1] {
                0 => Sent::No,
                1 => Sent::Yes,
                _ => return None,
            },
        })
    }

    fn to_bytes(&self) -> [u8; ADMINISTRATOR_LENGTH] {
        let mut bytes = [0; ADMINISTRATOR_LENGTH];
        let (magic, rest) = bytes.split_at_mut(ADMINISTRATOR_MAGIC.len());
        magic.copy_from_slice(&ADMINISTRATOR_MAGIC);
        let (private, flags) = rest.split_at_mut(self.private.0.len());
        private.copy_from_slice(&self.private.0);
        flags.copy_from_slice(&[self.urgency as u8, self.sent as u8]);
        bytes
    }
}

impl Cluster {
    fn new(folder: &Path, machines: usize) -> Result<Self> {
        let taken = folder
            .read_dir()
            .is_ok_and(|mut files| files.next().is_some());
        if taken {
            bail!(
                "{} is not empty: keys are not overwritten",
                folder.display()
            );
        }
        let made = DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder);
        made.with_context(|| folder.display().to_string())?;
        let private = Secret(draw()?);
        let mut keys = ClusterKeys::generate(machines, draw)?;
        for keys in &mut keys {
            keys.administrator = Some(private.public());
        }
        Ok(Self {
            folder: folder.to_owned(),
            administrator: Administrator {
                private,
                urgency: Urgency::Overlap,
                sent: Sent::No,
            },
            machines: keys.into_iter().map(|keys| (keys.node.0, keys)).collect(),
        })
    }

    fn read(folder: &Path) -> Result<Self> {
        let mut machines = BTreeMap::new();
        for node in 1..=keys::NODES as u8 {
            let file = file_of(folder, node);
            let bytes = match std::fs::read(&file) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).context(file.display().to_string()),
            };
            let keys =
                ClusterKeys::from_bytes(&bytes).with_context(|| file.display().to_string())?;
            if keys.node != NodeId(node) {
                bail!("{} has the keys of machine {}", file.display(), keys.node.0);
            }
            machines.insert(node, keys);
        }
        if machines.is_empty() {
            bail!(
                "{} has no keys: `isthmus cluster new` makes them",
                folder.display()
            );
        }
        let mut ids = machines.values().map(|keys| keys.cluster);
        let first = ids.next();
        if ids.any(|id| Some(id) != first) {
            bail!("{} has keys of several clusters", folder.display());
        }
        let file = administrator_of(folder);
        let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let administrator = Administrator::from_bytes(&bytes)
            .with_context(|| format!("{} is no administrator's key", file.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            administrator,
            machines,
        })
    }

    /// The keys have changed: another generation.
    fn change(&mut self) {
        for keys in self.machines.values_mut() {
            keys.generation += 1;
        }
        // What was sent is known, so that what follows need not be as urgent.
        if self.administrator.sent == Sent::Yes {
            self.administrator.urgency = Urgency::Overlap;
        }
        self.administrator.sent = Sent::No;
    }

    /// The present keys, each machine's sealed to it.
    fn updates(&mut self) -> Result<Vec<(u8, Vec<u8>)>> {
        let mut updates = Vec::new();
        for (node, keys) in &self.machines {
            let Administrator {
                private, urgency, ..
            } = &self.administrator;
            let update = update::seal(private, &keys.public, keys, *urgency, draw()?);
            let update = update.with_context(|| format!("machine {node} has no usable key"))?;
            updates.push((*node, update.to_vec()));
        }
        self.administrator.sent = Sent::Yes;
        Ok(updates)
    }

    /// Every machine's file, each replaced as a whole, and the administrator's.
    fn write(&self) -> Result<()> {
        let machines = self.machines.iter();
        let machines =
            machines.map(|(node, keys)| (file_of(&self.folder, node), keys.to_bytes().to_vec()));
        let administrator = self.administrator.to_bytes();
        let own = (administrator_of(&self.folder), administrator.to_vec());
        for (file, bytes) in machines.chain([own]) {
            let new = file.with_extension("new");
            let written = File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(FILE_MODE)
                .open(&new)
                .and_then(|mut open| {
                    open.set_permissions(Permissions::from_mode(FILE_MODE))?;
                    open.write_all(&bytes)?;
                    open.sync_all()
                })
                .and_then(|()| std::fs::rename(&new, &file));
            written.with_context(|| file.display().to_string())?;
        }
        Ok(())
    }

    fn voters(&self) -> Voters {
        let first = self.machines.values().next();
        first.map_or(Voters::NONE, |keys| keys.voters)
    }

    /// Names the voters, for the machines' next start. No other keys: the generation stays.
    fn set_voters(&mut self, voting: &Voting) -> Result<()> {
        let nodes = |of: &[u8]| of.iter().copied().map(NodeId).collect::<Vec<_>>();
        let voters = Voters::new(nodes(&voting.voters), nodes(&voting.witness))?;
        if voters.voters().count() > VOTERS {
            bail!("at most {VOTERS} machines vote");
        }
        for NodeId(node) in voters.voters() {
            if !self.machines.contains_key(&node) {
                bail!("there is no machine {node}");
            }
        }
        for keys in self.machines.values_mut() {
            keys.voters = voters;
        }
        Ok(())
    }

    fn show_voters(&self, ui: &Ui) {
        let voters = self.voters();
        let listed = |nodes: Vec<NodeId>| {
            let numbers: Vec<String> = nodes.iter().map(|node| node.0.to_string()).collect();
            numbers.join(", ")
        };
        if voters.is_empty() {
            return ui.say("nobody votes: there is no view of the cluster (`cluster voters`)");
        }
        ui.say(&format!("voters: {}", listed(voters.voters().collect())));
        let witnesses: Vec<NodeId> = voters.witnesses().collect();
        if !witnesses.is_empty() {
            ui.say(&format!("of these witnesses: {}", listed(witnesses)));
        }
    }

    fn show(&self, ui: &Ui) {
        self.show_voters(ui);
        for (node, keys) in &self.machines {
            let public = keys.private.public();
            let hex: String = public.0.iter().map(|byte| format!("{byte:02x}")).collect();
            ui.say(&format!(
                "cluster {} machine {node}: public key {hex}",
                keys.cluster
            ));
        }
    }

    fn add(&mut self) -> Result<u8> {
        let free = (1..=keys::NODES as u8).find(|node| !self.machines.contains_key(node));
        let Some(node) = free else {
            bail!("a cluster has at most {} machines", keys::NODES);
        };
        let Some(like) = self.machines.values().next().cloned() else {
            bail!("a cluster without machines has no secret");
        };
        let keys = ClusterKeys {
            node: NodeId(node),
            private: Secret(draw()?),
            encryption: Encryption::On,
            key_log: KeyLog::Off,
            ..like
        };
        self.machines.insert(node, keys);
        self.change();
        self.publish();
        Ok(node)
    }

    fn remove(&mut self, node: u8) -> Result<()> {
        if self.machines.len() == 1 {
            bail!("the last machine of a cluster is not removed: delete the folder");
        }
        if self.machines.remove(&node).is_none() {
            bail!("there is no machine {node}");
        }
        let file = file_of(&self.folder, node);
        std::fs::remove_file(&file).with_context(|| file.display().to_string())?;
        for keys in self.machines.values_mut() {
            keys.voters = keys.voters.without(NodeId(node));
        }
        self.change();
        self.publish();
        Ok(())
    }

    fn rotate_shared(&mut self) -> Result<()> {
        let shared = Secret(draw()?);
        self.change();
        for keys in self.machines.values_mut() {
            keys.shared = shared.clone();
        }
        Ok(())
    }

    fn rotate_machine(&mut self, node: u8) -> Result<()> {
        let Some(keys) = self.machines.get_mut(&node) else {
            bail!("there is no machine {node}");
        };
        keys.private = Secret(draw()?);
        self.change();
        self.publish();
        Ok(())
    }

    /// Every machine knows the public keys of all.
    fn publish(&mut self) {
        let mut public = [None; keys::NODES];
        for (node, keys) in &self.machines {
            if let Some(public) = public.get_mut(usize::from(*node) - 1) {
                *public = Some(keys.private.public());
            }
        }
        for keys in self.machines.values_mut() {
            keys.public = public;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folder: &Path) -> Cluster {
        let cluster = Cluster::new(folder, 3).expect("a new folder");
        cluster.write().expect("it can be written");
        Cluster::read(folder).expect("it can be read")
    }

    fn in_new_folder(test: impl FnOnce(&Path)) {
        let folder = tempfile::tempdir().expect("a folder");
        test(&folder.path().join("cluster"));
    }

    #[test]
    fn files_are_for_the_owner_only_and_each_machine_knows_all() {
        in_new_folder(|folder| {
            let cluster = made(folder);
            assert_eq!(cluster.machines.len(), 3);
            for (node, keys) in &cluster.machines {
                let mode = file_of(folder, node)
                    .metadata()
                    .expect("there")
                    .permissions();
                assert_eq!(mode.mode() & 0o777, FILE_MODE);
                assert_eq!(keys.public, cluster.machines[&1].public);
                assert_eq!(keys.public.iter().flatten().count(), 3);
            }
            assert!(Cluster::new(folder, 3).is_err(), "keys are not overwritten");
            assert_eq!(files(folder, 3).expect("three").len(), 3);
            assert!(files(folder, 4).is_err());
        });
    }

    #[test]
    fn machines_come_and_go() {
        in_new_folder(|folder| {
            let mut cluster = made(folder);
            let shared = cluster.machines[&1].shared.clone();
            cluster.remove(2).expect("it is there");
            cluster.write().expect("it can be written");
            let mut cluster = Cluster::read(folder).expect("two are left");
            assert_eq!(cluster.machines[&3].public[1], None);
            assert_eq!(cluster.machines[&3].shared, shared);
            assert!(cluster.remove(2).is_err());
            assert_eq!(cluster.add().expect("there is room"), 2);
            let known = cluster.machines[&3].public[1];
            assert_eq!(known, Some(cluster.machines[&2].private.public()));
        });
    }

    #[test]
    fn each_change_is_a_generation_and_an_expulsion_stays_urgent_until_it_was_sent() {
        in_new_folder(|folder| {
            let cluster = made(folder);
            let generation = |cluster: &Cluster| {
                let mut all = cluster.machines.values().map(|keys| keys.generation);
                let first = all.next().expect("there are machines");
                assert!(all.all(|generation| generation == first));
                first
            };
            assert_eq!(generation(&cluster), 1);
            let own = cluster.administrator.private.public();
            assert!(
                cluster
                    .machines
                    .values()
                    .all(|keys| keys.administrator == Some(own))
            );
            let mode = administrator_of(folder)
                .metadata()
                .expect("there")
                .permissions();
            assert_eq!(mode.mode() & 0o777, FILE_MODE);
            let mut cluster = Cluster::read(folder).expect("it can be read");
            cluster.remove(3).expect("it is there");
            cluster.rotate_shared().expect("random numbers");
            cluster.administrator.urgency = Urgency::AtOnce;
            cluster.write().expect("it can be written");
            let mut cluster = Cluster::read(folder).expect("it can be read");
            assert_eq!(generation(&cluster), 3);
            cluster.add().expect("there is room");
            assert_eq!(cluster.administrator.urgency, Urgency::AtOnce);
            assert_eq!(cluster.updates().expect("random numbers").len(), 3);
            cluster.write().expect("it can be written");
            let mut cluster = Cluster::read(folder).expect("it can be read");
            assert_eq!(
                cluster.administrator.urgency,
                Urgency::AtOnce,
                "sent again, it is the same"
            );
            cluster.rotate_shared().expect("random numbers");
            assert_eq!(cluster.administrator.urgency, Urgency::Overlap);
            assert_eq!(generation(&cluster), 5);
        });
    }

    #[test]
    fn voters_are_of_the_cluster_and_the_same_in_every_file() {
        in_new_folder(|folder| {
            let mut cluster = made(folder);
            let voting = |voters: &[u8], witness: &[u8]| Voting {
                voters: voters.to_vec(),
                witness: witness.to_vec(),
            };
            for (voters, witness) in [(&[1, 4][..], &[][..]), (&[1, 1], &[]), (&[1, 2], &[3])] {
                assert!(cluster.set_voters(&voting(voters, witness)).is_err());
                assert!(cluster.voters().is_empty());
            }
            let set = cluster.set_voters(&voting(&[1, 2, 3], &[3]));
            set.expect("they are of the cluster");
            cluster.write().expect("it can be written");
            let mut cluster = Cluster::read(folder).expect("it can be read");
            for keys in cluster.machines.values() {
                assert!(keys.voters.voters().eq([1, 2, 3].map(NodeId)));
                assert!(keys.voters.witnesses().eq([NodeId(3)]));
                assert_eq!(keys.generation, 1);
            }
            let node = cluster.add().expect("there is room");
            assert_eq!(cluster.machines[&node].voters, cluster.voters());
            cluster.remove(3).expect("it is there");
            assert!(cluster.voters().voters().eq([1, 2].map(NodeId)));
            assert_eq!(cluster.voters().witnesses().count(), 0);
        });
    }

    #[test]
    fn the_expelled_know_nothing_that_the_others_use() {
        in_new_folder(|folder| {
            let mut cluster = made(folder);
            let expelled = cluster.machines[&2].clone();
            cluster.remove(2).expect("it is there");
            cluster.rotate_shared().expect("random numbers");
            for keys in cluster.machines.values() {
                assert_ne!(keys.shared, expelled.shared);
                assert!(!keys.public.contains(&Some(expelled.private.public())));
            }
            let before = cluster.machines[&1].private.clone();
            cluster.rotate_machine(1).expect("it is there");
            assert_ne!(cluster.machines[&1].private, before);
            cluster.write().expect("it can be written");
            Cluster::read(folder).expect("private and public keys belong together");
        });
    }
}
