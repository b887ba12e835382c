//! A client of the network server, for machine tests: it stands where netipc's proxy stands otherwise. On machine 1 it sends datagrams to
//! machine 2, whose probe sends each back, then has the network server play its wire echo, and says what it found. On the others it sends
//! datagrams back for ever.
//!
//! It never trusts the network: datagrams may be lost, and are sent again. Read next: `network-interface`; `docs/network.md`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod asker;
mod link;

use isthmus_runtime::{Never, Startup, say};
use network_interface::{MAX_PAYLOAD, Node, Peer};

use crate::link::{Link, LinkError};

isthmus_runtime::entry!(main);

/// The machine that asks.
const ASKER: u8 = 1;

fn main(startup: &'static Startup) -> Result<Never, LinkError> {
    let mut link = Link::open(startup)?;
    if startup.machine.node == ASKER && startup.machine.nodes > 1 {
        let other = Node::new(2).expect("2 is a node's number");
        asker::ask(&mut link, Peer::netipc(other));
    }
    answer(&mut link)
}

/// Sends back whatever comes.
fn answer(link: &mut Link) -> ! {
    say!("probe: answering");
    let mut payload = [0; MAX_PAYLOAD];
    loop {
        while let Some((from, length)) = link.receive(&mut payload) {
            // A full ring: the asker asks again.
            link.send(from, &payload[..length]);
        }
        link.wait(None);
    }
}
