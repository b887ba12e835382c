//! The calls of the interface.

use isthmus_runtime::interface::{Anything, Caller, Cap, Notification};
use isthmus_runtime::{EndpointBadge, Slot, slots};
use naming_interface::{
    Access, Claims, Lease, Listing, Naming, NamingError, Part, Path, Reach, Standing, Watched,
    naming,
};
use naming_logic::{Asker, Client, Owner, Place, Question};

use crate::asking::{Abroad, Message, Wants};
use crate::clock::Clock;
use crate::server::Server;

impl Server {
    fn asker(&self, caller: Caller) -> Asker {
        let netipc = self.netipc.as_ref().map(|netipc| netipc.server);
        self.names
            .asker(EndpointBadge::from_bits(caller.badge()), netipc)
    }

    /// It has something here now, which ends with it.
    fn note(&mut self, asker: Asker) {
        if let Client::Component(component) = asker.client {
            self.owners.note(component);
        }
    }

    /// The answer is another machine's to give: [`Server::message`] sends the question on its way. What is returned here is said only
    /// if that fails.
    fn abroad<T>(
        &mut self,
        question: Question,
        message: Message,
        asker: Asker,
        path: Path,
        capability: Option<Slot>,
    ) -> Result<T, NamingError> {
        self.abroad = Some(Abroad {
            question,
            message,
            capability,
            asker,
            path,
            wants: Wants::Capability,
        });
        Err(NamingError::Busy)
    }

    /// What a cluster-wide name stands for, by its owner's word.
    fn owned_by(
        &mut self,
        asker: Asker,
        path: Path,
        full: &Path,
    ) -> Result<(u64, Slot), NamingError> {
        let owner = self
            .view
            .as_ref()
            .map_or(Owner::Nobody, |view| view.owner(full));
        match self
            .names
            .lookup_owned(Clock::now(), &asker, &path, owner)?
        {
            Place::Here((slot, epoch)) => {
                if asker.client == Client::Peer {
                    self.owner = self.names.owner(&asker, &path);
                }
                Ok((epoch, slot))
            }
            Place::There(question) => {
                let message = Message::of(&naming::owned {
                    path: question.path.clone(),
                });
                self.abroad(question, message, asker, path, None)
            }
        }
    }
}

impl Naming for Server {
    fn lookup(&mut self, caller: Caller, path: Path) -> Result<Cap<Anything>, NamingError> {
        let asker = self.asker(caller);
        if let Some(full) = self.names.contested(&asker, &path) {
            return self
                .owned_by(asker, path, &full)
                .map(|(_, slot)| slot.into());
        }
        match self.names.lookup(Clock::now(), &asker, &path)? {
            Place::Here(slot) => {
                if asker.client == Client::Peer {
                    self.owner = self.names.owner(&asker, &path);
                }
                Ok(slot.into())
            }
            Place::There(question) => {
                let message = Message::of(&naming::lookup {
                    path: question.path.clone(),
                });
                self.abroad(question, message, asker, path, None)
            }
        }
    }

    fn register(
        &mut self,
        caller: Caller,
        path: Path,
        lease: Lease,
        reach: Reach,
        capability: Cap<Anything>,
    ) -> Result<(), NamingError> {
        if capability.own_badge().is_some() {
            // A directory has its name from where it was made.
            return Err(NamingError::IsADirectory);
        }
        let capability = capability.into_slot();
        let asker = self.asker(caller);
        self.names
            .register(Clock::now(), &asker, &path, lease, reach, capability)
            .map_err(|refused| {
                slots::free(refused.capability);
                refused.error
            })?;
        self.note(asker);
        Ok(())
    }

    fn renew(&mut self, caller: Caller, path: Path, lease: Lease) -> Result<Standing, NamingError> {
        let asker = self.asker(caller);
        let standing = self.names.renew(Clock::now(), &asker, &path, lease)?;
        match (&self.view, self.names.contested(&asker, &path)) {
            (Some(view), Some(full)) => Ok(view.owner(&full).standing(self.here)),
            _ => Ok(standing),
        }
    }

