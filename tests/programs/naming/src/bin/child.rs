//! A component that the description gives no naming at all: its parent gives it a directory, which is a whole tree to it, and so is what it opens
//! below. It ends with code 0 if nothing else is seen.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::{Kernel, Startup};
use naming_interface::{Access, NamingClient, Path};
use naming_programs::CellClient;
use naming_programs::views::{create, found, hidden, register, sees};
use remote_programs::{Failure, failure};

isthmus_runtime::entry!(main);

fn main(startup: &'static Startup) -> Result<(), Failure> {
    let parent = startup.endpoint(CellClient::<Kernel>::INTERFACE);
    let parent = CellClient::new(Kernel, parent.map_err(|missing| failure!("{missing}"))?);
    let directory = parent
        .directory()
        .map_err(|error| failure!("no directory: {error}"))?;
    let directory = NamingClient::new(Kernel, directory);
    sees(&directory, &[])?;
    for above in ["mark", "/../mark", "/jail", "/jail/parent/mark"] {
        hidden(&directory, above)?;
    }
    create(&directory, "inner")?;
    register(&directory, "own")?;
    found(&directory, "/own")?;
    sees(&directory, &["inner", "own"])?;
    let inner = Path::new("inner").map_err(|error| failure!("{error}"))?;
    let inner = directory
        .open(inner, Access::Change)
        .map_err(|error| failure!("open: {error}"))?;
    let inner = NamingClient::new(Kernel, inner);
    sees(&inner, &[])?;
    hidden(&inner, "../own")
}
