//! `./isthmus cluster`: the keys by which machines know each other.
//!
//! A cluster is a folder with a file `machine-N.keys` for each machine: the cluster's secret, the machine's own key pair, and every machine's public
//! key, as the machine gets them (`netipc_crypto::keys`). Every change rewrites all files. Machines that run go on with what they have until
//! they are started again: `docs/netipc.md` says in which order that is done.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use netipc_crypto::{ClusterKeys, Encryption, KeyLog, Secret, keys};
use netipc_wire::NodeId;

use crate::Ending;
use crate::options::Cluster as Options;
use crate::ui::Ui;

/// Where this host has its random numbers.
const RANDOM: &str = "/dev/urandom";
/// For the owner only.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// A cluster's keys, by machine.
struct Cluster {
    folder: PathBuf,
    machines: BTreeMap<u8, ClusterKeys>,
}

/// Does what was asked for.
pub fn command(ui: &Ui, options: &Options) -> Result<Ending> {
    match options {
        Options::New { folder, machines } => {
            let cluster = Cluster::new(folder, (*machines).into())?;
            cluster.write()?;
            ui.say(&format!("{} has keys for {machines} machines. Who reads them is a machine of the cluster: keep them secret.", folder.display()));
            cluster.show(ui);
            return Ok(Ending::Well);
        }
        Options::Show { folder } => Cluster::read(folder)?.show(ui),
        Options::Add { folder } => {
            let mut cluster = Cluster::read(folder)?;
            let node = cluster.add()?;
            cluster.write()?;
            ui.say(&format!(
                "Machine {node} has keys. The others know it when they are started again."
            ));
        }
        Options::Remove { folder, machine } => {
            let mut cluster = Cluster::read(folder)?;
            cluster.remove(*machine)?;
            cluster.write()?;
            ui.say(&format!("Machine {machine} is no more. The others forget it when they are started again; if its keys may be in other hands: `cluster expel`."));
        }
        Options::Expel { folder, machine } => {
            let mut cluster = Cluster::read(folder)?;
            cluster.remove(*machine)?;
            cluster.rotate_shared()?;
            cluster.write()?;
            ui.say(&format!("Machine {machine} is no more, and the cluster has another secret: start the others again, all of them. Those that are not started again still speak to it."));
        }
        Options::Rotate { folder, machine } => {
            let mut cluster = Cluster::read(folder)?;
            match machine {
                Some(machine) => cluster.rotate_machine(*machine)?,
                None => cluster.rotate_shared()?,
            }
            cluster.write()?;
            ui.say("The new keys are good from the machines' next start: start all of them again.");
        }
    }
    Ok(Ending::Well)
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

fn draw() -> Result<[u8; 32]> {
    let mut drawn = [0; 32];
    let mut random = File::open(RANDOM).context(RANDOM)?;
    random.read_exact(&mut drawn).context(RANDOM)?;
    Ok(drawn)
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
        let keys = ClusterKeys::generate(machines, draw)?;
        Ok(Self {
            folder: folder.to_owned(),
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
        let folder = folder.to_owned();
        Ok(Self { folder, machines })
    }

    /// Every machine's file, each replaced as a whole.
    fn write(&self) -> Result<()> {
        for (node, keys) in &self.machines {
            let file = file_of(&self.folder, node);
            let new = file.with_extension("new");
            let written = File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(FILE_MODE)
                .open(&new)
                .and_then(|mut open| {
                    open.set_permissions(Permissions::from_mode(FILE_MODE))?;
                    open.write_all(&keys.to_bytes())?;
                    open.sync_all()
                })
                .and_then(|()| std::fs::rename(&new, &file));
            written.with_context(|| file.display().to_string())?;
        }
        Ok(())
    }

    fn show(&self, ui: &Ui) {
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
        self.publish();
        Ok(())
    }

    fn rotate_shared(&mut self) -> Result<()> {
        let shared = Secret(draw()?);
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
