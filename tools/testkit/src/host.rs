//! A host of the machines' network that is no machine: it sends datagrams to netipc's port, as whoever administers a cluster does.

use std::io::Write;
use std::os::unix::net::UnixStream;

use network_interface::{NETIPC_PORT, Node, Peer};
use network_logic::Mac;
use network_logic::datagram::{self, HEADERS, Own};
use qemu_switch::framing::length_prefix;

use crate::failure::Failure;

/// Its place on the network, which no machine has.
const NUMBER: u8 = Node::MAX;
const MAC: Mac = Mac([0x52, 0x54, 0x00, 0x49, 0x48, NUMBER]);
/// What the addresses of machines begin with; their number follows.
const MACHINES: [u8; 5] = [0x52, 0x54, 0x00, 0x49, 0x53];

/// A host at the switch: [`Cluster::host`](crate::Cluster::host).
#[derive(Debug)]
pub struct Host {
    port: UnixStream,
}

impl Host {
    pub(crate) fn new(port: UnixStream) -> Self {
        Self { port }
    }

    /// Sends machine `node` a datagram for its netipc. Nobody says whether it arrives.
    ///
    /// # Errors
    /// If there can be no such machine, the datagram is too long, or the switch is gone.
    pub fn send(&mut self, node: u8, payload: &[u8]) -> Result<(), Failure> {
        let frame = frame(node, payload).ok_or_else(|| Failure::new("no such machine"))?;
        let length = length_prefix(&frame).ok_or_else(|| Failure::new("too long a datagram"))?;
        let sent = self.port.write_all(&[&length[..], &frame].concat());
        sent.map_err(|error| Failure::new(format!("the switch: {error}")))
    }
}

fn frame(node: u8, payload: &[u8]) -> Option<Vec<u8>> {
    let own = Own {
        mac: MAC,
        node: Node::new(NUMBER)?,
    };
    let peer = Peer {
        node: Node::new(node)?,
        port: NETIPC_PORT,
    };
    let [a, b, c, d, e] = MACHINES;
    let to = Mac([a, b, c, d, e, node]);
    let mut frame = vec![0; HEADERS + payload.len()];
    datagram::build(&mut frame, own, to, peer, |room| {
        room.copy_from_slice(payload)
    });
    Some(frame)
}
