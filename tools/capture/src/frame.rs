//! Where netipc lies in an Ethernet frame.

use network_interface::NETIPC_PORT;
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, UdpPacket};

/// What is done with the netipc frame in an Ethernet frame, if that is what it carries; the UDP checksum is taken away, for it may be wrong then.
pub(crate) fn netipc_mut<T>(ethernet: &mut [u8], what: impl FnOnce(&mut [u8]) -> T) -> Option<T> {
    let mut ethernet = EthernetFrame::new_checked(ethernet).ok()?;
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let mut ip = Ipv4Packet::new_checked(ethernet.payload_mut()).ok()?;
    if ip.next_header() != IpProtocol::Udp {
        return None;
    }
    let mut udp = UdpPacket::new_checked(ip.payload_mut()).ok()?;
    if udp.dst_port() != NETIPC_PORT {
        return None;
    }
    let result = what(udp.payload_mut());
    udp.set_checksum(0);
    Some(result)
}