    fn owned(&mut self, caller: Caller, path: Path) -> Result<(u64, Cap<Anything>), NamingError> {
        let asker = self.asker(caller);
        let full = self.names.owned_path(&asker, &path)?;
        let (epoch, slot) = self.owned_by(asker, path, &full).inspect_err(|_| {
            if let Some(abroad) = &mut self.abroad {
                abroad.wants = Wants::Epoch;
            }
        })?;
        Ok((epoch, slot.into()))
    }

    fn unlink(&mut self, caller: Caller, path: Path) -> Result<(), NamingError> {
        let asker = self.asker(caller);
        self.names.unlink(Clock::now(), &asker, &path)
    }

    fn rename(&mut self, caller: Caller, from: Path, to: Path) -> Result<(), NamingError> {
        let asker = self.asker(caller);
        self.names.rename(Clock::now(), &asker, &from, &to)
    }

    fn create(&mut self, caller: Caller, path: Path, lease: Lease) -> Result<(), NamingError> {
        let asker = self.asker(caller);
        self.names.create(Clock::now(), &asker, &path, lease)?;
        self.note(asker);
        Ok(())
    }

    fn open(
        &mut self,
        caller: Caller,
        path: Path,
        access: Access,
    ) -> Result<Cap<dyn Naming>, NamingError> {
        let asker = self.asker(caller);
        match self.names.open(Clock::now(), &asker, &path, access)? {
            Place::Here(id) => {
                let slot = self.directories.open(caller.client(), id)?;
                Ok(slot.into())
            }
            Place::There(question) => {
                let message = Message::of(&naming::open {
                    path: question.path.clone(),
                    access,
                });
                self.abroad(question, message, asker, path, None)
            }
        }
    }

    fn list(
        &mut self,
        caller: Caller,
        path: Path,
        after: Option<Part>,
    ) -> Result<Listing, NamingError> {
        let asker = self.asker(caller);
        match self
            .names
            .list(Clock::now(), &asker, &path, after.as_ref())?
        {
            Place::Here(listing) => Ok(listing),
            Place::There(question) => {
                let message = Message::of(&naming::list {
                    path: question.path.clone(),
                    after,
                });
                self.abroad(question, message, asker, path, None)
            }
        }
    }

    fn watch(
        &mut self,
        caller: Caller,
        path: Path,
        lease: Lease,
        watcher: Cap<Notification>,
    ) -> Result<Watched, NamingError> {
        let capability = watcher.into_slot();
        let asker = self.asker(caller);
        let watched = self
            .names
            .watch(Clock::now(), &asker, &path, lease, capability);
        match watched {
            Ok(Place::Here(watched)) => {
                self.note(asker);
                Ok(watched)
            }
            Ok(Place::There(question)) => {
                let message = Message::of(&naming::watch {
                    path: question.path.clone(),
                    lease,
                });
                self.abroad(question, message, asker, path, Some(capability))
            }
            Err(refused) => {
                slots::free(refused.capability);
                Err(refused.error)
            }
        }
    }

    fn rewatch(
        &mut self,
        caller: Caller,
        path: Path,
        id: u32,
        lease: Lease,
    ) -> Result<u64, NamingError> {
        let asker = self.asker(caller);
        match self.names.rewatch(Clock::now(), &asker, &path, id, lease)? {
            Place::Here(changes) => Ok(changes),
            Place::There(question) => {
                let message = Message::of(&naming::rewatch {
                    path: question.path.clone(),
                    id,
                    lease,
                });
                self.abroad(question, message, asker, path, None)
            }
        }
    }

    fn unwatch(&mut self, caller: Caller, path: Path, id: u32) -> Result<(), NamingError> {
        let asker = self.asker(caller);
        match self.names.unwatch(Clock::now(), &asker, &path, id)? {
            Place::Here(()) => Ok(()),
            Place::There(question) => {
                let message = Message::of(&naming::unwatch {
                    path: question.path.clone(),
                    id,
                });
                self.abroad(question, message, asker, path, None)
            }
        }
    }

    fn claims(&mut self, caller: Caller, after: Option<Path>) -> Result<Claims, NamingError> {
        let asker = self.asker(caller);
        self.names.claims(Clock::now(), &asker, after.as_ref())
    }

    fn changed(&mut self, caller: Caller, node: u8) {
        let asker = self.asker(caller);
        self.names.changed(&asker, node);
    }
}
