//! The component that extends endpoints across machines: it carries kernel messages to `netipc-protocol`, its frames to the
//! card or the network server, and the requests of peers to the servers of this machine.
//!
//! It decides nothing about a call: what has become of it is the protocol's word, or the server's. Its main thread never
//! waits but in its one receive, so it can be called by anybody. What it may do here is what its description grants.
//!
//! Start reading at [`proxy`]; the states, who blocks on whom, and the limits are in `docs/proxy.md`; what needs no kernel is
//! in `netipc-proxy-logic`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod bulk;
mod callee;
mod caller;
mod capability;
mod homes;
mod identity;
mod link;
mod mapper;
mod own;
mod passing;
mod proxy;
mod rings;
mod runs;
mod worker;

use core::fmt;

use isthmus_abi::startup::Missing;
use isthmus_runtime::{Startup, say};
use network_interface::ChannelError;

use crate::proxy::Proxy;

isthmus_runtime::entry!(main);

/// Why the proxy cannot start. Each is a mistake of the system description.
enum Unfit {
    /// It grants too little.
    Missing(Missing<'static>),
    /// It gives nothing to serve.
    NoService,
    /// The channel to the network server is too small.
    Channel(ChannelError),
    /// There is no channel, and the card does not come up.
    Port(network_port::OpenError),
    /// There are no slots for the capabilities of peers.
    NoSlots,
    /// A worker does not start.
    NoWorker,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::NoService => f.write_str(
                "the system description gives me nothing to serve: add `serves = [\"netipc\"]`",
            ),
            Self::Channel(error) => error.fmt(f),
            Self::Port(network_port::OpenError::Card(virtio_net::OpenError::Missing(_))) => f
                .write_str(
                    "there is no way to other machines: give me the card with `devices = [\"virtio-net\"]`, or a channel `datagrams` to a network server",
                ),
            Self::Port(error) => error.fmt(f),
            Self::NoSlots => {
                f.write_str("too few slots: each peer needs two, give more with `slots`")
            }
            Self::NoWorker => f.write_str("a thread does not start"),
        }
    }
}

impl From<Missing<'static>> for Unfit {
    fn from(missing: Missing<'static>) -> Self {
        Self::Missing(missing)
    }
}

fn main(startup: &'static Startup) -> ! {
    match Proxy::new(startup) {
        Ok(mut proxy) => proxy.run(),
        Err(unfit) => {
            say!("{unfit}");
            isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
        }
    }
}
