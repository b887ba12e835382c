//! Who asks, through which directory's capability: what a badge says.

use isthmus_abi::{ComponentId, EndpointBadge, ObjectId};
use naming_interface::Access;

use crate::limits::ENTRIES;

/// A directory of this machine: 0 is the root, the others are one above their row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Directory(pub(crate) u16);

impl Directory {
    /// The machine's root.
    pub const ROOT: Self = Self(0);
}

/// What a directory's capability stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryId {
    /// The directory.
    pub directory: Directory,
    /// What may be done through it.
    pub access: Access,
}

const CHANGE: u32 = 1;

const _: () = assert!((ENTRIES as u32 + 2) << 1 < isthmus_abi::badge::OBJECTS);

impl DirectoryId {
    /// The object in the badge: never [`ObjectId::SERVICE`], which stands for the client's root.
    ///
    /// # Panics
    /// Never: a directory's number is small.
    #[must_use]
    pub fn object(self) -> ObjectId {
        let change = if self.access == Access::Change {
            CHANGE
        } else {
            0
        };
        let number = (u32::from(self.directory.0) + 1) << 1 | change;
        ObjectId::new(number).expect("there are fewer directories than objects")
    }

    fn of(object: ObjectId) -> Option<Self> {
        let directory = (object.number() >> 1).checked_sub(1)?;
        Some(Self {
            directory: Directory(u16::try_from(directory).ok()?),
            access: if object.number() & CHANGE == CHANGE {
                Access::Change
            } else {
                Access::Read
            },
        })
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Through a capability that was made for this component.
    Component(ComponentId),
    /// Another machine, through netipc's proxy.
    Peer,
}

/// Who asks for what a path stands for, seen from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Whose rights it has.
    pub client: Client,
    /// Where its paths begin.
    pub directory: Directory,
    /// What it may do there.
    pub access: Access,
}

impl Asker {
    /// What a badge says. `netipc` is the proxy's component; `root` says where a component's tree begins.
    #[must_use]
    pub fn of(
        badge: EndpointBadge,
        netipc: Option<ComponentId>,
        root: impl FnOnce(ComponentId) -> Directory,
    ) -> Self {
        let opened = DirectoryId::of(badge.object);
        if netipc == Some(badge.client) {
            return Self {
                client: Client::Peer,
                directory: opened.map_or(Directory::ROOT, |id| id.directory),
                access: Access::Read,
            };
        }
        let id = opened.unwrap_or_else(|| DirectoryId {
            directory: root(badge.client),
            access: Access::Change,
        });
        Self {
            client: Client::Component(badge.client),
            directory: id.directory,
            access: id.access,
        }
    }
}
