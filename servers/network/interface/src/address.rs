//! Who is where: node n of the cluster is 10.73.0.n.
use core::fmt;

/// The UDP port that netipc uses on every node, as source and as destination.
pub const NETIPC_PORT: u16 = 7373;

/// Bits of the network part of an address: 10.73.0.0/24.
pub const PREFIX_BITS: u8 = 24;

/// The first three bytes of every node's IPv4 address.
const NETWORK: [u8; 3] = [10, 73, 0];

/// A machine of the cluster: 1 to 254.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(u8);

impl Node {
    /// The lowest number.
    pub const MIN: u8 = 1;
    /// The highest number: 255 is the network's broadcast address.
    pub const MAX: u8 = 254;

    /// The node with this number, unless it is 0 or 255.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= Self::MIN && number <= Self::MAX {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The node with this IPv4 address, if it is one of the cluster's network.
    #[must_use]
    pub fn from_address(address: [u8; 4]) -> Option<Self> {
        let [network @ .., number] = address;
        if network == NETWORK {
            Self::new(number)
        } else {
            None
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its IPv4 address.
    #[must_use]
    pub const fn address(self) -> [u8; 4] {
        let [a, b, c] = NETWORK;
        [a, b, c, self.0]
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

/// The other end of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// The machine.
    pub node: Node,
    /// The UDP port there.
    pub port: u16,
}

impl Peer {
    /// netipc on `node`.
    #[must_use]
    pub const fn netipc(node: Node) -> Self {
        Self {
            node,
            port: NETIPC_PORT,
        }
    }
}
