//! The fast path: netipc's datagrams, told from all other frames by looking at a few bytes, and built without the IP stack.
use network_interface::counters::Drop;
use network_interface::{NETIPC_PORT, Node, Peer};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpProtocol, Ipv4Packet,
    Ipv4Repr, UdpPacket,
};

/// Bytes in front of a datagram's payload: Ethernet, IPv4 without options, UDP.
pub const HEADERS: usize = ETHERNET + IPV4 + UDP;
const ETHERNET: usize = 14;
const IPV4: usize = 20;
const UDP: usize = 8;
/// How many routers a datagram may cross. The network is one link; the usual default all the same.
const HOP_LIMIT: u8 = 64;

/// Who this machine is on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// The device's address.
    pub mac: EthernetAddress,
    /// The machine's number.
    pub node: Node,
}

/// What a received frame is, as far as the fast path can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class<'f> {
    /// A netipc datagram for this machine that passed every check.
    Datagram {
        /// The sender.
        from: Peer,
        /// The address its frame came from.
        mac: EthernetAddress,
        /// The UDP payload.
        payload: &'f [u8],
    },
    /// A netipc datagram for this machine that is wrong.
    Wrong(Drop),
    /// Something else: the IP stack's.
    Other,
}

/// Whether the IPv4 packet `ip`, in a frame sent to our MAC, is netipc's: ours by address, no options, no fragment, UDP to its port. Looks
/// at fixed places only.
fn is_netipc(own: Own, ip: &[u8]) -> bool {
    const FRAGMENT: u16 = 0x3fff; // "more fragments" and the offset, without "don't fragment"
    let Some((header, rest)) = ip.split_first_chunk::<IPV4>() else {
        return false;
    };
    let Some((udp, _)) = rest.split_first_chunk::<UDP>() else {
        return false;
    };
    header[0] == 0x45
        && header[9] == u8::from(IpProtocol::Udp)
        && header[16..] == own.node.address()
        && u16::from_be_bytes([header[6], header[7]]) & FRAGMENT == 0
        && u16::from_be_bytes([udp[2], udp[3]]) == NETIPC_PORT
}

/// Classifies the payload of an IPv4 frame that was sent to our MAC from `mac`.
#[must_use]
pub fn classify(own: Own, mac: EthernetAddress, ip: &[u8]) -> Class<'_> {
    if !is_netipc(own, ip) {
        return Class::Other;
    }
    match check(ip) {
        Ok(_) if !mac.is_unicast() => Class::Wrong(Drop::ForeignSource),
        Ok((from, payload)) => Class::Datagram { from, mac, payload },
        Err(reason) => Class::Wrong(reason),
    }
}

/// Every check that the fast path owes: lengths, both checksums, a sender on our network.
fn check(ip: &[u8]) -> Result<(Peer, &[u8]), Drop> {
    let packet = Ipv4Packet::new_checked(ip).map_err(|_| Drop::BadLength)?;
    if !packet.verify_checksum() {
        return Err(Drop::BadHeaderChecksum);
    }
    let udp = UdpPacket::new_checked(packet.payload()).map_err(|_| Drop::BadLength)?;
    if usize::from(udp.len()) != packet.payload().len() {
        return Err(Drop::BadLength);
    }
    let (source, destination) = (packet.src_addr(), packet.dst_addr());
    if !udp.verify_checksum(&source.into(), &destination.into()) {
        return Err(Drop::BadDatagramChecksum);
    }
    let node = Node::from_address(source.octets()).ok_or(Drop::ForeignSource)?;
    let from = Peer {
        node,
        port: udp.src_port(),
    };
    Ok((from, udp.payload()))
}

/// Writes a datagram to `peer` at `mac` into `frame`, which is as long as [`HEADERS`] and the payload together; `payload` writes that.
pub fn build(
    frame: &mut [u8],
    own: Own,
    mac: EthernetAddress,
    peer: Peer,
    payload: impl FnOnce(&mut [u8]),
) {
    let mut ethernet = EthernetFrame::new_unchecked(frame);
    let header = EthernetRepr {
        src_addr: own.mac,
        dst_addr: mac,
        ethertype: EthernetProtocol::Ipv4,
    };
    header.emit(&mut ethernet);
    let body = ethernet.payload_mut();
    let (source, destination) = (own.node.address().into(), peer.node.address().into());
    let header = Ipv4Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: IpProtocol::Udp,
        payload_len: body.len() - IPV4,
        hop_limit: HOP_LIMIT,
    };
    let mut ip = Ipv4Packet::new_unchecked(body);
    header.emit(&mut ip, &ChecksumCapabilities::default());
    let body = ip.payload_mut();
    let length = body.len();
    let mut udp = UdpPacket::new_unchecked(body);
    udp.set_src_port(NETIPC_PORT);
    udp.set_dst_port(peer.port);
    udp.set_len(length as u16); // at most 1480, by the size of a frame
    payload(udp.payload_mut());
    udp.fill_checksum(&source.into(), &destination.into());
}
