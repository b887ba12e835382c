//! Naming's typed calls, paths, and [`resolve()`], by which a client turns a path into a capability, wherever the server is.
//!
//! It never keeps a name: the table is `naming-logic`'s. What is promised stands in `docs/naming.md`.
#![no_std]
#![forbid(unsafe_code)]

mod path;
mod resolve;
mod step;

pub use isthmus_interface::abi::Name;
pub use path::{BadPath, PATH_BYTES, Path, Target};
pub use resolve::{ResolveError, resolve};
pub use step::Step;

use isthmus_interface::{Anything, Caller, Cap, error_codes, interface};

/// The number before the first node's: look-ups start with it.
pub const BEFORE_FIRST_NODE: u8 = 0;

error_codes! {
    /// Why naming refuses.
    pub enum NamingError {
        /// Nothing is registered under the name.
        NotFound = 1, "there is no such name";
        /// Another component has registered the name.
        Exists = 2, "another component has registered the name";
        /// The owner, or the machine, has as many names as it may have.
        TooMany = 3, "there is no room for another name";
        /// Names are registered from their own machine only, and by their owner.
        NotPermitted = 4, "the caller may not do this";
        /// The path is a name of this system, but not one that naming keeps.
        NotSupported = 5, "names have one part, or are of the form /node/2/name";
    }
}

/// Names of one machine, and the way to its peers.
#[interface(name = "naming")]
pub trait Naming {
    /// Registers a capability under a name of this machine; replaces the caller's own.
    #[method(0)]
    fn register(
        &mut self,
        caller: Caller,
        name: Name,
        capability: Cap<Anything>,
    ) -> Result<(), NamingError>;

    /// Takes the caller's own registration back.
    #[method(1)]
    fn unregister(&mut self, caller: Caller, name: Name) -> Result<(), NamingError>;

    /// Looks a path up: what it stands for, or who to ask next. `after` is the number of the last peer that was asked, 0 at
    /// first. Most callers want [`resolve()`].
    #[method(2)]
    fn lookup(
        &mut self,
        caller: Caller,
        path: Path,
        after: u8,
    ) -> Result<(Step, Cap<Anything>), NamingError>;
}
