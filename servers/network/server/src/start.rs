//! From the start-up block to a server that is ready to receive.

use isthmus_abi::startup::Missing;
use isthmus_runtime::{Service, Startup, grants};
use network_interface::{Channel, ChannelError, Side, channel};
use network_port::{OpenError, Port};

use crate::client::Client;
use crate::server::Server;
use crate::timer::Alarm;

/// Why the server cannot start.
#[derive(Debug)]
#[expect(dead_code, reason = "they are read by `Debug`, on the console")]
pub enum StartError {
    /// The description does not grant what it needs.
    Missing(Missing<'static>),
    /// The card.
    Port(OpenError),
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
    let port = Port::open(startup).map_err(StartError::Port)?;
    let client = match grants::shared_memory(channel::NAME) {
        Ok(memory) => {
            let channel = Channel::attach(memory, Side::Server).map_err(StartError::Channel)?;
            let signal = grants::channel_signal(channel::NAME)?;
            Some(Client::new(channel, signal))
        }
        Err(_) => None,
    };
    let server = Server::new(port, client, Alarm::new()?);
    Ok((service, server))
}
