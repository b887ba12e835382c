//! smoltcp: ARP answers, pings, ICMP errors, for every frame that is not on the fast path.
use smoltcp::iface::{Config, Interface, SocketSet, SocketStorage};
use smoltcp::phy;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr, Ipv4Address};

use network_interface::Node;
use network_interface::address::PREFIX_BITS;

use crate::port::{Port, Transmit};
use crate::time::{Clock, Ticks};

/// The IP stack.
pub struct Stack {
    interface: Interface,
    sockets: SocketSet<'static>,
    clock: Clock,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handled {
    /// Frames sent in answer.
    pub sent: u64,
    /// Whether the frame was dropped because an answer would have found no transmit buffer.
    pub frame: Frame,
}

/// Whether a frame was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// It was.
    Taken,
    /// It was not: there was no transmit buffer for an answer.
    Dropped,
}

impl Stack {
    /// The stack of `node`, whose device has the address `mac`. `seed` makes its identifiers unpredictable.
    pub fn new(mac: EthernetAddress, node: Node, clock: Clock, seed: u64, now: Ticks) -> Self {
        let mut config = Config::new(HardwareAddress::Ethernet(mac));
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut Nowhere, clock.instant(now));
        interface.update_ip_addrs(|addresses| {
            let address = Ipv4Address::from(node.address());
            // The list has at least one place.
            let _ = addresses.push(IpCidr::new(address.into(), PREFIX_BITS));
        });
        let none: &'static mut [SocketStorage<'static>] = &mut [];
        Self {
            interface,
            sockets: SocketSet::new(none),
            clock,
        }
    }

    /// Handles a frame, and sends what it has to say.
    pub fn handle(&mut self, frame: &[u8], now: Ticks, transmit: &mut impl Transmit) -> Handled {
        let mut port = Port {
            received: Some(frame),
            transmit,
            sent: 0,
        };
        let now = self.clock.instant(now);
        self.interface.poll(now, &mut port, &mut self.sockets);
        let frame = match port.received {
            None => Frame::Taken,
            Some(_) => Frame::Dropped,
        };
        Handled {
            sent: port.sent,
            frame,
        }
    }
}

/// The device that smoltcp is created with: it only asks for the capabilities.
struct Nowhere;

struct Never;

impl phy::Device for Nowhere {
    type RxToken<'a> = Never;
    type TxToken<'a> = Never;

    fn receive(&mut self, _: Instant) -> Option<(Never, Never)> {
        None
    }

    fn transmit(&mut self, _: Instant) -> Option<Never> {
        None
    }

    fn capabilities(&self) -> phy::DeviceCapabilities {
        crate::port::capabilities()
    }
}

impl phy::RxToken for Never {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&[])
    }
}

impl phy::TxToken for Never {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, _: usize, f: F) -> R {
        f(&mut [])
    }
}
