//! The calls, and what time does.

mod agreed;
mod changing;
mod reading;

use heapless::Vec;
use isthmus_abi::limits::COMPONENTS;
use isthmus_abi::{ComponentId, EndpointBadge};
use naming_interface::{Access, Claims, NamingError, Part, Path};

use crate::cluster::Aim;
use crate::effects::{Effect, Effects};
use crate::mirror::Mirror;
use crate::tree::{Entry, Row, Tree, What};
use crate::watches::Watches;
use crate::{Asker, Client, Directory, Time};

pub use agreed::{NAMES, Owner, id_of};

/// Which of several machines has a cluster-wide name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// The one with the lowest number.
    LowestNumber,
    /// The one that the view of the cluster names.
    View,
}

/// The naming of one machine.
#[derive(Debug)]
pub struct Names<C> {
    here: u8,
    nodes: u8,
    incarnation: u64,
    rule: Rule,
    tree: Tree<C>,
    watches: Watches<C>,
    mirror: Mirror,
    effects: Effects<C>,
    /// Where a component's tree begins, if not at the root.
    roots: Vec<(ComponentId, Directory), COMPONENTS>,
    /// When the next lease ends.
    earliest: Option<Time>,
}

/// The capability was not taken; here it is again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused<C> {
    /// Why.
    pub error: NamingError,
    /// To be deleted.
    pub capability: C,
}

