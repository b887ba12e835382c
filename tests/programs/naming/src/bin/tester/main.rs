//! A client of naming that tries everything: on its own machine, and on the others if there are any.
//!
//! Says `demo: ok` when all was as `docs/naming.md` says. With the machine argument `owner=killed` it waits until the owner's machine is gone and back.
#![no_std]
#![no_main]

extern crate alloc;

mod abroad;
mod gone;
mod home;
mod tools;
mod wrong;

use isthmus_runtime::{Startup, say, service};
use remote_programs::Failure;

use crate::tools::Tools;

isthmus_runtime::entry!(main);

fn main(startup: &'static Startup) -> ! {
    match run(startup) {
        Ok(()) => say!("demo: ok naming does what it promises"),
        Err(reason) => say!("demo: failed: {reason}"),
    }
    loop {
        let _ = service::wait();
    }
}

fn run(startup: &'static Startup) -> Result<(), Failure> {
    let tools = Tools::new(startup)?;
    if startup.machine.argument("owner") == Some("killed") {
        return gone::with_its_machine(&tools);
    }
    if startup.machine.nodes > 1 {
        abroad::all(&tools)?;
    } else {
        home::all(&tools)?;
        wrong::all(&tools)?;
    }
    gone::alone(&tools)
}
