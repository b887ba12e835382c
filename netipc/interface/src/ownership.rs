//! Who owns what in the cluster, as the proxy's view of it says: a majority of the voters has agreed on it, or nothing is said.

use isthmus_interface::{Caller, Cap, Later, Notification, Wire, error_codes, interface};

error_codes! {
    /// Why nothing is said, or done, about an owner.
    pub enum HomesError {
        /// The description names no voters: nothing is agreed on.
        NoView = 1, "the description names no voters";
        /// This machine is a witness: it votes, and owns nothing.
        Witness = 2, "this machine only votes";
        /// This machine does not own it, or not since that epoch.
        NotOwner = 3, "this machine does not own it in that epoch";
        /// The machine that was to own it is not up.
        NoMember = 4, "the machine that was to own it is not up";
        /// As many things have an owner as may have.
        Full = 5, "too many things have an owner";
        /// Too many components want to be told of changes.
        TooMany = 6, "too many want to be told";
    }
}

/// What has an owner: 128 bits that whoever makes them makes unlikely to be equal by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Wire)]
pub struct HomeId {
    /// The upper half.
    pub high: u64,
    /// The lower half.
    pub low: u64,
}

/// An owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire)]
pub struct Home {
    /// The machine that owns it; `None`: nobody, as far as this machine knows.
    pub owner: Option<u8>,
    /// Since which epoch, which goes with everything that is done as the owner; 0 without one.
    pub epoch: u64,
    /// For how many microseconds from before the answer was made this machine may act as the owner, if nothing more comes: what is left of its
    /// lease. 0 if it may not.
    pub left_us: u64,
}

/// What this machine knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire)]
pub struct Agreed {
    /// Grows with every change of members and owners.
    pub epoch: u64,
    /// The machine that leads the voters, if one does.
    pub leader: Option<u8>,
    /// Machines that are up: bit 0 is machine 1.
    pub members: u8,
    /// Machines that vote.
    pub voters: u8,
    /// Things that have an owner.
    pub homes: u32,
    /// Whether this machine's lease runs.
    pub leased: bool,
}

/// Owning things, a machine for each at a time. A machine that is lost owns nothing any more when its lease and the drift have passed.
///
/// An owner is a *machine*: of a component that ends and starts anew it stays what it was. What waits for a majority ends after 4 s as `Unknown`: it may
/// still be done, which [`home`](Homes::home) says.
#[interface(name = "homes")]
pub trait Homes {
    /// This machine wants to own it: the owner, which is this machine or the one that was first.
    #[method(0)]
    fn claim(&mut self, id: HomeId, later: Later<Home, HomesError>);

    /// It does no longer, from now on, whatever comes of the call.
    #[method(1)]
    fn release(&mut self, id: HomeId, epoch: u64, later: Later<(), HomesError>);

    /// The machine `heir` is to own it; this one does no longer, from now on.
    #[method(2)]
    fn hand_over(&mut self, id: HomeId, epoch: u64, heir: u8, later: Later<(), HomesError>);

    /// Who owns it. Answered at once.
    #[method(3)]
    fn home(&mut self, id: HomeId) -> Result<Home, HomesError>;

    /// As [`claim`](Homes::claim), without waiting: what comes of it is signalled, and [`home`](Homes::home) says it. It is lost where too many
    /// wait, and may be said again.
    #[method(4)]
    #[one_way]
    fn want(&mut self, id: HomeId);

    /// As [`release`](Homes::release), without waiting, in whatever epoch this machine owns it now.
    #[method(5)]
    #[one_way]
    fn give_back(&mut self, id: HomeId);

    /// The first thing above `after` that this machine owns, leased or not.
    #[method(6)]
    fn mine(&mut self, after: Option<HomeId>) -> Result<Option<HomeId>, HomesError>;

    /// Has a notification signalled after each change of members and owners, and after each answer. One for each component: a later one replaces it.
    #[method(7)]
    fn watch(&mut self, caller: Caller, bell: Cap<Notification>) -> Result<(), HomesError>;

    /// What this machine knows.
    #[method(8)]
    fn agreed(&mut self) -> Result<Agreed, HomesError>;
}
