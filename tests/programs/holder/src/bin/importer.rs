//! Imports capabilities of machine 1's holder, gives one of them to the holder here, says so, and stays until it is killed. What became of the capabilities the test asks.
#![no_std]
#![no_main]

use core::fmt;

use holder_interface::{Holder, HolderClient, NAME};
use isthmus_runtime::interface::Cap;
use isthmus_runtime::{Kernel, Startup, say, service};
use naming_interface::{NamingClient, Path, resolve};

isthmus_runtime::entry!(main);

/// Capabilities that it looks up, one by one.
const LOOKED_UP: usize = 3;
/// Where the holder of machine 1 keeps one for it, and the one here keeps one of its.
const PLACE: u8 = 7;

fn main(startup: &'static Startup) -> ! {
    match import(startup) {
        Ok(imported) => say!("holds {imported}"),
        Err(reason) => say!("demo: failed: the importer: {reason}"),
    }
    loop {
        let _ = service::wait();
    }
}

fn import(startup: &Startup) -> Result<usize, &'static dyn fmt::Display> {
    let naming = startup.endpoint(NamingClient::<Kernel>::INTERFACE);
    let naming = naming.map_err(|_| &"it has no naming" as &dyn fmt::Display)?;
    let find = |text: &str| -> Result<Cap<dyn Holder>, &'static dyn fmt::Display> {
        let path = Path::new(text).map_err(|_| &"a bad path" as &dyn fmt::Display)?;
        let found = resolve(&Kernel, naming, &path);
        found
            .map(Cap::cast)
            .map_err(|_| &"a name is not found" as &dyn fmt::Display)
    };
    let imported = [(); LOOKED_UP].map(|()| find("/node/1/holder"));
    let [first, ..] = &imported;
    let first = first.as_ref().map_err(|reason| *reason)?;
    let far = HolderClient::new(Kernel, first.alias());
    // What is answered by what was imported is imported, too.
    let shown = far.show(PLACE);
    let here = HolderClient::new(Kernel, find(NAME)?);
    here.keep(PLACE, first)
        .map_err(|_| &"nobody keeps it" as &dyn fmt::Display)?;
    let count = imported.iter().flatten().count() + shown.iter().count();
    // They stay where they are until this component ends.
    core::mem::forget((imported, shown));
    Ok(count)
}
