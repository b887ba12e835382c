//! Looking up, opening, listing, watching.

use heapless::Vec;
use isthmus_abi::ComponentId;
use isthmus_abi::limits::NODES;
use naming_interface::{
    Access, Claim, Claims, Item, Kind, Lease, Listing, NamingError, Part, Path, Reach, Watched,
};

use naming_interface::limits::CLAIMS_IN_PAGE;

use super::{Names, Refused};
use crate::cluster::Aim;
use crate::effects::Effect;
use crate::limits::CLAIMS;
use crate::tree::{Found, What};
use crate::{Asker, Client, Directory, DirectoryId, Place, Question, Time, Why};

impl<C: Copy + PartialEq> Names<C> {
    /// What a path stands for.
    ///
    /// # Errors
    /// Why there is nothing.
    pub fn lookup(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
    ) -> Result<Place<C>, NamingError> {
        self.pass(now);
        match self.aim(asker, path)? {
            Aim::Machines => Err(NamingError::IsADirectory),
            Aim::There(node, path) => self.there(asker, node, &path),
            Aim::Here(path) => self
                .look_here(asker, &path)
                .map(|(here, _)| Place::Here(here)),
            Aim::View(path) => self.look_around(now, asker, &path),
        }
    }

    /// Who has registered the entry of this machine that a path stands for.
    #[must_use]
    pub fn owner(&self, asker: &Asker, path: &Path) -> Option<ComponentId> {
        let (Aim::Here(path) | Aim::View(path)) = self.aim(asker, path).ok()? else {
            return None;
        };
        match self.tree.walk(asker.directory, &path).ok()? {
            Found::Endpoint(row) => self.tree.get(row).map(|entry| entry.owner),
            Found::Directory(_) => None,
        }
    }

    pub(super) fn look_here(&self, asker: &Asker, path: &Path) -> Result<(C, Reach), NamingError> {
        match self.tree.walk(asker.directory, path)? {
            Found::Directory(_) => Err(NamingError::IsADirectory),
            Found::Endpoint(row) => match self.tree.get(row).map(|entry| &entry.what) {
                Some(&What::Endpoint { capability, reach }) => Ok((capability, reach)),
                _ => Err(NamingError::NotFound),
            },
        }
    }

    fn look_around(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
    ) -> Result<Place<C>, NamingError> {
        let here = self.look_here(asker, path);
        if let Ok((capability, Reach::Machine)) = here {
            return Ok(Place::Here(capability));
        }
        let full = self.full(asker, path)?;
        match (here, self.mirror.holder(&full)) {
            (Ok((_, _)), Some(node)) if node < self.here => Ok(Self::mirrored(node, full)),
            (Ok((capability, _)), _) => Ok(Place::Here(capability)),
            (Err(NamingError::IsADirectory), _) => Err(NamingError::IsADirectory),
            (Err(_), Some(node)) => Ok(Self::mirrored(node, full)),
            (Err(NamingError::NotFound), None) if !self.mirror.is_sure(now) => {
                Err(NamingError::NotSure)
            }
            (Err(error), None) => Err(error),
        }
    }

    const fn mirrored(node: u8, path: Path) -> Place<C> {
        Place::There(Question {
            node,
            path,
            why: Why::Mirrored,
        })
    }

    fn there<T>(&self, asker: &Asker, node: u8, path: &Path) -> Result<Place<T>, NamingError> {
        Ok(Place::There(Question {
            node,
            path: self.full(asker, path)?,
            why: Why::Mounted,
        }))
    }

    /// The directory that a path leads to.
    ///
    /// # Errors
    /// Why there is none.
    pub fn open(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        access: Access,
    ) -> Result<Place<DirectoryId>, NamingError> {
        self.pass(now);
        match self.aim(asker, path)? {
            Aim::Machines => Err(NamingError::Reserved),
            Aim::There(node, path) => self.there(asker, node, &path),
            Aim::Here(_) | Aim::View(_) if access > asker.access => Err(NamingError::NotPermitted),
            Aim::Here(path) | Aim::View(path) => {
                let directory = self.tree.directory(asker.directory, &path)?;
                Ok(Place::Here(DirectoryId { directory, access }))
            }
        }
    }

