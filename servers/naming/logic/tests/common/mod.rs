//! What the tests share: askers, paths, and a shell that does what the logic says.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::time::Duration;

use isthmus_abi::ComponentId;
use naming_interface::{Access, Lease, NamingError, Part, Path, Reach};
use naming_logic::{Asker, Client, Directory, Effect, Names, Place, Time};

/// A number that stands for a capability.
pub type Capability = u32;

/// The machine's root, for a component.
pub fn component(id: u8) -> Asker {
    Asker {
        client: Client::Component(ComponentId(id)),
        directory: Directory::ROOT,
        access: Access::Change,
    }
}

/// The machine's root, for another machine.
pub const PEER: Asker = Asker {
    client: Client::Peer,
    directory: Directory::ROOT,
    access: Access::Read,
};

pub fn path(text: &str) -> Path {
    Path::new(text).unwrap()
}

pub fn part(text: &str) -> Part {
    Part::new(text).unwrap()
}

pub fn lease(millis: u64) -> Lease {
    Lease::new(Duration::from_millis(millis)).unwrap()
}

/// A naming with a shell that keeps the books of capabilities.
pub struct Machine {
    pub names: Names<Capability>,
    pub now: Time,
    /// Capabilities that naming has.
    pub held: BTreeSet<Capability>,
    pub signalled: Vec<Capability>,
    pub revoked: Vec<Directory>,
    pub pokes: usize,
    next: Capability,
}

impl Machine {
    pub fn new(here: u8, nodes: u8) -> Self {
        let mut names = Names::new();
        names.begin(here, nodes, 1000 + u64::from(here));
        let mut machine = Self {
            names,
            now: Time(0),
            held: BTreeSet::new(),
            signalled: Vec::new(),
            revoked: Vec::new(),
            pokes: 0,
            next: 100 * u32::from(here),
        };
        machine.settle();
        machine
    }

    /// Does what is to be done. Every capability is deleted once.
    pub fn settle(&mut self) {
        while let Some(effect) = self.names.next_effect() {
            match effect {
                Effect::Signal(watcher) => {
                    assert!(self.held.contains(&watcher), "it is not deleted yet");
                    self.signalled.push(watcher);
                }
                Effect::Discard(capability) => {
                    assert!(
                        self.held.remove(&capability),
                        "{capability} is deleted once"
                    );
                }
                Effect::Revoke(directory) => self.revoked.push(directory),
                Effect::Poke => self.pokes += 1,
            }
        }
    }

    pub fn later(&mut self, millis: u64) {
        self.now = Time(self.now.0 + millis);
    }

    /// As the timer would: no earlier than anything is due.
    pub fn pass(&mut self) {
        self.names.pass(self.now);
        self.settle();
    }

    pub fn capability(&mut self) -> Capability {
        self.next += 1;
        self.held.insert(self.next);
        self.next
    }

    pub fn register(
        &mut self,
        asker: &Asker,
        text: &str,
        millis: u64,
        reach: Reach,
    ) -> Result<Capability, NamingError> {
        let capability = self.capability();
        let result = self.names.register(
            self.now,
            asker,
            &path(text),
            lease(millis),
            reach,
            capability,
        );
        if let Err(refused) = &result {
            assert_eq!(refused.capability, capability);
            self.held.remove(&capability);
        }
        self.settle();
        result.map(|()| capability).map_err(|refused| refused.error)
    }

    pub fn create(&mut self, asker: &Asker, text: &str, millis: u64) -> Result<(), NamingError> {
        let result = self
            .names
            .create(self.now, asker, &path(text), lease(millis));
        self.settle();
        result
    }

    pub fn lookup(&mut self, asker: &Asker, text: &str) -> Result<Place<Capability>, NamingError> {
        let result = self.names.lookup(self.now, asker, &path(text));
        self.settle();
        result
    }

    pub fn unlink(&mut self, asker: &Asker, text: &str) -> Result<(), NamingError> {
        let result = self.names.unlink(self.now, asker, &path(text));
        self.settle();
        result
    }

    pub fn rename(&mut self, asker: &Asker, from: &str, to: &str) -> Result<(), NamingError> {
        let result = self.names.rename(self.now, asker, &path(from), &path(to));
        self.settle();
        result
    }

    /// The asker, seen from a directory below.
    pub fn below(&mut self, asker: &Asker, text: &str, access: Access) -> Asker {
        match self.names.open(self.now, asker, &path(text), access) {
            Ok(Place::Here(id)) => Asker {
                directory: id.directory,
                access: id.access,
                ..*asker
            },
            other => panic!("{text} cannot be opened: {other:?}"),
        }
    }

    pub fn watch(
        &mut self,
        asker: &Asker,
        text: &str,
        millis: u64,
    ) -> Result<(Capability, u32, u64), NamingError> {
        let capability = self.capability();
        let result = self
            .names
            .watch(self.now, asker, &path(text), lease(millis), capability);
        let result = match result {
            Ok(Place::Here(watched)) => Ok((capability, watched.id, watched.changes)),
            Ok(Place::There(_)) => panic!("{text} is on another machine"),
            Err(refused) => {
                self.held.remove(&capability);
                Err(refused.error)
            }
        };
        self.settle();
        result
    }

    /// All names of a directory, page by page.
    pub fn list(&mut self, asker: &Asker, text: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .names
                .list(self.now, asker, &path(text), after.as_ref());
            let Ok(Place::Here(page)) = page else {
                panic!("{text} cannot be listed: {page:?}")
            };
            names.extend(page.items.iter().map(|item| item.name.to_string()));
            match page.next() {
                Some(last) => after = Some(last.clone()),
                None => return names,
            }
        }
    }
}
