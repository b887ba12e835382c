//! The scheduler: starts, stops and watches the components that are not of the base, and starts them again by their policy.
//!
//! What it decides is `scheduler-logic`'s; how a process is made and undone, `isthmus-builder`'s. It waits for nobody but the memory server,
//! which answers at once; it never waits for a process, nor for a client. The states, and what happens when each party dies, are in
//! `docs/processes.md`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod clock;
mod faults;
mod life;
mod parts;
mod program;
mod reservation;
mod server;
mod service;
mod tally;

use core::fmt;

use isthmus_plan::{Archive, Plan};
use isthmus_runtime::calls::serve;
use isthmus_runtime::{Service, Startup, grants, say};

use crate::server::Scheduler;

isthmus_runtime::entry!(main);

/// Why the scheduler cannot begin.
#[derive(Clone, Copy)]
enum Unfit {
    /// The root task handed nothing over: the description does not say `serves = ["scheduler"]`.
    NothingHandedOver,
    /// The boot archive, or the plan in it.
    BadArchive,
    /// Something that the description must grant.
    Missing(&'static str),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingHandedOver => f.write_str(
                "the system description gives me nothing to serve: add `serves = [\"scheduler\"]`",
            ),
            Self::BadArchive => f.write_str("the boot archive, or the plan in it, cannot be read"),
            Self::Missing(what) => write!(f, "the system description must give me {what}"),
        }
    }
}

fn main(startup: &'static Startup) -> isthmus_runtime::Never {
    match run(startup) {
        Ok(never) => never,
        Err(unfit) => {
            say!("{unfit}");
            isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
        }
    }
}

fn run(startup: &'static Startup) -> Result<isthmus_runtime::Never, Unfit> {
    let handed = startup.processes.as_ref().ok_or(Unfit::NothingHandedOver)?;
    let service = Service::get().ok_or(Unfit::NothingHandedOver)?;
    let archive = Archive::open(grants::archive().ok_or(Unfit::NothingHandedOver)?);
    let archive = archive.map_err(|_| Unfit::BadArchive)?;
    let plan = archive.plan().map_err(|_| Unfit::BadArchive)?;
    let plan = Plan::decode(plan).map_err(|_| Unfit::BadArchive)?;
    let mut scheduler = Scheduler::new(startup, handed, service, archive, &plan)?;
    scheduler.boot();
    say!("ready: {} slots for processes", scheduler.free_slots());
    serve(service, |occasion| scheduler.handle(occasion))
}
