//! A component whose tree of names begins at a directory that the description names: it sees what is below, gives a directory of it to a child that it
//! starts, and has one look at it all that sees from the root. It says `views: ok`, or what was wrong.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::abi::Name;
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::{Cap, Disposition};
use isthmus_runtime::{ExitCode, Kernel, Never, Service, Startup, capabilities, say};
use naming_interface::{Access, Naming, NamingClient, Path};
use naming_programs::views::{Directory, create, found, hidden, register, sees};
use naming_programs::{Cell, OwnerError, cell};
use remote_programs::{Failure, failure};
use scheduler_interface::{Arguments, How, ProcessClient, SchedulerClient};

isthmus_runtime::entry!(main);

/// What the child gets.
const CELL: &str = "cell";

fn main(startup: &'static Startup) -> Never {
    match run(startup) {
        Ok(never) => never,
        Err(why) => {
            say!("views: {why}");
            isthmus_runtime::exit(ExitCode::FAILURE)
        }
    }
}

struct Parent {
    root: Directory,
    scheduler: SchedulerClient<Kernel>,
}

impl Cell for Parent {
    fn directory(&mut self) -> Result<Cap<dyn Naming>, OwnerError> {
        let cell = Path::new(CELL).map_err(|_| OwnerError::Refused)?;
        let opened = self.root.open(cell, Access::Change);
        opened.map_err(|_| OwnerError::Refused)
    }
}

impl Parent {
    fn new(startup: &'static Startup) -> Result<Self, Failure> {
        let endpoint = |interface| {
            let slot = startup.endpoint(interface);
            slot.map_err(|missing| failure!("{missing}"))
        };
        let naming = endpoint(NamingClient::<Kernel>::INTERFACE)?;
        let scheduler = endpoint(SchedulerClient::<Kernel>::INTERFACE)?;
        Ok(Self {
            root: NamingClient::new(Kernel, naming),
            scheduler: SchedulerClient::new(Kernel, scheduler),
        })
    }

    fn start(&self, component: &str) -> Result<ProcessClient<Kernel>, Failure> {
        let name = Name::new(component).map_err(|error| failure!("{error}"))?;
        let started = self.scheduler.start(name, Arguments::new());
        let process = started.map_err(|error| failure!("{component}: {error}"))?;
        Ok(ProcessClient::new(Kernel, process.into_slot()))
    }

    /// The child has ended: what it did is to be seen, from here and from the root.
    fn child_ended(&self, child: &ProcessClient<Kernel>) -> Result<(), Failure> {
        ended_well("the child", child)?;
        found(&self.root, "cell/own")?;
        ended_well("who sees from the root", &self.start("above")?)
    }
}

fn ended_well(who: &str, process: &ProcessClient<Kernel>) -> Result<(), Failure> {
    match process.wait() {
        Ok(ended) if ended.how == How::Returned(ExitCode::SUCCESS) => Ok(()),
        Ok(ended) => Err(failure!("{who}: {}", ended.how)),
        Err(error) => Err(failure!("{who}: {error}")),
    }
}

fn run(startup: &'static Startup) -> Result<Never, Failure> {
    let service = Service::get().ok_or_else(|| failure!("it serves nothing"))?;
    let mut parent = Parent::new(startup)?;
    sees(&parent.root, &[])?;
    for above in ["jail", "/jail/parent", "../parent"] {
        hidden(&parent.root, above)?;
    }
    create(&parent.root, CELL)?;
    register(&parent.root, "mark")?;
    sees(&parent.root, &[CELL, "mark"])?;
    let bell = capabilities::bell().map_err(|_| failure!("no slot for a bell"))?;
    let child = parent.start("child")?;
    child
        .watch(bell)
        .map_err(|error| failure!("not watched: {error}"))?;
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => cell::dispatch(&mut parent, request, answer),
        Occasion::Events(events) => {
            if events.contains(capabilities::BELL) {
                match parent.child_ended(&child) {
                    Ok(()) => say!("views: ok"),
                    Err(why) => say!("views: {why}"),
                }
            }
            Disposition::Nothing
        }
    })
}
