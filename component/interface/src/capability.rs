//! Capabilities as values: typed by what they lead to, and deleted when whoever they were given to drops them.

use core::fmt;
use core::marker::PhantomData;

use isthmus_abi::{NotExecuted, Slot, slots};

use crate::server::Answer;

/// What keeps capabilities and callers that wait: on the target the runtime, in host tests the loopback.
pub trait System: Sync {
    /// Deletes the capability in `slot`, and frees the slot.
    fn discard(&self, slot: Slot);

    /// Keeps the caller of the message that is being handled waiting. The slot is what [`answer`](Self::answer) wants.
    fn save_caller(&self) -> Result<Slot, Exhausted>;

    /// Answers a caller that was kept waiting, and frees the slot.
    fn answer(&self, waiting: Slot, answer: &Answer);

    /// Keeps a capability for a caller with this badge, who has sent it ahead of a message, or will fetch it: its ticket. What is never asked for
    /// is deleted when newer ones need its place.
    fn stage(&self, badge: u64, capability: Capability) -> Result<u64, Exhausted>;

    /// What is kept under a ticket for callers with this badge.
    fn unstage(&self, badge: u64, ticket: u64) -> Option<Capability>;
}

/// Every slot of a kind is taken; the description says how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no slot is left")
    }
}

impl core::error::Error for Exhausted {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Slot(Slot),
    /// One of the receiver's own endpoint, of which the kernel gives the badge only.
    Own(u64),
}

/// A capability that leads to something: who has it knows where it lies.
///
/// One that came in a message is *owned*: dropping it deletes it. One that was made from a slot is not: it is only a name for what lies
/// there. Sending one copies it; the sender's is deleted afterwards if it was owned.
pub struct Capability {
    place: Place,
    owner: Option<&'static dyn System>,
}

impl Capability {
    /// What lies in `slot`, and stays there.
    #[must_use]
    pub const fn in_slot(slot: Slot) -> Self {
        Self {
            place: Place::Slot(slot),
            owner: None,
        }
    }

    /// What lies in `slot`, to be deleted when this is dropped.
    #[must_use]
    pub fn owned(slot: Slot, system: &'static dyn System) -> Self {
        Self {
            place: Place::Slot(slot),
            owner: Some(system),
        }
    }

    /// A capability of the receiver's own endpoint, with this badge: the kernel gives nothing else of it.
    #[must_use]
    pub const fn own(badge: u64) -> Self {
        Self {
            place: Place::Own(badge),
            owner: None,
        }
    }

    /// Where it lies; the null slot, where nothing ever lies, for one of the receiver's own endpoint.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        match self.place {
            Place::Slot(slot) => slot,
            Place::Own(_) => slots::NULL,
        }
    }

    /// The badge, if it is one of the receiver's own endpoint: an object of its own that it has given out before.
    #[must_use]
    pub const fn own_badge(&self) -> Option<u64> {
        match self.place {
            Place::Slot(_) => None,
            Place::Own(badge) => Some(badge),
        }
    }

    /// Whether dropping it deletes it.
    #[must_use]
    pub const fn is_owned(&self) -> bool {
        self.owner.is_some()
    }

    /// Another name for the same; this one remains its owner, if it is.
    #[must_use]
    pub const fn alias(&self) -> Self {
        Self {
            place: self.place,
            owner: None,
        }
    }

    /// Where it lies. From now on that is the caller's business.
    #[must_use]
    pub fn into_slot(mut self) -> Slot {
        self.owner = None;
        self.slot()
    }
}

