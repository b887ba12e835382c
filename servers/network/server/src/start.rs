//! From the start-up block to a server that is ready to receive.

use alloc::boxed::Box;

use isthmus_abi::startup::Missing;
use isthmus_runtime::{Service, Startup, grants, say, time};
use network_interface::{Channel, ChannelError, Node, Side, channel};
use network_logic::{Clock, Configuration, Mac, Network, Ticks};
use virtio_net::OpenError;

use crate::client::Client;
use crate::server::Server;
use crate::timer::Alarm;

/// Why the server cannot start.
#[derive(Debug)]
#[expect(dead_code, reason = "they are read by `Debug`, on the console")]
pub enum StartError {
    /// The description does not grant what it needs.
    Missing(Missing<'static>),
    /// The machine's number is no node's.
    NoSuchNode(u8),
    /// The network card.
    Card(OpenError),
    /// The client's channel.
    Channel(ChannelError),
    /// The description says that it serves nothing.
    ServesNothing,
}

impl From<Missing<'static>> for StartError {
    fn from(error: Missing<'static>) -> Self {
        Self::Missing(error)
    }
}

/// Brings the card up and attaches to everything that the description grants. A client is optional: without one the machine still answers a
/// ping.
pub fn start(startup: &'static Startup) -> Result<(Service, Server), StartError> {
    let service = Service::get().ok_or(StartError::ServesNothing)?;
    let number = startup.machine.node;
    let node = Node::new(number).ok_or(StartError::NoSuchNode(number))?;
    let (card, interrupt) = virtio_net::open(startup).map_err(StartError::Card)?;
    let mac = Mac(card.mac());
    let client = match grants::shared_memory(channel::NAME) {
        Ok(memory) => {
            let channel = Channel::attach(memory, Side::Server).map_err(StartError::Channel)?;
            let signal = grants::channel_signal(channel::NAME)?;
            Some(Client::new(channel, signal))
        }
        Err(_) => None,
    };
    let now = time::now().ticks();
    let configuration = Configuration {
        mac,
        node,
        clock: Clock::new(time::frequency()),
        seed: now, // unpredictable enough for identifiers that nothing relies on
    };
    let network = Box::new(Network::new(configuration, Ticks(now)));
    let [a, b, c, d] = node.address();
    say!("network: {node} is {a}.{b}.{c}.{d}, {mac}");
    let server = Server::new(card, interrupt, network, client, Alarm::new()?);
    Ok((service, server))
}