    /// A page of what is in a directory.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub fn list(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        after: Option<&Part>,
    ) -> Result<Place<Listing>, NamingError> {
        self.pass(now);
        let mut listing = Listing::default();
        match self.aim(asker, path)? {
            Aim::There(node, path) => return self.there(asker, node, &path),
            Aim::Machines => {
                let mut nodes: Vec<u8, NODES> = self.mirror.nodes().collect();
                // One more than the peers that there may be.
                let _ = nodes.push(self.here);
                for node in nodes {
                    let mut digits = heapless::String::<3>::new();
                    let _ = core::fmt::write(&mut digits, format_args!("{node}"));
                    if let Ok(name) = Part::new(&digits) {
                        note(&mut listing, after, name, Kind::Machine);
                    }
                }
            }
            Aim::Here(path) => {
                let directory = self.tree.directory(asker.directory, &path)?;
                self.list_here(directory, after, &mut listing);
            }
            Aim::View(path) => {
                let directory = self.tree.directory(asker.directory, &path)?;
                self.list_here(directory, after, &mut listing);
                self.list_cluster(directory, after, &mut listing)?;
            }
        }
        Ok(Place::Here(listing))
    }

    fn list_here(&self, directory: Directory, after: Option<&Part>, listing: &mut Listing) {
        for (row, entry) in self.tree.children(directory) {
            let kind = match self.tree.found(row) {
                Found::Directory(_) => Kind::Directory,
                Found::Endpoint(_) => Kind::Entry,
            };
            note(listing, after, entry.name.clone(), kind);
        }
    }

    fn list_cluster(
        &self,
        directory: Directory,
        after: Option<&Part>,
        listing: &mut Listing,
    ) -> Result<(), NamingError> {
        let path = self.tree.path_of(directory)?;
        for (name, node) in self.mirror.within(&path) {
            let holder = self
                .mirror
                .within(&path)
                .filter(|(n, _)| *n == name)
                .map(|(_, node)| node)
                .min();
            let here = self
                .tree
                .child(directory, name)
                .and_then(|row| self.tree.get(row));
            let shown = match here {
                // What is only this machine's hides the cluster's, as in a look-up.
                Some(entry) => entry.is_cluster_wide() && node < self.here,
                None => true,
            };
            if let (true, true, Ok(name)) = (shown, holder == Some(node), Part::new(name)) {
                note(listing, after, name, Kind::Elsewhere { node });
            }
        }
        Ok(())
    }

    /// Has a watcher told of changes of a directory. `Some` of the result is given back: the capability has to be sent there.
    ///
    /// # Errors
    /// Why not, with the capability.
    pub fn watch(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        lease: Lease,
        capability: C,
    ) -> Result<Place<Watched>, Refused<C>> {
        self.pass(now);
        let refused = |error| Refused { error, capability };
        let directory = match self.watched(asker, path).map_err(refused)? {
            Place::Here(directory) => directory,
            Place::There(question) => return Ok(Place::There(question)),
        };
        let ends = now.after(lease.length());
        let id = self
            .watches
            .add(asker.client, directory, capability, ends)
            .map_err(refused)?;
        self.schedule();
        Ok(Place::Here(Watched {
            id,
            changes: self.tree.changes(directory),
        }))
    }

    fn watched(&self, asker: &Asker, path: &Path) -> Result<Place<Directory>, NamingError> {
        match self.aim(asker, path)? {
            Aim::Machines => Err(NamingError::Reserved),
            Aim::There(node, path) => self.there(asker, node, &path),
            Aim::Here(path) | Aim::View(path) => {
                let directory = self.tree.directory(asker.directory, &path)?;
                Ok(Place::Here(directory))
            }
        }
    }

    /// Begins a watch's lease anew; says how often the directory has changed.
    ///
    /// # Errors
    /// [`NamingError::NotFound`]: the watch or its directory is gone.
    pub fn rewatch(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        id: u32,
        lease: Lease,
    ) -> Result<Place<u64>, NamingError> {
        self.pass(now);
        match self.watched(asker, path)? {
            Place::There(question) => Ok(Place::There(question)),
            Place::Here(directory) => {
                let ends = now.after(lease.length());
                self.watches.renew(asker.client, directory, id, ends)?;
                self.schedule();
                Ok(Place::Here(self.tree.changes(directory)))
            }
        }
    }

    /// Ends a watch.
    ///
    /// # Errors
    /// [`NamingError::NotFound`]: the watch or its directory is gone.
    pub fn unwatch(
        &mut self,
        now: Time,
        asker: &Asker,
        path: &Path,
        id: u32,
    ) -> Result<Place<()>, NamingError> {
        self.pass(now);
        match self.watched(asker, path)? {
            Place::There(question) => Ok(Place::There(question)),
            Place::Here(directory) => {
                let capability = self.watches.end(asker.client, directory, id)?;
                self.effects.push(Effect::Discard(capability));
                self.schedule();
                Ok(Place::Here(()))
            }
        }
    }

    /// A page of this machine's cluster-wide names, for a peer.
    ///
    /// # Errors
    /// [`NamingError::NotPermitted`]: it is not a peer that asks.
    pub fn claims(
        &mut self,
        now: Time,
        asker: &Asker,
        after: Option<&Path>,
    ) -> Result<Claims, NamingError> {
        self.pass(now);
        if asker.client != Client::Peer {
            return Err(NamingError::NotPermitted);
        }
        let mut mine: Vec<Claim, CLAIMS> = Vec::new();
        for (_, entry) in self
            .tree
            .iter()
            .filter(|(_, entry)| entry.is_cluster_wide())
        {
            let (Ok(path), Some(ends)) = (self.tree.path_to(entry), entry.ends) else {
                continue;
            };
            if after.is_none_or(|after| path > *after) {
                let left = now.millis_to(ends);
                // There are no more than may be registered.
                let _ = mine.push(Claim { path, left });
            }
        }
        mine.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        mine.truncate(CLAIMS_IN_PAGE);
        Ok(Claims {
            incarnation: self.incarnation,
            claims: mine.into_iter().collect(),
        })
    }

    /// A peer says that its cluster-wide names, or those of another, have changed: that machine is asked.
    pub fn changed(&mut self, asker: &Asker, node: u8) {
        if asker.client == Client::Peer {
            self.mirror.want(node);
        }
    }
}

/// Puts an item in its place, if it comes after `after` and is among the first of the page.
fn note(listing: &mut Listing, after: Option<&Part>, name: Part, kind: Kind) {
    if after.is_some_and(|after| name <= *after) {
        return;
    }
    let items = &mut listing.items;
    match items.binary_search_by(|item| item.name.cmp(&name)) {
        Ok(same) => items[same].kind = kind,
        Err(at) => {
            if items.is_full() {
                if at == items.len() {
                    return;
                }
                items.pop();
            }
            // There is room now.
            let _ = items.insert(at, Item { name, kind });
        }
    }
}