impl Drop for Capability {
    #[inline]
    fn drop(&mut self) {
        if let (Some(system), Place::Slot(slot)) = (self.owner, self.place) {
            system.discard(slot);
        }
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl PartialEq for Capability {
    /// Whether they are names for the same place. Two places may well lead to the same thing.
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Capability {}

impl From<Slot> for Capability {
    fn from(slot: Slot) -> Self {
        Self::in_slot(slot)
    }
}

/// What a capability leads to: an interface's server (`dyn Trait`), a [`Notification`], [`Anything`].
///
/// The kernel does not tell what kind a capability is that has arrived; the type says what the sender claims, and the first use finds out.
pub trait Kind {
    /// In words, for people.
    const KIND: &'static str;
    /// Whether one of the receiver's own endpoint is of this kind.
    const OWN: OwnEndpoint;
}

/// Whether a capability of the receiver's own endpoint is of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnEndpoint {
    /// It never is.
    Never,
    /// It may be: the receiver serves things of this kind.
    Maybe,
    /// Nothing else is.
    Only,
}

/// Can be signalled.
#[derive(Clone, Copy, Debug)]
pub enum Notification {}

/// Whatever the sender likes to send.
#[derive(Clone, Copy, Debug)]
pub enum Anything {}

/// Something that the receiver itself has given out: it gets the badge back, and nothing else is accepted.
#[derive(Clone, Copy, Debug)]
pub enum Own {}

impl Kind for Notification {
    const KIND: &'static str = "a notification";
    const OWN: OwnEndpoint = OwnEndpoint::Never;
}

impl Kind for Anything {
    const KIND: &'static str = "any capability";
    const OWN: OwnEndpoint = OwnEndpoint::Maybe;
}

impl Kind for Own {
    const KIND: &'static str = "one of the server's own capabilities";
    const OWN: OwnEndpoint = OwnEndpoint::Only;
}

/// A [`Capability`] that leads to a `K`: `Cap<dyn Kv>`, `Cap<Notification>`.
pub struct Cap<K: ?Sized> {
    capability: Capability,
    kind: PhantomData<fn() -> K>,
}

impl<K: ?Sized> Cap<K> {
    /// A capability of which the caller says that it leads to a `K`.
    #[must_use]
    pub const fn new(capability: Capability) -> Self {
        Self {
            capability,
            kind: PhantomData,
        }
    }

    /// Where it lies; see [`Capability::slot`].
    #[must_use]
    pub const fn slot(&self) -> Slot {
        self.capability.slot()
    }

    /// The badge, if it is one of the receiver's own endpoint.
    #[must_use]
    pub const fn own_badge(&self) -> Option<u64> {
        self.capability.own_badge()
    }

    /// Another name for the same; this one remains its owner, if it is.
    #[must_use]
    pub const fn alias(&self) -> Self {
        Self::new(self.capability.alias())
    }

    /// Where it lies. From now on that is the caller's business.
    #[must_use]
    pub fn into_slot(self) -> Slot {
        self.capability.into_slot()
    }

    /// Without its type.
    #[must_use]
    pub fn into_capability(self) -> Capability {
        self.capability
    }

    /// The same, taken for something else.
    #[must_use]
    pub fn cast<L: ?Sized>(self) -> Cap<L> {
        Cap::new(self.capability)
    }
}

impl<K: Kind + ?Sized> Cap<K> {
    /// One that has arrived, as far as the receiver can see what it is.
    #[doc(hidden)]
    pub fn received(capability: Capability) -> Result<Self, NotExecuted> {
        let own = capability.own_badge().is_some();
        match K::OWN {
            OwnEndpoint::Never if own => Err(NotExecuted::WrongCapability),
            OwnEndpoint::Only if !own => Err(NotExecuted::WrongCapability),
            _ => Ok(Self::new(capability)),
        }
    }
}

impl<K: ?Sized> fmt::Debug for Cap<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.capability.fmt(f)
    }
}

impl<K: ?Sized> PartialEq for Cap<K> {
    /// Whether they are names for the same place.
    fn eq(&self, other: &Self) -> bool {
        self.capability == other.capability
    }
}

impl<K: ?Sized> Eq for Cap<K> {}

impl<K: ?Sized> From<Slot> for Cap<K> {
    fn from(slot: Slot) -> Self {
        Self::new(slot.into())
    }
}

impl<K: ?Sized> From<&Cap<K>> for Cap<K> {
    fn from(other: &Self) -> Self {
        other.alias()
    }
}
