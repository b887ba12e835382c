//! The network server: owns the network card, carries the client's datagrams, and speaks ARP, IPv4, ICMP and UDP for this machine.
//!
//! The thin shell around `network-logic`: card, client's rings, timer and typed calls all come together in one thread's one receive. It never
//! waits anywhere else, and allocates nothing after its start.
//!
//! Read next: `docs/network.md`; [`server`] for the loop.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod client;
mod server;
mod start;
mod timer;

use isthmus_runtime::calls::serve;
use isthmus_runtime::{Never, Startup};

use crate::start::StartError;

isthmus_runtime::entry!(main);

fn main(startup: &'static Startup) -> Result<Never, StartError> {
    let (service, mut server) = start::start(startup)?;
    // What arrived before there was a loop.
    server.work();
    serve(service, |occasion| server.handle(occasion))
}
