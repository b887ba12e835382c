//! Ports, Ethernet addresses, and the table of which address was last seen on which port.

use std::collections::HashMap;
use std::fmt;

/// A port of the switch, counted from 0 in the order of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortId(pub u8);

impl PortId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for PortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {}", self.0)
    }
}

/// An Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The lowest bit of the first octet marks addresses of groups, of which broadcast is one (IEEE 802.3, 3.2.3).
    const GROUP: u8 = 1;

    /// Whether the address names more than one station.
    #[must_use]
    pub fn is_group(self) -> bool {
        self.0[0] & Self::GROUP != 0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Bytes of destination, source and type: no frame is shorter.
pub(crate) const ETHERNET_HEADER: usize = 14;

/// Destination and source of a frame; `None` if it is too short to have them.
pub(crate) fn addresses(frame: &[u8]) -> Option<(Mac, Mac)> {
    if frame.len() < ETHERNET_HEADER {
        return None;
    }
    let destination = frame.first_chunk::<6>()?;
    let source = frame.get(6..)?.first_chunk::<6>()?;
    Some((Mac(*destination), Mac(*source)))
}

/// Which address was last seen on which port.
#[derive(Debug, Default)]
pub(crate) struct AddressTable {
    seen: HashMap<Mac, PortId>,
}

impl AddressTable {
    /// Further addresses are not learned, so frames to them are flooded: slower, still right.
    pub(crate) const MAX_ADDRESSES: usize = 4096;

    pub(crate) fn learn(&mut self, source: Mac, port: PortId) {
        if source.is_group() {
            return; // not a legal source
        }
        if self.seen.len() < Self::MAX_ADDRESSES || self.seen.contains_key(&source) {
            self.seen.insert(source, port);
        }
    }

    /// The port behind which `destination` is, if that is known and it is a single station.
    pub(crate) fn find(&self, destination: Mac) -> Option<PortId> {
        self.seen.get(&destination).copied()
    }
}
