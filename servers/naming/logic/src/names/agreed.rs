//! Cluster-wide names where the view of the cluster says which machine owns each: docs/naming.md, "By the view".

use blake2::digest::consts::U16;
use blake2::{Blake2s, Digest};
use naming_interface::{NamingError, Path, Reach, Standing};

use super::{Names, Rule};
use crate::cluster::Aim;
use crate::{Asker, Client, Place, Question, Time, Why};

/// What the ids of names begin with, in the upper half of the upper word: nothing else that is owned has it.
pub const NAMES: u32 = u32::from_be_bytes(*b"name");

/// The id of a cluster-wide name: the same on every machine, and by no chance another's.
#[must_use]
pub fn id_of(path: &Path) -> (u64, u64) {
    let hash: [u8; 16] = Blake2s::<U16>::digest(path.as_str()).into();
    let bits = u128::from_le_bytes(hash);
    let (high, low) = ((bits >> 64) as u32, bits as u64);
    (u64::from(NAMES) << 32 | u64::from(high), low)
}

/// Who owns a cluster-wide name, by the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody, as far as this machine knows.
    Nobody,
    /// This machine, and it may act as the owner.
    Here {
        /// Since when.
        epoch: u64,
    },
    /// This machine, but its lease does not run.
    Lapsed,
    /// Another.
    There {
        /// Which.
        node: u8,
        /// Since when.
        epoch: u64,
    },
}

impl Owner {
    /// What is said to whom this machine has registered the name for.
    #[must_use]
    pub const fn standing(self, here: u8) -> Standing {
        match self {
            Self::Here { .. } => Standing::Holder,
            Self::There { node, .. } => Standing::Standby { node },
            Self::Lapsed => Standing::Standby { node: here },
            Self::Nobody => Standing::Standby { node: 0 },
        }
    }
}

impl<C: Copy + PartialEq> Names<C> {
    /// From now on the view says which machine has a cluster-wide name.
    pub const fn go_by_view(&mut self) {
        self.rule = Rule::View;
    }

    /// The path, from a machine's root, whose owner [`lookup_owned`](Self::lookup_owned) has to be told; `None`: it is a
    /// [`lookup`](Self::lookup) like any other.
    #[must_use]
    pub fn contested(&self, asker: &Asker, path: &Path) -> Option<Path> {
        if self.rule != Rule::View {
            return None;
        }
        let Ok(Aim::View(path)) = self.aim(asker, path) else {
            return None;
        };
        match self.look_here(asker, &path) {
            Ok((_, Reach::Cluster)) | Err(NamingError::NotFound) => self.full(asker, &path).ok(),
            _ => None,
        }
    }

    /// The path whose owner is asked for by name.
    ///
    /// # Errors
    /// There are no owners, or the path names a machine.
    pub fn owned_path(&self, asker: &Asker, path: &Path) -> Result<Path, NamingError> {
        if self.rule != Rule::View {
            return Err(NamingError::NoOwners);
        }
        match self.aim(asker, path)? {
            Aim::View(path) | Aim::Here(path) => self.full(asker, &path),
            Aim::There(..) | Aim::Machines => Err(NamingError::Reserved),
        }
    }

    /// What a cluster-wide name stands for, and since which epoch its machine owns it. Nobody but the owner says it.
    ///
    /// # Errors
    /// Why there is nothing. [`NamingError::NotSure`]: somebody may have the name, and nobody may say so now.
    pub fn lookup_owned(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        owner: Owner,
    ) -> Result<Place<(C, u64)>, NamingError> {
        self.pass(now);
        let (Aim::View(path) | Aim::Here(path)) = self.aim(asker, path)? else {
            return Err(NamingError::Reserved);
        };
        let here = match self.look_here(asker, &path) {
            Ok((capability, Reach::Cluster)) => Some(capability),
            Ok((_, Reach::Machine)) | Err(NamingError::NotFound) => None,
            Err(error) => return Err(error),
        };
        match (owner, here) {
            (Owner::Here { epoch }, Some(capability)) => Ok(Place::Here((capability, epoch))),
            (Owner::There { node, epoch }, _) if asker.client != Client::Peer => {
                Ok(Place::There(Question {
                    node,
                    path: self.full(asker, &path)?,
                    why: Why::Owned { epoch },
                }))
            }
            (Owner::Nobody, None) => {
                let full = self.full(asker, &path)?;
                let known = self.mirror.holder(&full).is_some();
                match known || !self.mirror.is_sure(now) {
                    true => Err(NamingError::NotSure),
                    false => Err(NamingError::NotFound),
                }
            }
            _ => Err(NamingError::NotSure),
        }
    }

    /// The cluster-wide names that are registered here.
    pub fn cluster_wide(&self) -> impl Iterator<Item = Path> + '_ {
        let entries = self.tree.iter().map(|(_, entry)| entry);
        let wide = entries.filter(|entry| entry.is_cluster_wide());
        wide.filter_map(|entry| self.tree.path_to(entry).ok())
    }
}
