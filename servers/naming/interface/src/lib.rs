//! Naming's typed calls, paths, and what a server needs to keep its name ([`Registration`]).
//!
//! It never keeps a name itself: the tree is `naming-logic`'s. What is promised, and the bounds, stand in `docs/naming.md`; how it is used,
//! `examples/kv` shows.
#![no_std]
#![forbid(unsafe_code)]

mod claims;
mod lease;
pub mod limits;
mod listing;
mod path;
mod registration;
mod words;

pub use claims::{Claim, Claims};
pub use lease::{BadLease, Lease};
pub use listing::{Item, Kind, Listing};
pub use path::{BadPath, NODE, Part, Path};
pub use registration::Registration;
pub use words::{Access, Reach, Standing, Watched};

use isthmus_interface::abi::Slot;
use isthmus_interface::{
    Anything, CallError, Caller, Cap, Notification, Transport, error_codes, interface,
};

error_codes! {
    /// Why naming refuses.
    pub enum NamingError {
        /// Nothing has the name, on any machine that may have it.
        NotFound = 1, "there is no such name";
        /// Another component has the name, here or in the cluster.
        Exists = 2, "the name is taken";
        /// The caller, or the machine, has as many names, directories or watches as it may have.
        TooMany = 3, "there is no room for another";
        /// The name is another's, or the directory may only be read through this capability.
        NotPermitted = 4, "the caller may not do this";
        /// The path leads through, or to, something that is no directory.
        NotADirectory = 5, "it is no directory";
        /// It is a directory, and an entry was wanted.
        IsADirectory = 6, "it is a directory";
        /// There is something in the directory.
        NotEmpty = 7, "the directory is not empty";
        /// The path would be longer than a path may be, seen from the machine's root.
        TooLong = 8, "the path is too long";
        /// It was not found, and not all machines that may have it have told their names; they are being asked again.
        NotSure = 9, "it was not found, and not every machine could be asked";
        /// A directory cannot be moved below itself.
        IntoItself = 10, "a directory cannot be moved below itself";
        /// The name `node` leads to the machines.
        Reserved = 11, "the name is the system's";
        /// Too many questions to other machines wait already.
        Busy = 12, "too many look-ups wait for other machines";
        /// No machine owns names here: the cluster has no voters.
        NoOwners = 13, "the cluster has no voters (isthmus cluster voters), so nobody owns a name";
    }
}

/// A directory of names; what the description grants is a component's root.
#[interface(name = "naming")]
pub trait Naming {
    /// The capability that a path stands for, wherever it is.
    #[method(0)]
    fn lookup(&mut self, caller: Caller, path: Path) -> Result<Cap<Anything>, NamingError>;

    /// Makes a name for a capability; replaces the caller's own.
    #[method(1)]
    fn register(
        &mut self,
        caller: Caller,
        path: Path,
        lease: Lease,
        reach: Reach,
        capability: Cap<Anything>,
    ) -> Result<(), NamingError>;

    /// Begins the lease of an entry, or of a directory, anew.
    #[method(2)]
    fn renew(&mut self, caller: Caller, path: Path, lease: Lease) -> Result<Standing, NamingError>;

    /// Takes a name away, or a directory that is empty.
    #[method(3)]
    fn unlink(&mut self, caller: Caller, path: Path) -> Result<(), NamingError>;

    /// Gives an entry or a directory, with all below it, another name.
    #[method(4)]
    fn rename(&mut self, caller: Caller, from: Path, to: Path) -> Result<(), NamingError>;

    /// Makes a directory.
    #[method(5)]
    fn create(&mut self, caller: Caller, path: Path, lease: Lease) -> Result<(), NamingError>;

    /// A capability to a directory: to read it, or to change it as well.
    #[method(6)]
    fn open(
        &mut self,
        caller: Caller,
        path: Path,
        access: Access,
    ) -> Result<Cap<dyn Naming>, NamingError>;

    /// What is in a directory: the first names, or those after `after`.
    #[method(7)]
    fn list(
        &mut self,
        caller: Caller,
        path: Path,
        after: Option<Part>,
    ) -> Result<Listing, NamingError>;

    /// Has a notification signalled after each change of what is in a directory.
    #[method(8)]
    fn watch(
        &mut self,
        caller: Caller,
        path: Path,
        lease: Lease,
        watcher: Cap<Notification>,
    ) -> Result<Watched, NamingError>;

    /// Begins a watch's lease anew. Answers how often the directory has changed: more often than was known, and a signal was lost.
    #[method(9)]
    fn rewatch(
        &mut self,
        caller: Caller,
        path: Path,
        id: u32,
        lease: Lease,
    ) -> Result<u64, NamingError>;

    /// Ends a watch.
    #[method(10)]
    fn unwatch(&mut self, caller: Caller, path: Path, id: u32) -> Result<(), NamingError>;

    /// For the naming of a peer: this machine's cluster-wide names after `after`, and until when.
    #[method(11)]
    fn claims(&mut self, caller: Caller, after: Option<Path>) -> Result<Claims, NamingError>;

    /// For the naming of a peer: [`Naming::claims`] of machine `node` have changed.
    #[method(12)]
    #[one_way]
    fn changed(&mut self, caller: Caller, node: u8);

    /// Where a view of the cluster says who owns names: what a cluster-wide name stands for, and since which epoch its machine owns it. Who remembers the
    /// highest epoch that it has seen, and refuses what comes from an earlier one, is not deceived by an owner of the past. Other machines' naming ask so, too.
    #[method(13)]
    fn owned(&mut self, caller: Caller, path: Path) -> Result<(u64, Cap<Anything>), NamingError>;
}

/// Why a path brought no capability: naming's error, or what became of the question.
pub type ResolveError = CallError<NamingError>;

/// Resolves `path`, beginning at the directory `naming`. The capability is the caller's.
///
/// # Errors
/// Naming's, or what became of the call.
pub fn resolve<T: Transport>(
    transport: &T,
    naming: Slot,
    path: &Path,
) -> Result<Cap<Anything>, ResolveError> {
    NamingClient::new(transport, naming).lookup(path.clone())
}