impl<C: Copy + PartialEq> Names<C> {
    /// Empty, of a machine that is alone.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            here: 1,
            nodes: 1,
            incarnation: 0,
            rule: Rule::LowestNumber,
            tree: Tree::new(),
            watches: Watches::new(),
            mirror: Mirror::new(),
            effects: Effects::new(),
            roots: Vec::new(),
            earliest: None,
        }
    }

    /// This is machine `here` of `nodes`. `incarnation` is a number that no other start of this machine's naming has.
    pub fn begin(&mut self, here: u8, nodes: u8, incarnation: u64) {
        self.here = here;
        self.nodes = nodes;
        self.incarnation = incarnation;
        self.mirror.begin(here, nodes);
        // They have names of an earlier start, perhaps.
        self.effects.poke();
    }

    /// Who asks, by the badge. `netipc` is the proxy's component.
    #[must_use]
    pub fn asker(&self, badge: EndpointBadge, netipc: Option<ComponentId>) -> Asker {
        Asker::of(badge, netipc, |client| {
            let root = self
                .roots
                .iter()
                .find(|(component, _)| *component == client);
            root.map_or(Directory::ROOT, |(_, directory)| *directory)
        })
    }

    /// The component's tree begins at `path`, which is made if it is not there; it is the system's, and for ever.
    ///
    /// # Errors
    /// Of a description that has too many of them, or an entry in their place.
    pub fn set_root(&mut self, component: ComponentId, path: &Path) -> Result<(), NamingError> {
        let mut directory = Directory::ROOT;
        for part in path.parts() {
            let name = Part::new(part).map_err(|_| NamingError::TooLong)?;
            let row = match self.tree.child(directory, part) {
                Some(row) => row,
                None => self.tree.insert_unlimited(Entry {
                    name,
                    parent: directory,
                    owner: ComponentId::ROOT_TASK,
                    ends: None,
                    what: What::Directory { changes: 0 },
                })?,
            };
            directory = match self.tree.found(row) {
                crate::tree::Found::Directory(directory) => directory,
                crate::tree::Found::Endpoint(_) => return Err(NamingError::NotADirectory),
            };
        }
        self.roots.retain(|(of, _)| *of != component);
        self.roots
            .push((component, directory))
            .map_err(|_| NamingError::TooMany)
    }

    /// How many entries and directories there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tree.iter().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next thing to do for the shell, until there is none. To be asked after every call.
    pub fn next_effect(&mut self) -> Option<Effect<C>> {
        self.effects.next()
    }

    /// When to call [`Names::pass`] next, if nothing else happens.
    #[must_use]
    pub const fn earliest(&self) -> Option<Time> {
        self.earliest
    }

    /// What has ended by `now` is gone. Every call begins with it, so that nobody finds what has ended, however late a timer is.
    pub fn pass(&mut self, now: Time) {
        if self.earliest.is_none_or(|earliest| now < earliest) {
            return;
        }
        while let Some(row) = self.tree.ended(now) {
            self.remove(row);
        }
        self.watches.expire(now, &mut self.effects);
        let Self {
            tree,
            watches,
            mirror,
            effects,
            ..
        } = self;
        mirror.expire(now, &mut |path| touch(tree, watches, effects, path));
        self.schedule();
    }

    /// A component has ended: what it registered is gone, and its watches; directories that it made, as soon as they are empty.
    pub fn owner_ended(&mut self, now: Time, component: ComponentId) {
        for entry in self.tree.entries_mut().filter(|e| e.owner == component) {
            entry.ends = Some(now);
        }
        self.watches
            .client_gone(Client::Component(component), &mut self.effects);
        self.earliest = Some(now);
        self.pass(now);
    }

    /// The next peer to be asked for its cluster-wide names, and after which path the page is to begin. One of [`Names::told`],
    /// [`Names::not_told`] and [`Names::put_back`] must follow.
    pub fn next_pull(&mut self, now: Time) -> Option<(u8, Option<Path>)> {
        self.mirror.next(now)
    }

    /// A peer has told a page of its names.
    pub fn told(&mut self, now: Time, node: u8, page: &Claims) {
        self.pass(now);
        let Self {
            tree,
            watches,
            mirror,
            effects,
            ..
        } = self;
        mirror.page(now, node, page, &mut |path| {
            touch(tree, watches, effects, path)
        });
        self.schedule();
    }

    /// A peer has not told its names.
    pub fn not_told(&mut self, node: u8) {
        self.mirror.failed(node);
    }

    /// A peer could not be asked now; [`Names::next_pull`] will say it again.
    pub fn put_back(&mut self, node: u8) {
        self.mirror.put_back(node);
    }

    /// A machine that was asked because it told that it has a name has not.
    pub fn disown(&mut self, node: u8, path: &Path) {
        let Self {
            tree,
            watches,
            mirror,
            effects,
            ..
        } = self;
        mirror.disown(node, path, &mut |path| {
            touch(tree, watches, effects, path);
        });
        self.schedule();
    }

    /// The peers of this machine.
    pub fn peers(&self) -> impl Iterator<Item = u8> + use<C> {
        self.mirror.nodes()
    }

    fn aim(&self, asker: &Asker, path: &Path) -> Result<Aim, NamingError> {
        Aim::of(asker, self.here, self.nodes, path)
    }

    /// The path below the asker's directory, from a machine's root.
    fn full(&self, asker: &Asker, path: &Path) -> Result<Path, NamingError> {
        self.tree
            .path_of(asker.directory)?
            .join(path.parts())
            .map_err(|_| NamingError::TooLong)
    }

    fn schedule(&mut self) {
        self.earliest = [
            self.tree.earliest(),
            self.watches.earliest(),
            self.mirror.earliest(),
        ]
        .into_iter()
        .flatten()
        .min();
    }

    /// What is in a directory has changed.
    fn change(&mut self, directory: Directory) {
        self.tree.count_change(directory);
        self.watches.signal(directory, &mut self.effects);
    }

    /// Takes a row out of the tree, with all that hangs on it. A directory must be empty.
    fn remove(&mut self, row: Row) {
        let gone = self.tree.found(row);
        let Some(entry) = self.tree.remove(row) else {
            return;
        };
        if entry.is_cluster_wide() {
            self.effects.poke();
        }
        match (entry.what, gone) {
            (What::Endpoint { capability, .. }, _) => {
                self.effects.push(Effect::Discard(capability));
            }
            (What::Directory { .. }, crate::tree::Found::Directory(directory)) => {
                self.watches.directory_gone(directory, &mut self.effects);
                self.effects.push(Effect::Revoke(directory));
                self.roots.retain(|(_, root)| *root != directory);
            }
            (What::Directory { .. }, crate::tree::Found::Endpoint(_)) => {}
        }
        self.change(entry.parent);
    }

    /// Whether the asker may change what is in its directory at all, and as whom.
    fn changer(asker: &Asker) -> Result<ComponentId, NamingError> {
        match (asker.client, asker.access) {
            (Client::Component(component), Access::Change) => Ok(component),
            _ => Err(NamingError::NotPermitted),
        }
    }
}

impl<C: Copy + PartialEq> Default for Names<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// A peer has a name, or has it no more: whoever watches the directory of that name here is told.
fn touch<C: Copy + PartialEq>(
    tree: &mut Tree<C>,
    watches: &Watches<C>,
    effects: &mut Effects<C>,
    path: &Path,
) {
    let Some((above, _)) = path.split_last() else {
        return;
    };
    if let Ok(directory) = tree.directory(Directory::ROOT, &above) {
        tree.count_change(directory);
        watches.signal(directory, effects);
    }
}
