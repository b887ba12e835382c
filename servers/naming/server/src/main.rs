//! The naming server: gives out capabilities by path, of this machine, and by its workers of the peers.
//!
//! Its main thread never waits for another machine: worker threads ask the peers' naming, and main answers the client when they have the answer.
//! The tree and every decision are `naming-logic`'s; this shell keeps the capabilities in slots. Promises and bounds are in `docs/naming.md`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod asking;
mod calls;
mod clock;
mod directories;
mod owners;
mod server;
mod view;
mod worker;

use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::Disposition;
use isthmus_runtime::{Service, Startup, say};

use crate::server::Server;

isthmus_runtime::entry!(main);

fn main(startup: &'static Startup) -> ! {
    let Some(service) = Service::get() else {
        say!("the system description gives me nothing to serve: add `serves = [\"naming\"]`");
        isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
    };
    let mut server = Server::new(startup);
    server.settle();
    serve(service, |occasion| {
        let disposition = match occasion {
            Occasion::Message(request, answer) => server.message(request, answer),
            Occasion::Events(events) => {
                server.events(events);
                Disposition::Nothing
            }
        };
        server.settle();
        disposition
    })
}
