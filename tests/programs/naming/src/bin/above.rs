//! A component whose tree of names begins at the root: it sees those of the others below, where the description has put them. It ends with code 0 if it
//! does.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::{Kernel, Startup};
use naming_interface::NamingClient;
use naming_programs::views::{found, hidden};
use remote_programs::{Failure, failure};

isthmus_runtime::entry!(main);

fn main(startup: &'static Startup) -> Result<(), Failure> {
    let naming = startup.endpoint(NamingClient::<Kernel>::INTERFACE);
    let root = NamingClient::new(Kernel, naming.map_err(|missing| failure!("{missing}"))?);
    found(&root, "/jail/parent/mark")?;
    found(&root, "/jail/parent/cell/own")?;
    hidden(&root, "/mark")?;
    hidden(&root, "/own")
}
