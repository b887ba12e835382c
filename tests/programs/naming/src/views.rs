//! What a component sees through a directory, and what it does not.

use isthmus_interface::{Anything, CallError, Cap};
use isthmus_runtime::abi::{ComponentId, EndpointBadge, ObjectId};
use isthmus_runtime::{Kernel, Service};
use naming_interface::{Lease, NamingClient, NamingError, Path, Reach};
use remote_programs::{Failure, failure};

/// A directory that was opened, or a component's root.
pub type Directory = NamingClient<Kernel>;

fn path(text: &str) -> Result<Path, Failure> {
    Path::new(text).map_err(|error| failure!("{text}: {error}"))
}

/// These names are in the directory, and no others; nor is anything above it.
pub fn sees(directory: &Directory, names: &[&str]) -> Result<(), Failure> {
    for from in ["/", "..", "/../.."] {
        let listing = directory.list(path(from)?, None);
        let listing = listing.map_err(|error| failure!("list {from}: {error}"))?;
        let seen = listing.items.iter().map(|item| item.name.as_str());
        if !seen.eq(names.iter().copied()) {
            return Err(failure!("{from} has {:?}, not {names:?}", listing.items));
        }
    }
    Ok(())
}

/// There is no such name.
pub fn hidden(directory: &Directory, name: &str) -> Result<(), Failure> {
    match directory.lookup(path(name)?) {
        Err(CallError::Interface(NamingError::NotFound)) => Ok(()),
        other => Err(failure!("{name} is not hidden: {other:?}")),
    }
}

/// There is such a name.
pub fn found(directory: &Directory, name: &str) -> Result<(), Failure> {
    let found = directory.lookup(path(name)?);
    found.map(drop).map_err(|error| failure!("{name}: {error}"))
}

/// Makes a directory for good.
pub fn create(directory: &Directory, name: &str) -> Result<(), Failure> {
    directory
        .create(path(name)?, Lease::MAX)
        .map_err(|error| failure!("create {name}: {error}"))
}

/// Registers this component's endpoint, where nobody answers.
pub fn register(directory: &Directory, name: &str) -> Result<(), Failure> {
    let service = Service::get().ok_or_else(|| failure!("it serves nothing"))?;
    let badge = EndpointBadge {
        client: ComponentId::ROOT_TASK,
        object: ObjectId::new(1).ok_or_else(|| failure!("1 has less than 20 bits"))?,
    };
    let endpoint: Cap<Anything> = service
        .mint(badge)
        .map_err(|_| failure!("no slot is left"))?;
    directory
        .register(path(name)?, Lease::MAX, Reach::Machine, endpoint)
        .map_err(|error| failure!("register {name}: {error}"))
}
