//! Registering, renewing, unlinking, renaming, creating.

use isthmus_abi::ComponentId;
use naming_interface::{Lease, NODE, NamingError, Part, Path, Reach, Standing};

use naming_interface::limits::PATH_BYTES;

use super::{Names, Refused, Rule};
use crate::cluster::Aim;
use crate::effects::Effect;
use crate::limits::CLAIMS;
use crate::tree::{Entry, Found, Row, What};
use crate::{Asker, Directory, Time};

/// Where something is to be made.
struct Spot {
    directory: Directory,
    name: Part,
    /// What has the name already.
    there: Option<Row>,
}

impl<C: Copy + PartialEq> Names<C> {
    /// Registers a capability, or replaces the asker's own.
    ///
    /// # Errors
    /// Why not, with the capability.
    pub fn register(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        lease: Lease,
        reach: Reach,
        capability: C,
    ) -> Result<(), Refused<C>> {
        self.pass(now);
        let what = What::Endpoint { capability, reach };
        let result = self.enter(now, asker, path, lease, what);
        self.schedule();
        result.map_err(|error| Refused { error, capability })
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// Why not.
    pub fn create(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        lease: Lease,
    ) -> Result<(), NamingError> {
        self.pass(now);
        let result = self.enter(now, asker, path, lease, What::Directory { changes: 0 });
        self.schedule();
        result
    }

    fn enter(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        lease: Lease,
        what: What<C>,
    ) -> Result<(), NamingError> {
        let owner = Self::changer(asker)?;
        let spot = self.spot(asker, path)?;
        let entry = Entry {
            name: spot.name.clone(),
            parent: spot.directory,
            owner,
            ends: Some(now.after(lease.length())),
            what,
        };
        let full = self.tree.path_to(&entry)?;
        let cluster_wide = entry.is_cluster_wide();
        if let Some(row) = spot.there {
            self.replaceable(asker, row, &entry)?;
        }
        if cluster_wide {
            self.claimable(&full, spot.there)?;
        }
        match spot.there {
            Some(row) => self.replace(row, entry),
            None => {
                self.tree.insert(entry)?;
                self.change(spot.directory);
            }
        }
        if cluster_wide {
            self.effects.poke();
        }
        Ok(())
    }

    /// Whether an entry may take the place of another.
    fn replaceable(&self, asker: &Asker, row: Row, by: &Entry<C>) -> Result<(), NamingError> {
        let there = self.tree.get(row).ok_or(NamingError::NotFound)?;
        match (&there.what, &by.what) {
            (What::Endpoint { .. }, What::Endpoint { .. }) => {}
            (What::Directory { .. }, What::Endpoint { .. }) => {
                return Err(NamingError::IsADirectory);
            }
            (_, What::Directory { .. }) => return Err(NamingError::Exists),
        }
        if self.tree.may_change(asker.client, there) {
            Ok(())
        } else {
            Err(NamingError::Exists)
        }
    }

    /// Whether this machine may say that it has a cluster-wide name. `now` it may be there already.
    fn claimable(&self, full: &Path, there: Option<Row>) -> Result<(), NamingError> {
        let there = there.and_then(|row| self.tree.get(row));
        if there.is_some_and(Entry::is_cluster_wide) {
            return Ok(());
        }
        // By the view, several may have it registered, and one owns it.
        if self.rule == Rule::LowestNumber && self.mirror.holder(full).is_some() {
            return Err(NamingError::Exists);
        }
        let mine = self
            .tree
            .iter()
            .filter(|(_, e)| e.is_cluster_wide())
            .count();
        if mine < CLAIMS {
            Ok(())
        } else {
            Err(NamingError::TooMany)
        }
    }

    /// Puts an entry in the place of another, whose capability is not needed any more.
    fn replace(&mut self, row: Row, by: Entry<C>) {
        let directory = by.parent;
        let Some(there) = self.tree.get_mut(row) else {
            return;
        };
        let was_cluster_wide = there.is_cluster_wide();
        let old = core::mem::replace(there, by);
        if let What::Endpoint { capability, .. } = old.what {
            self.effects.push(Effect::Discard(capability));
        }
        if was_cluster_wide {
            self.effects.poke();
        }
        self.change(directory);
    }

    /// Begins a lease anew.
    ///
    /// # Errors
    /// Why not.
    pub fn renew(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        lease: Lease,
    ) -> Result<Standing, NamingError> {
        self.pass(now);
        let row = self.own(asker, path)?;
        let entry = self.tree.get_mut(row).ok_or(NamingError::NotFound)?;
        entry.ends = Some(now.after(lease.length()));
        let cluster_wide = entry.is_cluster_wide();
        self.schedule();
        if !cluster_wide {
            return Ok(Standing::Holder);
        }
        self.effects.poke();
        let entry = self.tree.get(row).ok_or(NamingError::NotFound)?;
        let full = self.tree.path_to(entry)?;
        Ok(match self.mirror.holder(&full) {
            Some(node) if node < self.here => Standing::Standby { node },
            _ => Standing::Holder,
        })
    }

    /// Takes an entry away, or an empty directory.
    ///
    /// # Errors
    /// Why not.
    pub fn unlink(&mut self, now: Time, asker: &Asker, path: &Path) -> Result<(), NamingError> {
        self.pass(now);
        let row = self.own(asker, path)?;
        if let Found::Directory(directory) = self.tree.found(row)
            && self.tree.children(directory).next().is_some()
        {
            return Err(NamingError::NotEmpty);
        }
        self.remove(row);
        self.schedule();
        Ok(())
    }

    /// Gives an entry or a directory another name and place, at once.
    ///
    /// # Errors
    /// Why not; then nothing has changed.
    pub fn rename(
        &mut self,
        now: Time,
        asker: &Asker,
        from: &Path,
        to: &Path,
    ) -> Result<(), NamingError> {
        self.pass(now);
        let row = self.own(asker, from)?;
        let spot = self.spot(asker, to)?;
        if spot.there == Some(row) {
            return Ok(());
        }
        let entry = self.tree.get(row).ok_or(NamingError::NotFound)?;
        if let Some(there) = spot.there {
            self.replaceable(asker, there, entry)?;
        }
        let full = self.tree.path_of(spot.directory)?;
        let full = full
            .join([spot.name.as_str()])
            .map_err(|_| NamingError::TooLong)?;
        if let Found::Directory(directory) = self.tree.found(row) {
            self.movable(directory, spot.directory, &full)?;
        }
        if entry.is_cluster_wide() && self.mirror.holder(&full).is_some() {
            return Err(NamingError::Exists);
        }
        let left = entry.parent;
        if let Some(there) = spot.there {
            self.remove(there);
        }
        if let Some(entry) = self.tree.get_mut(row) {
            entry.parent = spot.directory;
            entry.name = spot.name;
        }
        self.change(left);
        if left != spot.directory {
            self.change(spot.directory);
        }
        // It may be a directory with cluster-wide names below.
        self.effects.poke();
        self.schedule();
        Ok(())
    }

    /// Whether a directory can go into another: not into itself, and no path below it may become too long.
    fn movable(&self, moved: Directory, into: Directory, full: &Path) -> Result<(), NamingError> {
        let is_below = |directory| {
            directory == moved
                || self
                    .tree
                    .above(directory)
                    .any(|(_, entry)| entry.parent == moved)
        };
        if is_below(into) {
            return Err(NamingError::IntoItself);
        }
        let old = self.tree.path_of(moved)?;
        for (_, entry) in self.tree.iter().filter(|(_, e)| is_below(e.parent)) {
            let below = self.tree.path_to(entry)?.as_str().len() - old.as_str().len();
            if full.as_str().len() + below > PATH_BYTES {
                return Err(NamingError::TooLong);
            }
        }
        Ok(())
    }

    /// Something that is there and that the asker may change.
    fn own(&self, asker: &Asker, path: &Path) -> Result<Row, NamingError> {
        let _: ComponentId = Self::changer(asker)?;
        let spot = self.spot(asker, path)?;
        let row = spot.there.ok_or(NamingError::NotFound)?;
        let entry = self.tree.get(row).ok_or(NamingError::NotFound)?;
        if self.tree.may_change(asker.client, entry) {
            Ok(row)
        } else {
            Err(NamingError::NotPermitted)
        }
    }

    /// The directory and the name of a path on this machine.
    fn spot(&self, asker: &Asker, path: &Path) -> Result<Spot, NamingError> {
        let path = match self.aim(asker, path)? {
            Aim::Here(path) | Aim::View(path) => path,
            Aim::There(..) => return Err(NamingError::NotPermitted),
            Aim::Machines => return Err(NamingError::Reserved),
        };
        let (above, name) = path.split_last().ok_or(NamingError::NotPermitted)?;
        if name.as_str() == NODE {
            return Err(NamingError::Reserved);
        }
        let directory = self.tree.directory(asker.directory, &above)?;
        let there = self.tree.child(directory, name.as_str());
        Ok(Spot {
            directory,
            name,
            there,
        })
    }
}
